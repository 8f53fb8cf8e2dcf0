"""Mending: what is wrong is right afterwards, by the check and by other programs, and nothing else changed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from support.checks import INFO, RECORD, WHEEL, rules, wheel
from support.fixtures import odd
from support.wheels import descriptor_zip, record_row, wheel_files
from truewheel.check import CheckOptions
from truewheel.check import fix as fix_module
from truewheel.check.fix import fix_wheel
from truewheel.errors import DefectError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def record_is_true(files: Mapping[str, bytes], info: str = INFO) -> bool:
    """Whether RECORD lists every file once with its sha256 and size, by csv and hashlib."""
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(files[f"{info}/RECORD"].decode()))}
    own = rows.pop(f"{info}/RECORD")
    expected = {name: row(content) for name, content in files.items() if name != f"{info}/RECORD"}
    return own == ["", ""] and rows == expected


def row(content: bytes) -> list[str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return [f"sha256={digest}", str(len(content))]


def fixed(path: Path, into: Path, **options: bool) -> Path:
    """Mend a wheel, and hold the result against what other programs read."""
    done = fix_wheel(path, into / "new", CheckOptions(), **options)
    files = contents(done.path)
    (info,) = {name.partition("/")[0] for name in files if ".dist-info/" in name}
    assert record_is_true(files, info)
    name, version, build, tags = parse_wheel_filename(done.path.name, validate_order=True)
    lines = files[f"{info}/WHEEL"].decode().splitlines()
    assert {tag for line in lines if line.startswith("Tag: ") for tag in parse_tag(line[5:])} == tags
    assert [line[7:] for line in lines if line.startswith("Build: ")] == ([f"{build[0]}{build[1]}"] if build else [])
    assert not any(finding.fixable for finding in done.left)
    assert fix_wheel(done.path, into / "again").changed is False
    assert str(name).replace("-", "_") == info.partition("-")[0]
    assert str(version) == info.removesuffix(".dist-info").partition("-")[2]
    return done.path


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("foo-1.0-py3.py2.py3-none-ANY.", "foo-1.0-py2.py3-none-any"),
        ("foo-1.0-7a-py3-none-any", "foo-1.0-7a-py3-none-any"),
        ("FOO-1.0-py3-none-any", "foo-1.0-py3-none-any"),
        ("foo-1.0.0rc01-py3-none-any", "foo-1.0.0rc1-py3-none-any"),
    ],
)
def test_names(tmp_path: Path, name: str, right: str) -> None:
    info = "foo-1.0.0rc01.dist-info" if "rc" in name else "Foo-1.0.dist-info"
    path = wheel(tmp_path, info=info).rename(tmp_path / f"{name}.whl")
    assert fixed(path, tmp_path).name == f"{right}.whl"


def test_folders_are_renamed_with_the_data_folder(tmp_path: Path) -> None:
    files = {"Foo.Bar-1.0.data/scripts/run": b"#!python\n"}
    path = wheel(tmp_path, files=files, stem="Foo.Bar-1.0", info="Foo.Bar-1.0.dist-info")
    new = contents(fixed(path, tmp_path))
    assert new["foo_bar-1.0.data/scripts/run"] == b"#!python\n"
    assert {name.partition("/")[0] for name in new} == {"foo", "foo_bar-1.0.data", "foo_bar-1.0.dist-info"}


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\nTag: py2-none-any\n",
        f"\ufeff{HEAD}Tag: py3-none-any\n",
        "Wheel_Version: 1.0\r\nRoot-Is_Purelib: true\r\nTag: py2.py3-none-any\r\n",
        "Wheel-Version: 1.0\nTag: py3-none-ANY\nTag: py3-none-any\n",
        HEAD,
        f"{HEAD}Build: 3\nTag: py3-none-any\n",
        "Wheel-Version: 1.0\nRoot-Is-Purelib: maybe\nTag: py3-none-any\n",
    ],
)
def test_wheel_files(tmp_path: Path, text: str) -> None:
    new = contents(fixed(wheel(tmp_path, lines=text), tmp_path))[WHEEL].decode()
    keys = [line.partition(":")[0] for line in new.splitlines()]
    assert keys[0] == "Wheel-Version"
    assert sorted(key for key in keys if key != "Generator") == ["Root-Is-Purelib", "Tag", "Wheel-Version"]
    assert "Root-Is-Purelib: true" in new


def test_machine_code_is_not_pure(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-manylinux2014_x86_64", {"foo/tool": odd("static")}, purelib=True)
    assert b"Root-Is-Purelib: false\n" in contents(fixed(path, tmp_path))[WHEEL]


@pytest.mark.parametrize(
    "record",
    [
        f"{record_row('foo/__init__.py', b'other')}\n{RECORD},,\n",
        f"foo/__init__.py,md5=x,0\nfoo/gone,,\n\n{RECORD}.jws,,\n",
        f"foo/__init__.py\nfoo/__init__.py,,\n{RECORD},sha256=x,1\n",
        "",
    ],
)
def test_records(tmp_path: Path, record: str) -> None:
    path = wheel(tmp_path, files={RECORD: record.encode(), f"{RECORD}.jws": b"{}"})
    new = contents(fixed(path, tmp_path))
    assert f"{RECORD}.jws" not in new
    assert new["foo/__init__.py"] == b""


def test_bills_of_materials_get_the_new_name(tmp_path: Path) -> None:
    bill = b'{"purl": "pkg:pypi/foo@1.0?file_name=foo-1.0-py3-none-win32.whl"}'
    path = wheel(tmp_path, "py3.py2-none-any", {f"{INFO}/sboms/a.json": bill})
    new = contents(fixed(path, tmp_path))[f"{INFO}/sboms/a.json"]
    assert new == bill.replace(b"py3-none-win32", b"py2.py3-none-any")


def test_sizes_behind_the_data_move_to_the_front(tmp_path: Path) -> None:
    path = tmp_path / "foo-1.0-py3-none-any.whl"
    path.write_bytes(descriptor_zip(wheel_files({"foo/__init__.py": b""})))
    with zipfile.ZipFile(fixed(path, tmp_path)) as archive:
        assert not any(entry.flag_bits & 8 for entry in archive.infolist())


def test_what_did_not_change_keeps_its_bytes(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any", {"foo/data": bytes(range(256)) * 40})
    before, after = contents(path), contents(fixed(path, tmp_path))
    assert {name for name in before if before[name] != after[name]} <= {WHEEL, RECORD}


def test_only_the_chosen_rules_are_mended(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any", lines=f"{HEAD}Tag: py3-none-any\n")
    done = fix_wheel(path, tmp_path / "new", CheckOptions(ignore=("tag-order",)))
    assert done.path.name == path.name
    assert {finding.rule for finding in done.mended} == {"wheel-tags"}
    assert rules(done.path) == ["tag-order"]
    order = fix_wheel(path, tmp_path / "order", CheckOptions(select=("tag-order",)))
    assert rules(order.path) == ["wheel-tags"]


def test_what_needs_new_facts_is_left(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any.linux_x86_64", {"foo/tool": odd("static")}, purelib=True)
    done = fix_wheel(path, tmp_path / "new")
    assert {finding.rule for finding in done.left} == {"index-tag", "untrue-tag"}


def test_nothing_to_mend(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    assert fix_wheel(path).path == path
    copied = fix_wheel(path, tmp_path / "new")
    assert (copied.path, copied.changed) == (tmp_path / "new" / path.name, False)
    assert copied.path.read_bytes() == path.read_bytes()
    unnamed = wheel(tmp_path).rename(tmp_path / "what.whl")
    assert fix_wheel(unnamed, tmp_path / "new").path == tmp_path / "new" / "what.whl"
    assert fix_wheel(unnamed).path == unnamed


def test_the_given_wheel_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = wheel(tmp_path, lines=HEAD)
    before = path.read_bytes()
    with pytest.raises(OutputError):
        fix_wheel(path)
    assert [item.read_bytes() for item in tmp_path.iterdir()] == [before]
    assert fix_wheel(path, force=True).path == path
    assert rules(path) == []
    renamed = fix_wheel(wheel(tmp_path, "py3.py2-none-any"))
    assert renamed.path == tmp_path / "foo-1.0-py2.py3-none-any.whl"


def test_a_wheel_of_another_project_keeps_its_folder(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any", info="Bar-1.0.dist-info")
    done = fix_wheel(path, tmp_path / "new")
    assert done.path.name == "foo-1.0-py2.py3-none-any.whl"
    assert "Bar-1.0.dist-info/WHEEL" in contents(done.path)


def test_a_mend_that_does_not_hold_is_never_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fix_module, "mended_name", lambda subject, _: subject.given.text)
    with pytest.raises(DefectError, match="a mend did not hold: tag-order"):
        fix_wheel(wheel(tmp_path, "py3.py2-none-any"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


LINES = st.lists(
    st.sampled_from(
        [
            "Tag: py3-none-any",
            "Tag: py2.py3-none-any",
            "",
            "Build: 1",
            "Root-Is_Purelib: False",
            "Generator: x",
            " more",
        ]
    ),
    max_size=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.sampled_from(["py3-none-any", "2-py3.py2-none-any", "py3-none-win32.any"]))
def test_any_wheel_file_is_mended(tmp_path_factory: pytest.TempPathFactory, lines: list[str], tag: str) -> None:
    folder = tmp_path_factory.mktemp("w")
    text = "\n".join(["Wheel-Version: 1.0", *lines]) + "\n"
    fixed(wheel(folder, tag, lines=text), folder)
