"""Repaired files survive being stripped, by us (`--strip`) and afterwards by others: their layout is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import programs, real_projects, rootfs
from support.real_projects import PILLOW, PSYCOPG2
from support.systems import BOOKWORM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.real_projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROJECTS = (PSYCOPG2, PILLOW)


@pytest.mark.parametrize("options", [("--strip-all",), ("--strip-debug",)], ids=" ".join)
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_repaired_files_work_after_the_strip_program(
    project: Project, options: tuple[str, ...], repair: Callable[..., Path]
) -> None:
    root = rootfs.root(BOOKWORM)
    wheel = repair(real_projects.build(project, BOOKWORM.python))
    with root.site() as site:
        site.unpack(wheel)
        files = [path for path in site.folder.rglob("*.so*") if path.is_file()]
        assert len(files) > 10
        programs.run([programs.need("strip"), *options, *files])
        outcome = site.run(project.use)
    assert outcome.output == "works\n"
    assert outcome.code == 0


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_files_stripped_by_the_repair_work(project: Project, repair: Callable[..., Path]) -> None:
    root = rootfs.root(BOOKWORM)
    stripped = repair(real_projects.build(project, BOOKWORM.python), "--strip")
    with root.site() as site:
        accepted = site.install(stripped)
        assert accepted.code == 0, accepted.output
        outcome = site.run(project.use)
        for path in site.folder.rglob("*.so*"):
            assert ".symtab" not in programs.run([programs.need("readelf"), "--section-headers", "--wide", path])
    assert outcome.output == "works\n"
    assert outcome.code == 0
