"""read_image on real files, with pyelftools as the second opinion, and on made-up ones with literal answers."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Literal

import pytest

from support import elf_oracle
from support.elf_bytes import (
    AUXILIARY,
    DEBUG,
    FILTER,
    FLAGS,
    FLAGS_1,
    GNU_STACK,
    NEEDED,
    RELR,
    RPATH,
    RUNPATH,
    SONAME,
    TEXTREL,
    Elf,
    Sym,
    Ver,
    split_debug,
)
from support.fixtures import FIXTURES, GLIBC_PLATFORMS, MUSL_PLATFORMS, family, odd
from truewheel.analyzer.elf.image import Dependency, DependencyKind, ImageKind, SymbolNeed
from truewheel.analyzer.elf.reader import is_elf, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from support.fixtures import Platform

ALL = sorted(
    path for path in (FIXTURES / "elf").rglob("*") if path.is_file() and path.name not in ("sectionless.so", "static")
)


def as_oracle_says(path: Path) -> dict[str, Any]:
    image = read_image(path.read_bytes(), str(path))
    return {
        "bits": image.bits,
        "byte_order": image.byte_order,
        "needed": tuple(item.name for item in image.needed),
        "soname": image.soname,
        "rpath": image.rpath,
        "runpath": image.runpath,
        "interpreter": image.interpreter,
        "executable_stack": image.executable_stack,
        "relative_relocations": image.relative_relocations,
        "text_relocations": image.text_relocations,
        "symbol_needs": tuple((need.library, need.version, need.weak) for need in image.symbol_needs),
        "defined_versions": image.defined_versions,
        "section_headers": image.section_headers,
        "build_id": image.build_id,
        "minimum_kernel": image.minimum_kernel,
        "isa_level": image.isa_level,
    }


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(FIXTURES / "elf")))
def test_agrees_with_pyelftools(path: Path) -> None:
    assert as_oracle_says(path) == elf_oracle.facts(path)


@pytest.mark.parametrize("platform", [*GLIBC_PLATFORMS, *MUSL_PLATFORMS])
def test_names_the_architecture(platform: Platform) -> None:
    image = read_image(family(platform).extension.read_bytes(), "_hello.abi3.so")
    assert image.architecture == platform.removeprefix("musl-")
    assert (image.kind, image.dynamic) == (ImageKind.SHARED_LIBRARY, True)
    assert image.python_inits == ("PyInit__hello",)


def test_tells_strong_imports_from_all_others() -> None:
    image = read_image(family("x86_64").extension.read_bytes(), "_hello.abi3.so")
    assert image.imports == {"PyModule_Create2", "PyUnicode_FromStringAndSize", "greet_text", "snprintf"}
    assert image.unversioned_imports == ("PyModule_Create2", "PyUnicode_FromStringAndSize", "greet_text")


def test_understands_a_file_without_section_headers_fully() -> None:
    bare = read_image(odd("sectionless.so").read_bytes(), "_hello.abi3.so")
    whole = read_image(family("x86_64").extension.read_bytes(), "_hello.abi3.so")
    assert not bare.section_headers
    assert bare.imports == whole.imports
    assert bare.symbol_needs == (SymbolNeed("libc.so.6", "GLIBC_2.2.5"),)
    assert bare.python_inits == ("PyInit__hello",)


def test_takes_a_table_of_sections_beyond_the_end_for_none() -> None:
    whole = family("x86_64").tone.read_bytes()
    assert not read_image(whole[: len(whole) - 1], "x").section_headers


def test_tells_a_position_independent_program_from_a_library() -> None:
    image = read_image(odd("executable").read_bytes(), "executable")
    assert (image.kind, image.dynamic) == (ImageKind.EXECUTABLE, True)
    assert image.interpreter == "/lib64/ld-linux-x86-64.so.2"


def test_calls_a_static_program_not_dynamic() -> None:
    image = read_image(odd("static").read_bytes(), "static")
    assert (image.kind, image.dynamic, image.needed) == (ImageKind.EXECUTABLE, False, ())


def test_calls_a_static_position_independent_program_not_dynamic() -> None:
    image = read_image(Elf(numbers=[(FLAGS_1, 0x0800_0000)]).build().data, "static-pie")
    assert (image.kind, image.dynamic) == (ImageKind.EXECUTABLE, False)


def test_takes_debug_for_the_mark_of_an_older_linker_s_program() -> None:
    image = read_image(Elf(interpreter="/lib/ld.so", numbers=[(DEBUG, 0)]).build().data, "program")
    assert (image.kind, image.dynamic) == (ImageKind.EXECUTABLE, True)


def test_calls_a_program_that_needs_libraries_dynamic() -> None:
    elf = Elf(named=[(NEEDED, "libc.so.6")], numbers=[(FLAGS_1, 0x0800_0000)])
    assert read_image(elf.build().data, "program").dynamic


def test_takes_a_library_with_an_interpreter_for_a_library() -> None:
    image = read_image(Elf(interpreter="/lib/ld.so", named=[(SONAME, "libc.so.6")]).build().data, "libc.so.6")
    assert (image.kind, image.interpreter) == (ImageKind.SHARED_LIBRARY, "/lib/ld.so")


def test_takes_a_file_at_any_address_without_dynamic_section_for_a_program() -> None:
    assert read_image(Elf(dynamic=False).build().data, "x").kind is ImageKind.EXECUTABLE


@pytest.mark.parametrize("file_type", [0, 1, 4])
def test_reads_no_further_in_a_file_that_is_not_loaded(file_type: int) -> None:
    image = read_image(Elf(type=file_type, named=[(NEEDED, "libc.so.6")]).build().data, "x.o")
    assert (image.kind, image.dynamic, image.needed) == (ImageKind.OBJECT, False, ())


@pytest.mark.parametrize(("file_type", "kind"), [(2, ImageKind.EXECUTABLE), (3, ImageKind.SHARED_LIBRARY)])
def test_reads_no_further_in_a_file_for_an_unknown_processor(file_type: int, kind: ImageKind) -> None:
    built = Elf(machine=190, type=file_type, named=[(NEEDED, "libc.so.6")]).build()
    image = read_image(built.patched(built.at["dynamic"], b"\xff" * 48), "kernel.cubin")
    assert (image.architecture, image.kind, image.needed) == ("unsupported (cuda)", kind, ())


@pytest.mark.parametrize("emptied", [("code", "data"), ("code",), ("data",)])
def test_takes_split_debug_information_for_no_library(emptied: tuple[Literal["code", "data"], ...]) -> None:
    image = read_image(split_debug(family("x86_64").tone.read_bytes(), emptied), "libtone.so.debug")
    assert (image.kind, image.dynamic, image.section_headers) == (ImageKind.OBJECT, False, True)


def test_ignores_section_headers_of_an_unknown_shape() -> None:
    data = bytearray(family("x86_64").tone.read_bytes())
    expected = read_image(bytes(data), "x")
    data[58] -= 1
    assert read_image(bytes(data), "x") == expected


def test_keeps_dependencies_in_file_order() -> None:
    named: list[tuple[int, str | bytes]] = [(FILTER, "f.so"), (NEEDED, "b.so"), (AUXILIARY, "x.so"), (NEEDED, "a.so")]
    assert read_image(Elf(named=named).build().data, "x").needed == (
        Dependency("f.so", DependencyKind.FILTER),
        Dependency("b.so", DependencyKind.NEEDED),
        Dependency("x.so", DependencyKind.AUXILIARY),
        Dependency("a.so", DependencyKind.NEEDED),
    )


def test_splits_search_paths_and_drops_empty_entries() -> None:
    image = read_image(Elf(named=[(RPATH, ":/a::$ORIGIN/b:"), (RUNPATH, "${ORIGIN}")]).build().data, "x")
    assert (image.rpath, image.runpath) == (("/a", "$ORIGIN/b"), ("${ORIGIN}",))


def test_drops_a_search_path_that_an_empty_newer_one_hides() -> None:
    image = read_image(Elf(named=[(RPATH, "/a"), (RUNPATH, "")]).build().data, "x")
    assert (image.rpath, image.runpath) == ((), ())


def test_goes_by_the_last_of_two_names() -> None:
    assert read_image(Elf(named=[(SONAME, "old"), (SONAME, "new")]).build().data, "x").soname == "new"


def test_shows_bytes_that_are_not_utf8() -> None:
    image = read_image(Elf(named=[(NEEDED, b"lib\xff.so"), (SONAME, "größe.so")]).build().data, "x")
    assert image.needed == (Dependency("lib\\xff.so"),)
    assert image.soname == "größe.so"


def test_reads_names_longer_than_one_read() -> None:
    name = "x" * 5000
    assert read_image(Elf(named=[(NEEDED, name)]).build().data, "x").needed == (Dependency(name),)


@pytest.mark.parametrize(
    ("numbers", "relative", "text"),
    [
        ([], False, False),
        ([(RELR, 0x40000)], True, False),
        ([(TEXTREL, 0)], False, True),
        ([(FLAGS, 4)], False, True),
        ([(FLAGS, 8)], False, False),
    ],
)
def test_sees_relocations_that_matter(numbers: list[tuple[int, int]], *, relative: bool, text: bool) -> None:
    image = read_image(Elf(numbers=numbers).build().data, "x")
    assert (image.relative_relocations, image.text_relocations) == (relative, text)


@pytest.mark.parametrize(
    ("machine", "stack", "executable"),
    [(62, 6, False), (62, 7, True), (62, None, True), (183, None, False), (183, 7, True), (243, None, False)],
)
def test_sees_an_executable_stack(machine: int, stack: int | None, *, executable: bool) -> None:
    assert read_image(Elf(machine=machine, stack=stack).build().data, "x").executable_stack is executable


def test_goes_by_the_last_of_two_stacks() -> None:
    elf = Elf(notes=[(GNU_STACK, 4, b"")], stack=7)
    assert read_image(elf.build().data, "x").executable_stack


def test_sees_section_headers_that_count_themselves() -> None:
    # With e_shnum 0 the number of sections stands in the first section header.
    built = Elf().build()
    for start, present in ((len(built.data) - 64, True), (len(built.data) - 63, False)):
        header = built.patched(40, start.to_bytes(8, "little"))
        data = header[:58] + (64).to_bytes(2, "little") + header[60:]
        assert read_image(data, "x").section_headers is present


def test_reads_any_kind_of_buffer(tmp_path: Path) -> None:
    data = family("s390x").extension.read_bytes()
    path = tmp_path / "_hello.abi3.so"
    path.write_bytes(data)
    expected = read_image(data, "_hello.abi3.so")
    assert read_image(memoryview(data), "_hello.abi3.so") == expected
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert read_image(mapped, "_hello.abi3.so") == expected


def test_leaves_a_map_that_can_be_closed_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(Elf(ended=False).build().data)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with pytest.raises(Exception, match="no end") as caught:
            read_image(mapped, "x")
        mapped.close()
    assert caught.value is not None


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("byte_order", ["little", "big"])
def test_reads_every_class_and_byte_order(bits: Literal[32, 64], byte_order: Literal["little", "big"]) -> None:
    built = Elf(
        bits=bits,
        byte_order=byte_order,
        interpreter="/lib/ld.so.1",
        named=[(NEEDED, "libc.so.6"), (SONAME, "libx.so")],
        needs=[
            ("libc.so.6", [Ver("GLIBC_2.5", 3), Ver("GLIBC_2.9", 4, flags=2)]),
            ("libm.so.6", [Ver("GLIBC_2.4", 5)]),
        ],
        defines=[Ver("libx.so", 1, flags=1), Ver("X_1", 2)],
        symbols=[Sym("free", defined=False, version=3), Sym("bare", defined=False), Sym("x", version=2)],
    ).build()
    image = read_image(built.data, "x")
    assert (image.bits, image.byte_order) == (bits, byte_order)
    assert (image.interpreter, image.soname, image.needed) == ("/lib/ld.so.1", "libx.so", (Dependency("libc.so.6"),))
    assert image.symbol_needs == (
        SymbolNeed("libc.so.6", "GLIBC_2.5"),
        SymbolNeed("libc.so.6", "GLIBC_2.9", weak=True),
        SymbolNeed("libm.so.6", "GLIBC_2.4"),
    )
    assert image.defined_versions == ("X_1",)
    assert image.imports == {"free", "bare"}
    assert image.unversioned_imports == ("bare",)


def test_knows_the_first_bytes() -> None:
    assert is_elf(b"\x7fELF")
    assert is_elf(family("x86_64").tone.read_bytes())
    assert not is_elf(b"\x7fEL")
    assert not is_elf(b"\xcf\xfa\xed\xfe")
