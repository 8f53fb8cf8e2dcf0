"""The stable ABI of Python without the GIL (PEP 803): a published wheel, and modules compiled for the purpose."""

from __future__ import annotations

import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from abi3info import DATAS, FUNCTIONS
from elftools.elf.elffile import ELFFile

from support.checks import findings, wheel
from support.programs import need_zig, run
from support.published import Published
from support.retags import retag
from truewheel.errors import RefusedError

pytestmark = pytest.mark.slow

FREE = Published("cryptography==50.0.2", "manylinux_2_34_x86_64", "315", "abi3t")
WITH_GIL = Published("cryptography==50.0.2", "manylinux_2_34_x86_64", "311", "abi3")
MEMBER = "cryptography/hazmat/bindings/_rust"
SINCE = {item.symbol.name: (item.added.major, item.added.minor) for item in (*FUNCTIONS.values(), *DATAS.values())}


def named(path: Path, old: str, new: str, folder: Path) -> Path:
    """Copy a wheel under another name."""
    return Path(shutil.copy(path, folder / path.name.replace(old, new)))


def wanted(content: bytes) -> set[str]:
    """Return the names of Python that an ELF file wants, as pyelftools reads them."""
    table = ELFFile(BytesIO(content)).get_section_by_name(".dynsym")
    symbols = [item for item in table.iter_symbols() if item["st_shndx"] == "SHN_UNDEF"]  # type: ignore[union-attr]
    return {item.name for item in symbols if item.name.startswith(("Py", "_Py"))}


def told(path: Path, rule: str = "stable-abi") -> list[str]:
    return [finding.message for finding in findings(path, rule)]


def test_a_published_wheel_is_what_its_name_says() -> None:
    path = FREE.fetched()
    assert "cp315-abi3.abi3t" in path.name
    with zipfile.ZipFile(path) as archive:
        names = wanted(archive.read(f"{MEMBER}.abi3t.so"))
    assert names <= SINCE.keys()
    assert any(SINCE[name] == (3, 15) for name in names)
    assert any(name in {item.symbol.name for item in DATAS.values()} for name in names)
    assert [*told(path), *told(path, "module-name")] == []


def test_it_is_for_no_older_python(tmp_path: Path) -> None:
    path = FREE.fetched()
    older = named(path, "cp315-abi3.abi3t", "cp314-abi3", tmp_path)
    assert told(older, "module-name") == [
        f"cp314-abi3: {MEMBER}.abi3t.so is for the stable ABI of CPython 3.15 and later alone, not for CPython 3.14"
    ]
    (message,) = told(older)
    with zipfile.ZipFile(path) as archive:
        newer = {name for name in wanted(archive.read(f"{MEMBER}.abi3t.so")) if SINCE[name] > (3, 14)}
    assert {name for name in newer if f"{name} (3.15)" in message}
    assert message.endswith("which the stable ABI of Python 3.14 does not have")
    with pytest.raises(RefusedError):
        retag(path, tmp_path, python_tag="cp314", abi_tag="abi3")
    assert retag(path, tmp_path, python_tag="cp316").path.name.startswith("cryptography-50.0.2-cp316-abi3.abi3t-")


def test_a_module_for_python_with_the_gil_is_not_for_python_without(tmp_path: Path) -> None:
    path = WITH_GIL.fetched()
    assert "-cp311-abi3-" in path.name
    assert told(path) == []
    both = named(path, "cp311-abi3", "cp315-abi3.abi3t", tmp_path)
    (message,) = told(both, "module-name")
    said = f"cp315-abi3t: {MEMBER}.abi3.so is for the stable ABI of CPython with the GIL alone, "
    assert message == f"{said}not for CPython 3.15 without the GIL"
    (message,) = told(both)
    assert message.startswith(f"{MEMBER}.abi3.so needs PyModule")
    assert message.endswith("abi3t does not promise")


def compiled(folder: Path, target: str, *uses: str, exports: str = "PyModExport_m") -> bytes:
    """Compile a module that calls functions (`f()`) and takes addresses of data of Python, and return it."""
    calls = [name.removesuffix("()") for name in uses if name.endswith("()")]
    data = [name for name in uses if not name.endswith("()")]
    lines = [*(f"int {name}(void);" for name in calls), *(f"extern int {name};" for name in data)]
    body = " + ".join(["0", *(f"{name}()" for name in calls), *(f"(long)&{name}" for name in data)])
    source = folder / "m.c"
    source.write_text(
        "\n".join([*lines, f'__attribute__((visibility("default"))) long {exports}(void) {{ return {body}; }}\n'])
    )
    options = ["-shared", "-O1", "-g0", "-s", "-fPIC", "-fno-sanitize=all"]
    options += ["-nostdlib"] if "linux" in target else ["-Wl,-undefined,dynamic_lookup"]
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"), "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
    run([need_zig(), "cc", "-target", target, *options, source, "-o", folder / "m"], environment=cache)
    return (folder / "m").read_bytes()


@pytest.mark.parametrize(
    ("target", "platform"), [("x86_64-linux-gnu", "linux_x86_64"), ("aarch64-macos.11.0", "macosx_11_0_arm64")]
)
@pytest.mark.parametrize(
    ("uses", "said"),
    [
        (("PyLong_FromLong()", "PyModule_FromSlotsAndSpec()", "PyExc_ValueError", "_Py_NoneStruct"), ""),
        (("PyExc_ValueError", "PyFunction_Type"), "needs PyFunction_Type, which the stable ABI does not have"),
        (
            ("_PyObject_GC_New()", "_PyThreadState_UncheckedGet()"),
            "needs _PyThreadState_UncheckedGet, which the stable",
        ),
        (("PyModuleDef_Init()",), ""),
    ],
)
def test_functions_and_data_in_and_out_of_it(
    target: str, platform: str, uses: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    content = compiled(tmp_path, target, *uses)
    path = wheel(tmp_path / "wheel", f"cp315-abi3.abi3t-{platform}", {"foo/m.abi3t.so": content})
    found = told(path)
    outside = {name.removesuffix("()") for name in uses} - SINCE.keys()
    assert bool(outside) is bool(said)
    assert len(found) == bool(said)
    assert all(message.startswith(f"foo/m.abi3t.so {said}") for message in found)


@pytest.mark.parametrize("target", ["x86_64-linux-gnu", "aarch64-macos.11.0"])
def test_only_the_older_way_in_knows_the_layout(target: str, tmp_path: Path) -> None:
    content = compiled(tmp_path, target, "PyModuleDef_Init()", exports="PyInit_m")
    path = wheel(tmp_path / "wheel", "cp315-abi3.abi3t-linux_x86_64", {"foo/m.abi3t.so": content})
    (message,) = told(path)
    assert "knows the layout of PyModuleDef" in message
