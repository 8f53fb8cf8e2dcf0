"""The script that writes the policy facts."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "update_policies.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT), run_name="update_policies")


def policy(name: str, priority: int, **facts: object) -> dict[str, Any]:
    return {
        "name": name,
        "aliases": [],
        "priority": priority,
        "symbol_versions": facts.get("versions", {"x86_64": {"GLIBC": ["2.5"]}}),
        "lib_whitelist": facts.get("libraries", ["libc.so.6"]),
        "blacklist": facts.get("blacklist", {}),
    }


def write(folder: Path, *policies: dict[str, Any]) -> Path:
    for family in ("manylinux", "musllinux"):
        (folder / f"{family}-policy.json").write_text(json.dumps(policies))
    return folder


def test_the_committed_files_are_what_the_script_writes(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["update_policies.py", "--check"])
    assert script["main"]() == 0
    assert "11 of 11 files are up to date" in capsys.readouterr().out


def test_each_fact_is_written_once_where_it_changes(script: dict[str, Any], tmp_path: Path) -> None:
    old = policy("many_1", 100, blacklist={"libz.so.1": ["a", "b"]})
    new = policy(
        "many_2",
        50,
        versions={"x86_64": {"GLIBC": ["2.10", "2.5", "2.9"]}},
        libraries=["libz.so.1", "libc.so.6"],
        blacklist={"libz.so.1": ["b"]},
    )
    files = script["generate"](write(tmp_path, new, old), "0")
    assert set(files) == {"manylinux.toml", "manylinux/x86_64.toml", "musllinux.toml", "musllinux/x86_64.toml"}
    symbols = files["manylinux/x86_64.toml"].partition("\n\n")[2]
    assert symbols == '[many_1]\nGLIBC = ["2.5"]\n\n[many_2]\nGLIBC = ["2.9", "2.10"]\n'
    common = files["manylinux.toml"]
    assert '[libraries]\nmany_1 = ["libc.so.6"]\nmany_2 = ["libz.so.1"]\n' in common
    assert '[forbidden."libz.so.1"]\nmany_1 = ["a"]\nmany_2 = ["b"]\n' in common


@pytest.mark.parametrize(
    ("older", "newer", "complaint"),
    [
        ({"libraries": ["liba.so", "libc.so.6"]}, {}, "library liba.so"),
        ({}, {"blacklist": {"libz.so.1": ["a"]}}, "forbids"),
        ({}, {"versions": {"x86_64": {"GLIBC": ["2.6"]}}}, "x86_64"),
    ],
)
def test_a_promise_that_shrinks_stops_the_script(
    script: dict[str, Any], tmp_path: Path, older: dict[str, Any], newer: dict[str, Any], complaint: str
) -> None:
    write(tmp_path, policy("many_1", 100, **older), policy("many_2", 50, **newer))
    with pytest.raises(SystemExit, match=complaint):
        script["generate"](tmp_path, "0")


def test_a_name_that_could_break_the_file_stops_the_script(script: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, policy("many_1", 100, libraries=['lib"x.so']))
    with pytest.raises(SystemExit, match="not a name"):
        script["generate"](tmp_path, "0")
