"""`truewheel merge`: a path on stdout, a summary on stderr, plans and documents."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from support.cli import truewheel
from support.mac_pairs import code, lib, pair

NAME = "hello-1.0-cp310-abi3-macosx_10_9_universal2.whl"
OTHER = {"hello/a.py": b"A = 1\n"}, {"hello/a.py": b"A = 2\n"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MACOSX_DEPLOYMENT_TARGET", raising=False)
    return tmp_path


def test_prints_the_full_path_and_says_the_rest_on_stderr(here: Path) -> None:
    needs = code("x86_64", "@loader_path/libx.dylib")
    one, two = pair(here, {"hello/_hello.abi3.so": needs, "hello/libx.dylib": lib("x86_64")})
    outcome = truewheel("merge", two, one)
    assert (outcome.code, outcome.output) == (0, f"{here}/wheelhouse/{NAME}\n")
    assert outcome.errors.startswith(f"{one.name} and {two.name}: joined 1 file, 1 for one architecture only, -")
    said, note, end = outcome.errors.split("\n")
    assert said.endswith("; now macosx_10_9_universal2")
    assert note.startswith("  note: the arm64 slice of hello/_hello.abi3.so needs no library of the wheel")
    assert end == ""


def test_says_all_when_asked_and_notes_always(here: Path) -> None:
    more = {f"hello/{name}.txt": name.encode() for name in "bc"}
    one, two = pair(here, {**OTHER[0], **more}, {**OTHER[1], "hello/_more.abi3.so": code("arm64")})
    rules = ("--prefer", "arm64", "--prefer", "b.txt=arm64", "--allow-one-sided")
    outcome = truewheel("merge", "-w", "out", "-v", *rules, one, two)
    assert outcome.code == 0
    assert outcome.errors.split("\n")[1:-1] == [
        "  join    hello/_hello.abi3.so",
        "  take    hello/a.py: that for arm64",
        "  keep    hello/c.txt: for x86_64 alone",
        "  keep    hello/_more.abi3.so: for arm64 alone",
        "  leave   hello/b.txt: for x86_64 alone",
        "  note: hello/_more.abi3.so is there for arm64 alone; the label does not count it",
    ]
    quiet = truewheel("merge", "-w", "out", *rules, one, two)
    assert quiet.errors.split("\n")[1:-1] == outcome.errors.split("\n")[-2:-1]


def test_a_dry_run_prints_the_plan_and_writes_nothing(here: Path) -> None:
    bill = "hello-1.0.dist-info/sboms/a.cdx.json"
    one, two = pair(here, {bill: b"1"}, {bill: b"2"})
    outcome = truewheel("merge", "-n", one, two)
    stem = bill.removesuffix(".cdx.json")
    assert outcome.output.split("\n") == [
        f"{one.name} and {two.name} -> {NAME}",
        "  join    hello/_hello.abi3.so",
        f"  rename  {bill}: that for x86_64 is {stem}-x86_64.cdx.json",
        f"  rename  {bill}: that for arm64 is {stem}-arm64.cdx.json",
        "",
    ]
    assert not (here / "wheelhouse").exists()


def test_every_file_in_the_way_is_printed(here: Path) -> None:
    outcome = truewheel("merge", *pair(here, *OTHER))
    assert (outcome.code, outcome.output) == (1, "")
    assert "the wheels differ in 1 file that cannot be joined (--prefer arm64" in outcome.errors
    assert outcome.errors.endswith("\n  hello/a.py differs\n")
    assert not (here / "wheelhouse").exists()


def test_wrong_usage_and_unreadable_wheels_have_their_own_exit_codes(here: Path) -> None:
    one, two = pair(here)
    assert truewheel("merge", one).code == 2
    assert truewheel("merge", one, two, one).code == 2
    assert truewheel("merge", "--prefer", "both", one, two).code == 2
    gone = truewheel("merge", one, "gone.whl")
    assert (gone.code, gone.errors) == (3, "error: gone.whl: there is no such file\n")
    assert truewheel("merge", one, two, MACOSX_DEPLOYMENT_TARGET="new").code == 2


def test_a_deployment_target_and_tags_are_held(here: Path) -> None:
    wheels = pair(here)
    assert truewheel("merge", *wheels, MACOSX_DEPLOYMENT_TARGET="12.0").output.endswith("macosx_12_0_universal2.whl\n")
    assert truewheel("merge", *wheels, "--plat", "macosx_13_0_universal2").output.endswith("_13_0_universal2.whl\n")


def test_what_others_provide_can_be_left_out_and_other_files_replaced(here: Path) -> None:
    wheels = pair(here, {"hello/_hello.abi3.so": code("x86_64", "/opt/liba.dylib")})
    there = here / "wheelhouse" / NAME
    there.parent.mkdir()
    there.write_bytes(b"another")
    assert truewheel("merge", *wheels).code == 1
    assert truewheel("merge", "--exclude", "liba*", *wheels).code == 1
    assert truewheel("merge", "--exclude", "liba*", "--force", "-j", "1", *wheels).code == 0
    assert there.read_bytes() != b"another"


def document(*arguments: str | Path) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(truewheel("merge", "--json", *arguments).output)


def test_one_document_says_what_was_done(here: Path) -> None:
    wheels = pair(here)
    made = document(*wheels)
    (merged,) = made["merged"]
    assert (made["schema"], made["failed"]) == ("truewheel.merge/1", [])
    assert merged["path"] == f"{here}/wheelhouse/{NAME}"
    assert merged["size_after"] == Path(merged["path"]).stat().st_size
    assert [item["architecture"] for item in merged["plan"]["inputs"]] == ["x86_64", "arm64"]
    assert document("-n", *wheels)["plans"] == [merged["plan"]]


def test_one_document_says_what_failed(here: Path) -> None:
    one, two = pair(here, *OTHER)
    (failure,) = document(one, two)["failed"]
    assert failure["file"] == f"{one} {two}"
    assert failure["reasons"] == ["hello/a.py differs"]
    assert failure["exit_code"] == 1


def test_sums_and_an_index_tell_of_both_wheels(here: Path) -> None:
    one, two = pair(here)
    outcome = truewheel("merge", "--sums", "--index", "simple", two, one)
    assert (outcome.code, outcome.output) == (0, f"{here}/wheelhouse/{NAME}\n")
    told = json.loads((here / "wheelhouse" / "names.json").read_text())["names"]
    assert {(item["old"], item["old_sha256"]) for item in told} == {
        (wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest()) for wheel in (one, two)
    }
    assert {item["new"] for item in told} == {NAME}
    assert (here / "wheelhouse" / "SHA256SUMS").read_text().endswith(f"  {NAME}\n")
    assert NAME in (here / "simple" / "hello" / "index.html").read_text()


def test_a_damaged_index_is_told_before_anything_is_written(here: Path) -> None:
    (here / "simple").mkdir()
    (here / "simple" / "index.json").write_text("[]")
    outcome = truewheel("merge", "--index", "simple", *pair(here))
    assert (outcome.code, outcome.output) == (3, "")
    assert "simple/index.json: is no document of a package index" in outcome.errors
    assert not (here / "wheelhouse").exists()
    assert truewheel("merge", "--index", "simple").code == 2


def test_an_index_that_has_another_wheel_of_the_name_is_told(here: Path) -> None:
    assert truewheel("merge", "--index", "simple", *pair(here)).code == 0
    other = pair(here / "other", {"hello/a.py": b"2"}, {"hello/a.py": b"2"})
    outcome = truewheel("merge", "-w", "out", "--index", "simple", "--json", *other)
    document = json.loads(outcome.output)
    assert (outcome.code, len(document["merged"]), len(document["failed"])) == (1, 1, 1)
    assert document["failed"][0]["reasons"] == [f"{NAME} has another content there"]
