"""`truewheel check` as its users see it."""

from __future__ import annotations

import errno
import importlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.checks import INFO, wheel
from support.cli import on_terminal, truewheel
from support.fixtures import odd
from support.macho_bytes import BUNDLE, Macho, build_version
from support.sarif import SCHEMA

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"


def test_a_sound_wheel(tmp_path: Path) -> None:
    done = truewheel("check", wheel(tmp_path))
    assert (done.code, done.output) == (0, "")
    assert done.errors == "foo-1.0-py3-none-any.whl: nothing is wrong by 48 rules\n"


def test_one_line_for_each_finding(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any", {f"{INFO}/entry_points.txt": b"a"}, lines=f"{HEAD}Tag: py3-none-any\n")
    done = truewheel("check", path)
    assert done.code == 1
    points, lines = f"{INFO}/entry_points.txt", f"{INFO}/WHEEL"
    told = [
        (
            "warning: tag-order: the Python tags are not sorted, as the specification demands",
            "write py2.py3 (--fix does it)",
        ),
        (f"error: entry-points: {points}: cannot be read: File contains no section headers.", "build the wheel again"),
        (
            f"error: wheel-tags: {lines}: the file name says py2-none-any, WHEEL does not",
            "write the tags of the file name (--fix does it)",
        ),
    ]
    assert done.output.splitlines() == [f"{path.name}: {what}; mend: {mend}" for what, mend in told]
    assert done.errors == f"{path.name}: 2 errors and 1 warning\n"


def test_warnings_count_only_when_strict(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any")
    assert truewheel("check", path).code == 0
    assert truewheel("check", "--strict", path).code == 1
    assert truewheel("check", "--strict", "--ignore", "symlink, tag-order", path).code == 0
    assert truewheel("check", "--strict", "--select", "symlink,wheel-tags", "--select=metadata", path).code == 0


def test_many_findings_of_a_rule_are_told_in_short(tmp_path: Path) -> None:
    files = {
        f"foo/_m{number}.so": Macho("arm64", BUNDLE, commands=[build_version(1, "13.0")]).build() for number in range(9)
    }
    path = wheel(tmp_path, "py3-none-macosx_11_0_arm64", files)
    lines = truewheel("check", "--select=untrue-tag", path).output.splitlines()
    assert len(lines) == 7
    assert lines[-1] == f"{path.name}: and 3 more of untrue-tag (-v lists them)"
    assert len(truewheel("check", "-v", "--select=untrue-tag", path).output.splitlines()) == 9


def test_the_index_can_be_left_out(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-linux_x86_64", {"foo/tool": odd("static")})
    assert truewheel("check", path).code == 1
    assert truewheel("check", "--index=none", path).code == 0


def test_wrong_usage(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    unknown = truewheel("check", "--select", "wheel-tag", path)
    assert (unknown.code, "did you mean wheel-tags?" in unknown.errors) == (2, True)
    assert truewheel("check", "--index=mine", path).code == 2
    assert truewheel("check", "-w", tmp_path, path).code == 2
    assert truewheel("check", "--force", path).code == 2
    assert truewheel("check", "--json", "--sarif=-", path).code == 2


def test_several_wheels(tmp_path: Path) -> None:
    good, bad = wheel(tmp_path), wheel(tmp_path / "b", lines=HEAD)
    assert truewheel("check", good, bad).code == 1
    assert truewheel("check", good, tmp_path / "gone.whl").code == 4
    broken = tmp_path / "bar-1-py3-none-any.whl"
    broken.write_bytes(b"nothing")
    assert truewheel("check", broken).code == 3


def test_fix_prints_the_new_path_and_says_what_it_did(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3.py2-none-any", {f"{INFO}/entry_points.txt": b"a", f"{INFO}/RECORD": b""})
    new = tmp_path / "new" / "foo-1.0-py2.py3-none-any.whl"
    done = truewheel("check", "--fix", "-w", new.parent, path)
    assert (done.code, done.output) == (1, f"{new}\n")
    told = done.errors.splitlines()
    assert told[0] == f"{path.name}: mended: tag-order: the Python tags are not sorted, as the specification demands"
    assert f"{path.name}: mended: record-unlisted: foo/__init__.py: RECORD does not list it" in told
    assert f"{path.name}: note: RECORD did not list foo/__init__.py; a row was added" in told
    assert told[-2].startswith(f"{path.name}: left: error: entry-points: ")
    assert told[-1] == f"{path.name}: 1 error left"
    again = truewheel("check", "--fix", wheel(tmp_path))
    assert (again.code, again.output) == (0, f"{tmp_path / 'foo-1.0-py3-none-any.whl'}\n")


def test_fix_does_not_replace_without_force(tmp_path: Path) -> None:
    path = wheel(tmp_path, lines=HEAD)
    refused = truewheel("check", "--fix", path)
    assert (refused.code, "--force" in refused.errors) == (1, True)
    assert truewheel("check", "--fix", "--force", path).code == 0
    assert truewheel("check", path).code == 0


def test_json_says_whether_the_wheel_is_true(tmp_path: Path) -> None:
    done = truewheel("check", "--json", wheel(tmp_path), wheel(tmp_path / "b", lines=HEAD))
    document = json.loads(done.output)
    assert [each["true"] for each in document["wheels"]] == [True, False]
    (fault,) = document["wheels"][1]["findings"]
    assert (fault["rule"], fault["severity"], fault["fixable"]) == ("wheel-tags", "error", True)


def test_colours_on_a_terminal(tmp_path: Path) -> None:
    code, seen = on_terminal("check", wheel(tmp_path, lines=HEAD))
    assert code == 1
    assert "\x1b[31merror\x1b[0m: wheel-tags" in seen


def sarif(text: str) -> dict[str, Any]:
    """Return the run of a SARIF document that follows the specification."""
    document = json.loads(text)
    jsonschema: Any = importlib.import_module("jsonschema")  # has no types
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    found: dict[str, Any] = run
    return found


def test_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = wheel(tmp_path, "py3.py2-none-any", lines=HEAD)
    done = truewheel("check", "--sarif=-", path.name, "gone%.whl")
    run = sarif(done.output)
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("tag-order", "warning"),
        ("wheel-tags", "error"),
    ]
    first, second = (result["locations"][0] for result in run["results"])
    assert first["physicalLocation"]["artifactLocation"]["uri"] == "foo-1.0-py3.py2-none-any.whl"
    assert second["logicalLocations"] == [{"fullyQualifiedName": f"{INFO}/WHEEL", "kind": "member"}]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "gone%25.whl"
    assert len({result["partialFingerprints"]["finding/v1"] for result in run["results"]}) == 2


def test_sarif_of_a_path_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    path = wheel(folder, lines=HEAD)
    run = sarif(truewheel("check", "--sarif=-", path).output)
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place.endswith("/%FF/foo-1.0-py3-none-any.whl")


def test_sarif_in_a_file(tmp_path: Path) -> None:
    target = tmp_path / "found.sarif"
    path = wheel(tmp_path, lines=HEAD)
    done = truewheel("check", "--sarif", target, path)
    assert "wheel-tags" in done.output
    run = sarif(target.read_text())
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == path.as_uri()
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert truewheel("check", "--sarif", tmp_path / "no" / "x.sarif", wheel(tmp_path / "s")).code == 1
    assert sorted(item.name for item in tmp_path.iterdir()) == ["foo-1.0-py3-none-any.whl", "found.sarif", "s"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no/x.sarif", "No such file or directory"),
        ("file/x.sarif", "Not a directory"),
        ("folder", "it is a folder"),
        (".", "it is a folder"),
        ("..", "it is a folder"),
        ("/", "it is a folder"),
        ("s" * 300, "File name too long"),
    ],
)
def test_where_no_sarif_can_be_written_is_named_as_it_was_given(
    place: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, lines=HEAD)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    done = truewheel("check", "--sarif", place, path)
    assert (done.code, done.errors.splitlines()[-1]) == (1, f"error: {place}: cannot be written: {said}")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_takes_no_file_leaves_the_old_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:  # noqa: ANN401 -- as Path has it
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    path, target = wheel(tmp_path, lines=HEAD), tmp_path / "found.sarif"
    target.write_text("old")
    for method in ("write_text", "replace", "unlink"):
        monkeypatch.setattr(Path, method, refuse)
    done = truewheel("check", "--sarif", target, path)
    monkeypatch.undo()
    assert done.errors.splitlines()[-1] == f"error: {target}: cannot be written: Read-only file system"
    assert target.read_text() == "old"


def test_the_longest_name_is_written(tmp_path: Path) -> None:
    target = tmp_path / ("s" * 255)
    assert truewheel("check", "--sarif", target, wheel(tmp_path)).code == 0
    assert sarif(target.read_text())["results"] == []


def test_wheels_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    one, two = wheel(tmp_path / "a", "py3.py2-none-any"), wheel(tmp_path / "b", "py3.py2-none-any")
    done = truewheel("check", tmp_path / "a", tmp_path / "b")
    assert [line.partition(": ")[0] for line in done.output.splitlines()] == [str(one), str(two)]
    assert done.errors.splitlines() == [f"{one}: 1 warning", f"{two}: 1 warning"]


def test_an_error_says_which_wheel_of_a_name_it_is_of(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    wheel(tmp_path / "a", "py3-none-any")
    bad = tmp_path / "b" / "foo-1.0-py3-none-any.whl"
    bad.write_bytes(b"no archive at all")
    done = truewheel("check", tmp_path / "a", tmp_path / "b")
    assert done.code == 4
    assert f"error: {bad}: " in done.errors


def test_what_is_left_is_told_in_short_too(tmp_path: Path) -> None:
    module = Macho("arm64", BUNDLE, commands=[build_version(1, "13.0")]).build()
    files = {f"foo/_m{number}.so": module for number in range(9)}
    path = wheel(tmp_path, "py3.cp39-none-macosx_11_0_arm64", files)
    done = truewheel("check", "--fix", "--select", "untrue-tag,tag-order", path)
    left = [line for line in done.errors.splitlines() if ": left: " in line]
    assert len(left) == 7
    assert left[-1].endswith("left: and 3 more of untrue-tag (-v lists them)")


def test_what_is_no_archive_cannot_be_read(tmp_path: Path) -> None:
    for content in (b"", b"no archive at all"):
        path = tmp_path / "foo-1.0-py3-none-any.whl"
        path.write_bytes(content)
        done = truewheel("check", path)
        assert (done.code, done.output) == (3, "")
        assert done.errors.count("\n") == 1
