"""Projects built from source on this machine work, once repaired, on systems that have none of their libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import real_projects, rootfs
from support.real_projects import LXML, PILLOW, PSYCOPG2, PYCAIRO
from support.systems import BOOKWORM, BULLSEYE, FORKY, JAMMY, TRIXIE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.real_projects import Project
    from support.rootfs import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROJECTS = (PSYCOPG2, PYCAIRO, PILLOW, LXML)
SYSTEMS = (JAMMY, BOOKWORM, TRIXIE, FORKY)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.suite)
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_a_repaired_project_works_where_its_libraries_are_absent(
    project: Project, system: System, repair: Callable[..., Path]
) -> None:
    root = rootfs.root(system)
    assert not root.holds(project.missing)
    wheel = real_projects.build(project, system.python)

    with root.site() as site:
        site.unpack(wheel)
        control = site.run(project.use)
    assert control.code == 1
    assert f"ImportError: {project.missing}: cannot open shared object file" in control.output

    with root.site() as site:
        accepted = site.install(repair(wheel))
        assert accepted.code == 0, accepted.output
        outcome = site.run(project.use)
    assert outcome.output == "works\n"
    assert outcome.code == 0


def test_a_system_older_than_the_label_refuses_the_wheel_and_could_not_run_it(repair: Callable[..., Path]) -> None:
    root = rootfs.root(BULLSEYE)
    wheel = repair(real_projects.build(PSYCOPG2, BULLSEYE.python))
    with root.site() as site:
        assert "is not a supported wheel on this platform" in site.install(wheel).output
        site.unpack(wheel)
        outcome = site.run(PSYCOPG2.use)
    assert outcome.code == 1
    assert "version `GLIBC_2.3" in outcome.output
