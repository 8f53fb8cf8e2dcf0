"""`truewheel show`: the screen of each kind of wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.fixtures import family, odd, unrepaired_wheel
from support.hello import hello_wheel
from support.wheels import build_wheel
from truewheel.cli.show import screen
from truewheel.cli.tree import tree
from truewheel.platforms.verdict import Reason, Rule
from truewheel.report.model import Fate, FileGroup, LibraryLine, TagTruth, WheelReport

if TYPE_CHECKING:
    from pathlib import Path

HELLO = unrepaired_wheel("x86_64")
FAMILY = family("x86_64")


def shown(*arguments: str | Path) -> list[str]:
    outcome = truewheel("show", *arguments)
    assert (outcome.code, outcome.errors) == (0, "")
    return outcome.output.splitlines()


def test_a_wheel_that_can_be_repaired() -> None:
    size = HELLO.stat().st_size
    greet, tone = (f"{file.stat().st_size / 1000:.1f} kB" for file in (FAMILY.greet, FAMILY.tone))
    both = f"{(FAMILY.greet.stat().st_size + FAMILY.tone.stat().st_size) / 1000:.1f} kB"
    lines = shown("-v", "--lib-path", FAMILY.folder, HELLO)
    assert lines[:-1] == [
        "hello-1.0-cp310-abi3-linux_x86_64.whl",
        f"{size / 1000:.1f} kB, 1 native file, x86_64, glibc",
        "",
        "label     linux_x86_64  promises nothing about the system",
        "as it is  keeps the promise of no platform tag",
        "could be  manylinux1_x86_64.manylinux_2_5_x86_64",
        f"          once `truewheel repair` has bundled 2 libraries ({both})",
        "",
        "libraries",
        "  hello/_hello.abi3.so",
        f"    libgreet.so.1 .... bundle   {greet:>9}  {FAMILY.greet}",
        f"      libtone.so.2 ... bundle   {tone:>9}  {FAMILY.tone}",
        "  from the system: libc.so.6",
        "",
    ]
    assert lines[-1].startswith("data      policies of ")


def test_folders_are_told_where_names_are_known() -> None:
    (line,) = (line for line in shown("--lib-path", FAMILY.folder, HELLO) if "libgreet" in line)
    assert line.split()[2] == "bundle"
    assert str(FAMILY.folder).endswith(line.split()[-1][-12:])


def test_a_missing_library_comes_with_advice() -> None:
    text = " ".join(" ".join(shown(HELLO)).split())
    assert "could be no tag at all, because hello/_hello.abi3.so needs libgreet.so.1, which was not found" in text
    assert "help say where missing libraries lie with --lib-path DIR" in text
    assert "`truewheel why WHEEL libgreet.so.1` lists where it was looked for" in text
    assert "missing (looked in " in text


def test_a_repaired_wheel_is_what_it_could_be(tmp_path: Path) -> None:
    made = truewheel("repair", "-w", tmp_path, "--lib-path", FAMILY.folder, HELLO).output.strip()
    lines = shown(made)
    assert "label     manylinux1_x86_64  true" in lines
    assert "          manylinux_2_5_x86_64  true" in lines
    assert "could be  manylinux1_x86_64.manylinux_2_5_x86_64  (its name already)" in lines
    (line,) = (line for line in lines if line.strip().startswith("libgreet-"))
    assert " in wheel " in line
    assert line.endswith("hello.libs")


def test_a_label_that_is_not_true_has_its_reasons(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": odd("relr.so")}, tag="cp310-abi3-manylinux_2_17_x86_64")
    lines = shown("--lib-path", FAMILY.folder, wheel)
    assert "label     manylinux_2_17_x86_64  not true" in lines
    assert any(line.strip().startswith("hello/x.so needs GLIBC_2.36") or "GLIBC_ABI_DT_RELR" in line for line in lines)
    assert any(line.startswith("floor     manylinux_2_35_x86_64 is out of reach because of ") for line in lines)
    assert not any("(allowed since manylinux_2_36)" in line for line in lines[lines.index("libraries") :])


@pytest.mark.parametrize(
    ("name", "label", "told"),
    [
        ("foo-1.0-py3-none-any.whl", "any  true", "no native file is inside: there is nothing to repair"),
        ("foo-1.0-py3-none-linux_x86_64.whl", "linux_x86_64  true, no native file asks for it", "could be  any: "),
        (
            "foo-1.0-py3-none-macosx_11_0_arm64.whl",
            "macosx_11_0_arm64  true, no native file asks for it",
            "could be  any: ",
        ),
        (
            "foo-1.0-py3-none-win_amd64.whl",
            "win_amd64  names a system that is not judged",
            "no file inside can be judged for that system",
        ),
    ],
)
def test_wheels_without_native_files(name: str, label: str, told: str, tmp_path: Path) -> None:
    lines = shown(build_wheel(tmp_path, {"foo.py": b""}, filename=name))
    assert lines[1].endswith(", 0 native files")
    assert lines[3] == f"label     {label}"
    assert told in lines[4]


def test_members_that_no_loader_maps_and_no_record_lists_are_told(tmp_path: Path) -> None:
    record = b"foo.py,,\nfoo-1.0.dist-info/RECORD,,\n"
    files = {
        "foo.py": b"",
        "foo/tone.so": FAMILY.tone.read_bytes(),
        "foo/a.a": b"!<arch>\n" + b" " * 60,
        "foo/b.a": b"!<arch>\n" + b" " * 60,
        "foo-1.0.dist-info/RECORD": record,
    }
    text = " ".join(" ".join(shown(build_wheel(tmp_path, files, filename="foo-1.0-py3-none-linux_x86_64.whl"))).split())
    assert "RECORD does not list foo/tone.so: an installer may refuse the wheel" in text
    assert "not looked at (a static library: no loader maps it): foo/a.a, foo/b.a" in text


def test_several_wheels_are_parted_by_an_empty_line() -> None:
    lines = shown("--lib-path", FAMILY.folder, HELLO, unrepaired_wheel("aarch64"))
    place = lines.index("hello-1.0-cp310-abi3-linux_aarch64.whl")
    assert lines[place - 1] == ""
    assert lines[place - 2].startswith("data ")


@pytest.mark.parametrize("arguments", [(), ("--lib-path", FAMILY.folder)])
def test_lines_fit_when_there_is_no_terminal(arguments: tuple[str | Path, ...]) -> None:
    assert max(map(len, shown(*arguments, HELLO))) <= 100


def wheel(**fields: object) -> WheelReport:
    values: dict[str, object] = {
        "file": "a-1-py3-none-linux_x86_64.whl",
        "size": 10,
        "architecture": "x86_64",
        "libc": "glibc",
        "native_files": 2,
        "tags": (TagTruth("manylinux_2_28_x86_64", true=True),),
        "as_it_is": "manylinux_2_17_x86_64",
        "could_be": ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64"),
        "plain": "linux_x86_64",
        "groups": (),
        "system": (),
        "own_floor": None,
        "next_older": None,
        "floor_reasons": (),
        "refusals": (),
        "tidied": (),
        "warnings": (),
        "ignored": (),
        "unrecorded": (),
        "policy_data": "x",
    }
    return WheelReport(**{**values, **fields})  # type: ignore[arg-type]  # a test names the fields it is about


def library(name: str, depth: int = 1, fate: Fate = Fate.BUNDLE, *, repeated: bool = False) -> LibraryLine:
    return LibraryLine(depth, name, fate, f"/usr/lib/deep/down/in/{name}", 1000, repeated)


def test_a_wheel_that_keeps_more_than_it_says() -> None:
    assert "as it is  keeps manylinux_2_17_x86_64" in list(screen(wheel(), 100))


def test_a_wheel_that_can_only_be_plain_linux() -> None:
    one = wheel(could_be=(), as_it_is=None, refusals=("it needs the moon",))
    lines = list(screen(one, 100))
    (place,) = (number for number, line in enumerate(lines) if "no tag but linux_x86_64" in line)
    assert lines[place + 1] == "          it needs the moon"
    assert not [line for line in lines if line.startswith("help")]


def test_a_reason_is_told_once() -> None:
    reason = Reason(Rule.LIBRARY, "a.so", "needs the moon")
    two = tuple(
        TagTruth(tag, true=False, reasons=(reason,)) for tag in ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
    )
    lines = list(screen(wheel(tags=two), 100))
    assert sum("a.so needs the moon" in line for line in lines) == 1
    assert lines[5].endswith(", for the reasons above")
    refused = list(screen(wheel(tags=two, could_be=(), refusals=("a.so needs the moon",)), 100))
    assert refused.index("          a.so needs the moon") > next(
        n for n, line in enumerate(refused) if "could be" in line
    )
    assert sum("a.so needs the moon" in line for line in refused) == 1
    assert refused[3].endswith(", for the reasons below")


def test_many_sentences_are_folded_unless_all_is_asked_for() -> None:
    reasons = tuple(
        Reason(Rule.LIBRARY, f"a/{number}.so", "needs the moon", oldest="manylinux_2_17") for number in range(9)
    )
    one = wheel(floor_reasons=reasons, next_older="manylinux_2_12_x86_64", own_floor="manylinux_2_5_x86_64")
    lines = list(screen(one, 100))
    assert "floor     manylinux_2_12_x86_64 is out of reach because of 9 facts:" in lines
    assert "          a/5.so needs the moon" in lines
    assert "          a/6.so needs the moon" not in lines
    assert "          and 3 more (-v lists them)" in lines
    assert "          the wheel's own files alone would allow manylinux_2_5_x86_64" in lines
    assert "          a/8.so needs the moon" in list(screen(one, None))


def test_what_a_repair_drops_is_told() -> None:
    lines = list(screen(wheel(tidied=("the RPATH entry /opt leads outside",)), 100))
    assert "repair    also drops what names the build's machine: the RPATH entry /opt leads outside" in lines


def test_a_large_tree_keeps_what_is_nearest_and_all_that_is_missing() -> None:
    lines = (
        library("top.so"),
        *(library(f"below{number}.so", 2) for number in range(60)),
        library("gone.so", 3, Fate.MISSING),
    )
    one = wheel(groups=(FileGroup(("a.so", "b.so"), lines),))
    drawn = list(tree(one, 100))
    assert "  and 1 more that needs the same (-v lists them)" in drawn
    assert len([line for line in drawn if "below" in line]) == 38
    assert any("gone.so" in line for line in drawn)
    assert "    and 22 libraries that these need in turn (-v lists them)" in drawn
    whole = list(tree(one, None))
    assert len([line for line in whole if "below" in line]) == 60
    assert "  b.so" in whole


def test_what_was_told_already_is_named_once_more() -> None:
    lines = (library("new.so"), *(library(f"old{number}.so", repeated=True) for number in range(9)))
    drawn = list(tree(wheel(groups=(FileGroup(("a.so",), lines),)), 60))
    assert any(line.startswith("    new.so ...") for line in drawn)
    rest = drawn[drawn.index(next(line for line in drawn if "and from above" in line)) :]
    assert max(map(len, rest)) <= 60
    assert " ".join(" ".join(rest).split()).startswith("and from above: old0.so, old1.so")
    assert any(line.endswith("see above") for line in tree(wheel(groups=(FileGroup(("a.so",), lines),)), None))


def test_long_lists_of_system_libraries_are_wrapped() -> None:
    drawn = list(tree(wheel(system=tuple(f"libsystem{number}.so.1" for number in range(9))), 60))
    assert drawn[2].startswith("  from the system: libsystem0.so.1,")
    assert drawn[3].startswith("    libsystem")
    assert max(map(len, drawn)) <= 60


def test_long_folders_are_cut_and_names_never() -> None:
    lines = (library("libname-that-is-quite-long-0123456789abcdef.so.1"),)
    (line,) = (line for line in tree(wheel(groups=(FileGroup(("a.so",), lines),)), 80) if "libname" in line)
    assert "libname-that-is-quite-long-0123456789abcdef.so.1 ..." in line
    assert line.endswith("  /us...own/in")


def test_nothing_to_draw() -> None:
    assert list(tree(wheel(), 100)) == []
