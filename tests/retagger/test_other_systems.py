"""Tags of systems whose machine code is not judged: what a wheel's own code says of them all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from support.arm_bytes import attributes, file_scope, with_attributes
from support.checks import findings
from support.elf_bytes import Elf
from support.fixtures import family
from support.hello import hello_wheel
from support.mac_pairs import code
from support.retags import PE, WASM, for_android, linux_wheel, mac_wheel, pe, planned, retag
from truewheel.check import Severity
from truewheel.errors import RefusedError
from truewheel.report import inspect_wheel
from truewheel.retagger.proof import prove
from truewheel.retagger.retag import open_wheel

if TYPE_CHECKING:
    from pathlib import Path

MAC = "cp310-abi3-macosx_11_0_arm64"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("win32", "the wheel holds machine code of Linux, not of Windows"),
        ("win_arm64", "the wheel holds machine code of Linux, not of Windows"),
        ("pyemscripten_2026_0_wasm32", "the wheel holds machine code of Linux, not of WebAssembly"),
        ("pyodide_2024_0_wasm32", "the wheel holds machine code of Linux, not of WebAssembly"),
        ("emscripten_3_1_58_wasm32", "the wheel holds machine code of Linux, not of WebAssembly"),
        ("android_21_arm64_v8a", "the wheel holds machine code of Linux, not of Android"),
        ("android_21_x86", "the wheel holds machine code of Linux, not of Android"),
        ("linux_armv6l", "the wheel is machine code for x86_64, not for armv6l"),
        ("linux_mips64", "the wheel is machine code for x86_64, not for mips64"),
        ("linux_armv8l", "the wheel is machine code for x86_64, not for armv8l"),
    ],
)
def test_code_for_linux_is_not_that_of_another_machine(tag: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        retag(linux_wheel(tmp_path), platform_tag=tag)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize("tag", ["pyemscripten_2026_0_wasm32", "android_21_arm64_v8a", "linux_armv6l", "win_arm64"])
def test_code_for_macos_is_not_that_of_another_system(tag: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=f"cannot truly be called {tag} ") as caught:
        retag(mac_wheel(tmp_path, MAC, arm64="11.0"), platform_tag=tag)
    assert caught.value.reasons[0].startswith("the wheel holds machine code of macOS, not of ")


@pytest.mark.parametrize("tag", ["freebsd_14_amd64", "linux_x86_64"])
def test_what_such_code_may_be_is_taken_as_given(tag: str, tmp_path: Path) -> None:
    (ground,) = planned(linux_wheel(tmp_path), platform_tag=(tag,)).grounds
    assert (ground.tag, ground.basis) == (tag, "unjudged")


def test_code_for_glibc_is_not_for_android(tmp_path: Path) -> None:
    said = "the wheel is linked against glibc, not against the C library of Android"
    with pytest.raises(RefusedError) as caught:
        retag(linux_wheel(tmp_path), platform_tag="android_21_x86_64")
    assert caught.value.reasons == (said,)
    named = linux_wheel(tmp_path, "cp313-cp313-android_21_x86_64")
    assert [finding.message for finding in findings(named, "untrue-tag")] == [f"android_21_x86_64 is not true: {said}"]
    wheel = hello_wheel(tmp_path, {"hello/x.so": for_android(62)}, tag="cp313-cp313-android_21_x86_64")
    assert findings(wheel, "untrue-tag") == ()


def test_code_for_web_assembly_is_for_no_other_system(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.abi3.so": WASM}, tag="cp310-abi3-pyemscripten_2026_0_wasm32")
    for tag in ("any", "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win32"):
        with pytest.raises(RefusedError, match="cannot truly be called") as caught:
            retag(wheel, platform_tag=tag)
        assert caught.value.reasons[0].startswith("the wheel holds machine code")


def test_web_assembly_that_no_python_imports_is_data(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/static/page.wasm": WASM}, tag="py3-none-any")
    assert findings(wheel, "untrue-tag") == ()
    assert planned(wheel, platform_tag=("auto",)).changes_nothing


@pytest.mark.parametrize("ending", ["dll", "exe"])
def test_libraries_for_two_machines_do_not_make_a_wheel_one_for_any(ending: str, tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {f"hello/a32.{ending}": pe(0x14C), f"hello/a64.{ending}": pe(0x8664)}
    wheel = hello_wheel(tmp_path, files, tag="py3-none-win32.win_amd64")
    assert planned(wheel, platform_tag=("auto",)).changes_nothing
    plan = planned(wheel, platform_tag=("any",))
    assert [(ground.tag, ground.basis) for ground in plan.grounds] == [
        ("any", "unjudged" if ending == "dll" else "proved")
    ]
    plain = hello_wheel(tmp_path, files, tag="py3-none-any")
    assert findings(plain, "untrue-tag") == ()
    assert planned(plain, platform_tag=("auto",)).changes_nothing


@pytest.mark.parametrize(
    ("tag", "module", "stray", "strange"),
    [
        ("macosx_10_13_x86_64", ("hello/m.cpython-312-darwin.so", "mac"), ("hello/t64.exe", "pe"), "win_amd64"),
        ("macosx_10_13_x86_64", ("hello/m.abi3.so", "mac"), ("hello/x.so.1", "elf"), "manylinux_2_17_x86_64"),
        ("manylinux_2_5_x86_64", ("hello/m.abi3.so", "elf"), ("hello/l.dylib", "mac"), "macosx_10_13_x86_64"),
        ("win_amd64", ("hello/m.pyd", "pe"), ("hello/l.dylib", "mac"), "macosx_10_13_x86_64"),
    ],
)
def test_modules_say_for_which_systems_a_wheel_is(
    tag: str, module: tuple[str, str], stray: tuple[str, str], strange: str, tmp_path: Path
) -> None:
    content = {"mac": code("x86_64", minimum="10.13"), "elf": family("x86_64").tone.read_bytes(), "pe": pe(0x8664)}
    files: dict[str, Path | bytes] = {name: content[kind] for name, kind in (module, stray)}
    wheel = hello_wheel(tmp_path, files, tag=f"cp312-abi3-{tag}.{strange}")
    (finding,) = findings(wheel, "untrue-tag")
    assert finding.message.startswith(f"{strange} is not true: the wheel has extension modules for ")
    done = retag(wheel, platform_tag="auto")
    assert strange not in done.path.name
    assert done.path.name.endswith(f"{tag}.whl")


def arm_wheel(folder: Path, content: bytes, platform: str = "linux_armv7l") -> Path:
    return hello_wheel(folder, {"hello/_hello.so": content}, tag=f"cp310-abi3-{platform}")


def built_for(cpu_arch: int, flags: int = 0x0500_0400) -> bytes:
    """Return a library for 32-bit ARM. cpu_arch: 6 ARMv6, 7 ARMv6KZ, 9 ARMv6K, 10 ARMv7, 14 ARMv8-A."""
    return with_attributes(attributes(file_scope([(6, cpu_arch), (28, int(flags == 0x0500_0400))])), flags)


def test_older_arm_is_refused_for_newer_code(tmp_path: Path) -> None:
    wheel = arm_wheel(tmp_path, family("armv7l").tone.read_bytes())
    with pytest.raises(RefusedError) as caught:
        retag(wheel, platform_tag="+linux_armv6l")
    said = "hello/_hello.so has code for ARMv7, which not every armv6l machine runs"
    assert caught.value.reasons == (said,)
    done = retag(wheel, platform_tag="+linux_armv6l", force=True)
    assert done.notices == (f"linux_armv6l is not true: {said} (forced)",)


@pytest.mark.parametrize("cpu_arch", [4, 6, 7, 9])
def test_older_arm_is_proved_by_build_attributes(cpu_arch: int, tmp_path: Path) -> None:
    """What a Raspberry Pi Zero runs, every newer one runs."""
    wheel = arm_wheel(tmp_path, built_for(cpu_arch))
    assert planned(wheel, platform_tag=("+linux_armv6l",)).grounds[-1].basis == "proved"
    done = retag(wheel, platform_tag="+linux_armv6l")
    assert done.path.name == "hello-1.0-cp310-abi3-linux_armv6l.linux_armv7l.whl"
    assert done.notices == ()
    assert retag(wheel, platform_tag="manylinux_2_17_armv7l").notices == ()


@pytest.mark.parametrize("content", [with_attributes(None), built_for(0), built_for(11)])
def test_older_arm_is_taken_as_given_and_said_where_the_code_does_not_tell(content: bytes, tmp_path: Path) -> None:
    done = retag(arm_wheel(tmp_path, content), platform_tag="+linux_armv6l")
    assert done.notices == ("linux_armv6l was taken as given: nothing here tells whether it is true",)


def test_code_for_newer_arm_is_a_doubt_about_the_tags_of_older(tmp_path: Path) -> None:
    """It may be chosen at run time: uv 0.13.8 for armv6l has some for ARMv7, and runs on older processors."""
    wheel = arm_wheel(tmp_path, built_for(14), "linux_armv6l.linux_armv7l.manylinux_2_17_armv7l")
    told = findings(wheel, "untrue-tag")
    said = "may not be true: hello/_hello.so has code for ARMv8-A, which not every"
    assert [(finding.severity, finding.message) for finding in told] == [
        (Severity.WARNING, f"linux_{machine} {said} {machine} machine runs") for machine in ("armv6l", "armv7l")
    ]
    with open_wheel(wheel) as reader:
        warnings = prove(reader).warnings
    show = inspect_wheel(wheel).tags
    assert (
        "hello/_hello.so has code for ARMv8-A, which not every armv7l machine runs unless it is chosen at run time"
    ) in warnings
    assert [(truth.true, truth.note) for truth in show] == [
        (None, "may not be true: that code must be chosen at run time"),
        (None, "may not be true: that code must be chosen at run time"),
        (True, ""),
    ]
    assert {reason.detail for truth in show for reason in truth.reasons} == {
        f"has code for ARMv8-A, which not every {machine} machine runs" for machine in ("armv6l", "armv7l")
    }


@pytest.mark.parametrize("cpu_arch", [6, 10])
def test_soft_float_contradicts_what_promises_hard_float_and_no_plain_tag(cpu_arch: int, tmp_path: Path) -> None:
    content = built_for(cpu_arch, flags=0x0500_0200)
    promise = "manylinux_2_17_armv7l.manylinux2014_armv7l"
    (finding,) = findings(arm_wheel(tmp_path, content, promise), "untrue-tag")
    assert finding.message.endswith("is machine code for arm soft float, not for armv7l")
    assert findings(arm_wheel(tmp_path, content), "untrue-tag") == ()
    wheel = arm_wheel(tmp_path, content, "linux_armv6l")
    assert [finding.severity for finding in findings(wheel, "untrue-tag")] == [Severity.WARNING] * (cpu_arch > 9)


@pytest.mark.parametrize(
    ("machine", "bits", "tag", "true"),
    [
        (8, 32, "linux_x86_64", False),
        (8, 32, "linux_mips", True),
        (8, 64, "linux_mips64", True),
        (20, 32, "linux_ppc64", True),
        (62, 32, "linux_x86_64", True),
        (62, 32, "linux_i686", True),
        (183, 64, "linux_x86_64", False),
        (2, 32, "linux_aarch64", False),
    ],
)
def test_a_plain_tag_promises_its_processor(
    machine: int, bits: Literal[32, 64], tag: str, *, true: bool, tmp_path: Path
) -> None:
    content = bytes(Elf(bits=bits, machine=machine).build().data)
    told = findings(hello_wheel(tmp_path, {"hello/x.so": content}, tag=f"py3-none-{tag}"), "untrue-tag")
    assert (told == ()) is true
    assert all(f"not for {tag.removeprefix('linux_')}" in finding.message for finding in told)


def test_code_for_windows_is_not_web_assembly(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.pyd": PE}, tag="cp310-abi3-win_amd64")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, platform_tag="pyodide_2024_0_wasm32")
    assert caught.value.reasons == ("the wheel holds machine code of Windows, not of WebAssembly",)
    assert planned(wheel, platform_tag=("win_arm64",)).grounds[0].basis == "unjudged"


def test_headers_behind_an_empty_line_are_a_reason_to_write(tmp_path: Path) -> None:
    """ninja 1.11.1.1: no installer sees the tags, so `pip check` fails, although name and WHEEL agree."""
    from support.retags import pure_wheel, read, require_sound, with_wheel_file

    wheel = pure_wheel(tmp_path)
    text = b"Wheel-Version: 1.0\nGenerator: skbuild 0.17.6\nRoot-Is-Purelib: false\n\nTag: py3-none-any\n"
    with_wheel_file(wheel, text)
    done = retag(wheel, tmp_path / "out", platform_tag="auto")
    assert done.written
    assert b"\n\n" not in read(done.path)["hello-1.0.dist-info/WHEEL"]
    require_sound(done.path)
    again = retag(done.path, platform_tag="auto")
    assert not again.written


def test_what_no_other_label_escapes_is_told_first(tmp_path: Path) -> None:
    from support.fixtures import mac_family

    files: dict[str, Path | bytes] = {
        f"hello/_{letter}.abi3.so": mac_family("x86_64").extension for letter in "abcdefghij"
    }
    wheel = hello_wheel(tmp_path, files, tag="cp310-abi3-macosx_10_6_intel")
    with pytest.raises(RefusedError, match="proves no platform tag") as caught:
        retag(wheel, platform_tag="auto")
    assert caught.value.reasons[0] == "hello/_a.abi3.so needs /opt/hello/lib/libgreet.1.dylib, which was not found"


@pytest.mark.parametrize(
    ("tag", "member", "content"),
    [
        ("android_24_arm64_v8a", "hello/x.cpython-314-aarch64-linux-android.so", for_android()),
        ("win_amd64", "hello/x.pyd", PE),
        ("pyemscripten_2026_0_wasm32", "hello/x.cpython-314-wasm32-emscripten.so", WASM),
        ("pyodide_2024_0_wasm32", "hello/x.so", WASM),
    ],
)
def test_auto_keeps_the_tag_of_a_system_that_is_not_judged(
    tag: str, member: str, content: bytes, tmp_path: Path
) -> None:
    """A release has wheels for every system: those for Android are not wrong because nothing here can judge them."""
    wheel = hello_wheel(tmp_path, {member: content}, tag=f"cp314-cp314-{tag}")
    plan = planned(wheel, platform_tag=("auto",))
    assert plan.changes_nothing
    assert plan.notices == (f"{tag} was taken as given: nothing here tells whether it is true",)


def test_auto_does_not_keep_a_tag_of_another_system(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": family("x86_64").tone}, tag="cp310-cp310-win_amd64")
    plan = planned(wheel, platform_tag=("auto",))
    assert plan.output_name == "hello-1.0-cp310-cp310-manylinux1_x86_64.manylinux_2_5_x86_64.whl"
