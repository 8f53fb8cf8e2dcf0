"""`truewheel thin`: paths on stdout, a summary on stderr, plans and documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.cli import truewheel
from support.mac_pairs import TAGS, code, lib
from support.mac_repairs import mac_wheel
from support.macho_bytes import arch, fat

NAME = "hello-1.0-cp310-abi3-macosx_11_0_arm64.whl"
MODULE = "hello/_hello.abi3.so"
TAG = "cp310-abi3-macosx_11_0_universal2"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def universal(directory: Path, *, tag: str = TAG, needs: str = "/usr/lib/libz.1.dylib") -> Path:
    module = fat([arch(code(name, needs), name, 14) for name in TAGS])
    return mac_wheel(directory, module, {"hello/libx.dylib": lib("x86_64")}, tag=tag)


def test_prints_the_full_path_and_says_the_rest_on_stderr(here: Path) -> None:
    wheel = universal(here)
    outcome = truewheel("thin", "--arch", "arm64", wheel)
    assert (outcome.code, outcome.output) == (0, f"{here}/wheelhouse/{NAME}\n")
    first, second, end = outcome.errors.split("\n")
    assert first.startswith(f"{wheel.name}: thinned 1 file, -")
    assert first.endswith("; now macosx_11_0_arm64")
    assert (second, end) == ("  drop    hello/libx.dylib", "")
    told = truewheel("thin", "--arch", "arm64", "-v", wheel).errors
    assert f"\n  thin    {MODULE}\n" in told


def test_a_wheel_that_is_thin_already_is_copied(here: Path) -> None:
    wheel = mac_wheel(here, code("arm64"), tag=TAGS["arm64"])
    outcome = truewheel("thin", "--arch=arm64", "-w", "out", wheel)
    assert outcome.output == f"{here}/out/{NAME}\n"
    assert outcome.errors == f"{NAME}: nothing to do; the same bytes are in the output folder\n"
    assert (here / "out" / NAME).read_bytes() == wheel.read_bytes()
    assert truewheel("thin", "--arch=arm64", "-n", wheel).output == f"{NAME}: nothing to do\n"


def test_a_dry_run_prints_the_plan_and_writes_nothing(here: Path) -> None:
    bill = {"hello-1.0.dist-info/sboms/a.json": b"hello/libx.dylib"}
    noted = mac_wheel(here / "noted", wheel_module(), {**bill, "hello/libx.dylib": lib("x86_64")}, tag=TAG)
    outcome = truewheel("thin", "--arch", "arm64", "-n", noted)
    assert outcome.output.split("\n") == [
        f"{noted.name} -> {NAME}",
        f"  thin    {MODULE}",
        "  drop    hello/libx.dylib",
        "  note    hello-1.0.dist-info/sboms/a.json still lists hello/libx.dylib, which the new wheel has no more",
        "",
    ]
    assert not (here / "wheelhouse").exists()
    assert "  note: hello-1.0.dist-info" in truewheel("thin", "--arch", "arm64", noted).errors


def wheel_module() -> bytes:
    return fat([arch(code(name), name, 14) for name in TAGS])


def test_one_bad_wheel_does_not_stop_the_others(here: Path) -> None:
    bad = mac_wheel(here / "bad", code("x86_64"), tag=TAGS["x86_64"])
    outcome = truewheel("thin", "--arch", "arm64", bad, universal(here))
    assert (outcome.code, outcome.output) == (4, f"{here}/wheelhouse/{NAME}\n")
    assert f"\n  {MODULE} has no arm64 slice, only x86_64\n" in outcome.errors


def test_two_wheels_that_would_get_one_name_are_told_apart(here: Path) -> None:
    other = universal(here / "other", tag="cp310-abi3-macosx_10_9_universal2")
    for more in ((), ("-n",)):
        outcome = truewheel("thin", "--arch", "arm64", "--force", *more, universal(here), other)
        assert outcome.code == 4
        assert outcome.errors.count(f"would be written as {NAME}, as another of the given wheels is") == 2
        assert not (here / "wheelhouse").exists()


def test_a_plan_is_written_and_then_done(here: Path) -> None:
    wheel = universal(here, needs="/opt/liba.dylib")
    planned = truewheel("thin", "--arch", "arm64", "--exclude", "liba*", "--plan", "plan.json", wheel)
    assert (planned.code, planned.output) == (0, f"{here}/plan.json\n")
    assert not (here / "wheelhouse").exists()
    applied = truewheel("apply", "plan.json", "-w", "out")
    assert (applied.code, applied.output) == (0, f"{here}/out/{NAME}\n")
    assert truewheel("thin", "--arch", "arm64", "--exclude", "liba*", wheel).code == 0
    assert (here / "out" / NAME).read_bytes() == (here / "wheelhouse" / NAME).read_bytes()
    Path("plan.json").write_text(Path("plan.json").read_text().replace('"thinned": [', '"thinned": [1, '))
    assert "the plan was changed after it was written" in truewheel("apply", "plan.json").errors


def test_all_or_nothing_with_sums_and_an_index(here: Path) -> None:
    thin = mac_wheel(here / "other", code("arm64"), tag="cp311-abi3-macosx_11_0_arm64")
    bad = mac_wheel(here / "bad", code("x86_64"), tag=TAGS["x86_64"])
    options = ("thin", "--arch=arm64", "--all-or-nothing", "--sums", "--index", "simple", universal(here), thin)
    assert (truewheel(*options, bad).code, (here / "wheelhouse").exists()) == (1, False)
    assert truewheel(*options).code == 0
    assert sorted(path.name for path in (here / "wheelhouse").iterdir()) == [
        "SHA256SUMS",
        NAME,
        thin.name,
        "names.json",
    ]
    page = (here / "simple" / "hello" / "index.html").read_text()
    assert NAME in page
    assert thin.name in page


def test_wrong_usage_is_told(here: Path) -> None:
    wheel = universal(here)
    assert truewheel("thin", wheel).code == 2
    outcome = truewheel("thin", "--arch", "mips", wheel)
    assert outcome.code == 2
    assert "'mips' is no architecture that a tag knows (one of arm64, x86_64, i386, ppc, ppc64)" in outcome.errors


def test_what_others_provide_can_be_left_out(here: Path) -> None:
    wheel = universal(here, needs="/opt/liba.dylib")
    assert truewheel("thin", "--arch", "arm64", wheel).code == 1
    assert truewheel("thin", "--arch", "arm64", "--exclude", "liba*", "-j", "1", wheel).code == 0


def document(*arguments: str | Path) -> Any:  # noqa: ANN401 -- JSON
    return json.loads(truewheel("thin", "--json", "--arch", "arm64", *arguments).output)


def test_one_document_says_what_was_done_and_what_failed(here: Path) -> None:
    wheel = universal(here)
    made = document(wheel, "gone.whl")
    (thinned,) = made["thinned"]
    assert made["schema"] == "truewheel.thin/1"
    assert thinned["path"] == f"{here}/wheelhouse/{NAME}"
    assert thinned["changed"] is True
    assert [failure["exit_code"] for failure in made["failed"]] == [3]
    assert document("-n", wheel)["plans"] == [thinned["plan"]]


def test_an_architecture_that_there_is_not_is_told_once(tmp_path: Path) -> None:
    outcome = truewheel("thin", "--arch", "bogus", tmp_path / "a.whl", tmp_path / "b.whl")
    assert outcome.code == 2
    assert outcome.errors.startswith("error: --arch: 'bogus' is no architecture that a tag knows (one of arm64, ")
    assert outcome.errors.count("\n") == 1
