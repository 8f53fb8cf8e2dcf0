"""Fat files joined and taken apart, held against LIEF, macholib and bytes that were built here."""

from __future__ import annotations

import io
import struct
from itertools import permutations
from typing import TYPE_CHECKING

import lief
import pytest
from hypothesis import given
from hypothesis import strategies as st
from macholib.mach_o import fat_arch, fat_header

from support.ar_bytes import MAGIC, entry, library, long_entry
from support.fixtures import FIXTURES, mac_family, mac_odd
from support.macho_bytes import ARCHES, BUNDLE, DSYM, OBJECT, Arch, Macho, arch, fat, linked
from support.programs import need, run
from truewheel.bundler.macho.fat import laid_out
from truewheel.bundler.macho.universal import contradictions, joined, may_be_sliced, pieces, thinned
from truewheel.bundler.macho_check.universal import verify_fat, verify_slice
from truewheel.errors import InvalidBinaryError, RefusedError, ToolError

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = ("_hello.abi3.so", "libgreet.1.dylib", "libtone.2.dylib", "hello")
ARM, INTEL, BOTH = (FIXTURES / "macho" / name for name in ("arm64", "x86_64", "universal2"))
X86, X86_H, ARM64, ARM64_E = (ARCHES[name][:2] for name in ("x86_64", "x86_64h", "arm64", "arm64e"))


def view(content: Path | bytes | Macho) -> memoryview:
    if isinstance(content, Macho):
        content = content.build()
    return memoryview(content if isinstance(content, bytes) else content.read_bytes())


def table(content: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return CPU type, subtype, alignment and bytes of each slice, read by macholib."""
    file = io.BytesIO(content)
    header = fat_header.from_fileobj(file, _endian_=">")
    assert header.magic == 0xCAFEBABE
    items = [fat_arch.from_fileobj(file, _endian_=">") for _ in range(header.nfat_arch)]
    return [
        (
            int(item.cputype),
            item.cpusubtype & 0xFFFFFFFF,
            int(item.align),
            content[item.offset : item.offset + item.size],
        )
        for item in items
    ]


@pytest.mark.parametrize("name", MEMBERS)
def test_two_thin_files_become_one_with_both_slices_untouched(name: str) -> None:
    one, two = view(INTEL / name), view(ARM / name)
    both = joined(one, two, name)
    assert joined(two, one, name) == both
    assert both == (BOTH / name).read_bytes()  # which llvm-lipo has joined
    assert table(both) == [(*X86, 12, bytes(one)), (*ARM64, 14, bytes(two))]
    binaries = lief.MachO.parse(both)
    assert binaries is not None
    assert [binary.header.cpu_type.name for binary in binaries] == ["X86_64", "ARM64"]
    assert all(lief.MachO.check_layout(binary)[0] for binary in binaries)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize(("folder", "architecture"), [(ARM, "arm64"), (INTEL, "x86_64")])
def test_one_slice_of_a_fat_file_is_the_thin_file(name: str, folder: Path, architecture: str) -> None:
    assert thinned(view(BOTH / name), architecture, name) == (folder / name).read_bytes()


def test_one_slice_of_a_file_with_wide_offsets() -> None:
    assert thinned(view(mac_odd("fat64.dylib")), "arm64", "x") == mac_family("arm64").tone.read_bytes()


def test_a_fat_file_has_no_other_slices_than_its_own() -> None:
    with pytest.raises(RefusedError, match="has no i386 slice"):
        thinned(view(mac_family("universal2").tone), "i386", "x")


def test_relatives_of_an_architecture_are_slices_of_their_own() -> None:
    intel = fat([arch(linked("x86_64")), arch(linked("x86_64h"))])
    arm = fat([arch(linked("arm64e"), alignment=14), arch(linked("arm64"), alignment=14)])
    both = joined(view(arm), view(intel), "x")
    assert [item[:3] for item in table(both)] == [(*X86, 12), (*X86_H, 12), (*ARM64, 14), (*ARM64_E, 14)]
    assert thinned(view(both), "arm64", "x") == linked("arm64").build()


def test_slices_stand_as_lipo_puts_them_whatever_the_order_given() -> None:
    files = [linked(name) for name in ("arm64", "ppc", "x86_64")]
    results = set()
    for one, two, three in permutations(files):
        results.add(joined(view(joined(view(one), view(two), "x")), view(three), "x"))
    (only,) = results
    assert [item[0] for item in table(only)] == [ARCHES[name][0] for name in ("ppc", "x86_64", "arm64")]


@given(st.permutations(sorted(ARCHES)), st.integers(1, len(ARCHES) - 1))
def test_joining_is_a_union_and_thinning_its_reverse(names: list[str], cut: int) -> None:
    files = {name: linked(name, f"@rpath/lib{name}.dylib").build() for name in names}
    one, two = (fat([arch(files[name], name) for name in part]) for part in (names[:cut], names[cut - 1 :]))
    both = joined(view(one), view(two), "x")
    assert joined(view(two), view(one), "x") == both
    assert {name: bytes(thinned(view(both), name, "x")) for name in names} == files
    assert all(offset % (1 << item.alignment) == 0 for item, offset in _offsets(both))


def _offsets(content: bytes) -> list[tuple[Arch, int]]:
    count = int.from_bytes(content[4:8], "big")
    rows = [struct.unpack_from(">5I", content, 8 + 20 * number) for number in range(count)]
    return [(Arch(b"", row[0], row[1], row[4]), row[2]) for row in rows]


def test_a_file_that_has_all_slices_stays_as_it_is() -> None:
    whole, part = view(BOTH / "hello"), view(ARM / "hello")
    assert joined(whole, part, "x") == whole
    assert joined(part, whole, "x") == whole


def test_a_slice_that_both_have_is_told_when_it_differs_and_the_first_wins() -> None:
    mine, other = (linked("arm64", f"@rpath/lib{name}.dylib").build() for name in "ab")
    fat_one = fat([arch(linked("x86_64")), arch(mine, "arm64", 14)])
    assert contradictions(pieces(view(fat_one), "x"), pieces(view(other), "x")) == ("arm64",)
    assert contradictions(pieces(view(fat_one), "x"), pieces(view(mine), "x")) == ()
    assert joined(view(fat_one), view(other), "x") == fat_one
    turned = joined(view(other), view(fat_one), "x")
    assert table(turned) == [(*X86, 12, linked("x86_64").build()), (*ARM64, 14, other)]


def test_a_slice_with_an_alignment_keeps_it() -> None:
    far = fat([arch(linked("i386"), alignment=13), arch(linked("x86_64"), alignment=15)])
    both = joined(view(far), view(linked("arm64")), "x")
    assert [item[2] for item in table(both)] == [13, 15, 14]


def test_offsets_of_64_bits_stay_so() -> None:
    wide = fat([arch(linked("x86_64"))], wide=True)
    both = joined(view(wide), view(linked("arm64")), "x")
    assert both[:4] == b"\xca\xfe\xba\xbf"
    assert thinned(view(both), "arm64", "x") == linked("arm64").build()
    verify_fat(both, {X86: linked("x86_64").build(), ARM64: linked("arm64").build()}, "x")


def test_files_that_no_loader_maps_are_not_put_on_pages() -> None:
    for kind in (OBJECT, DSYM):
        one, two = (Macho(name, kind).build() for name in ("x86_64", "arm64"))
        assert [item[2] for item in table(joined(view(one), view(two), "x"))] == [3, 3]


def test_content_behind_the_last_slice_is_never_lost() -> None:
    tailed = fat([arch(linked("x86_64"))]) + b"notes"
    for one, two in permutations([tailed, linked("arm64").build()]):
        with pytest.raises(RefusedError, match="content behind its last slice"):
            joined(view(one), view(two), "x")


def test_a_file_of_more_than_four_gigabytes_is_refused() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 3 << 30

    items = [piece.item for name in ("x86_64", "arm64") for piece in pieces(view(linked(name)), "x")]
    with pytest.raises(RefusedError, match="larger than 4 GiB"):
        laid_out(items, [Huge(), Huge()], "x")


@pytest.mark.parametrize("content", [b"\xcf\xfa\xed\xfe" + bytes(9), fat([arch(linked("x86_64"))])[:-400]])
def test_a_damaged_file_is_an_error(content: bytes) -> None:
    with pytest.raises(InvalidBinaryError):
        pieces(view(content), "x")


def test_what_can_be_sliced_is_known_by_its_first_bytes() -> None:
    heads = [linked().build()[:8], BOTH.joinpath("hello").read_bytes()[:8], MAGIC]
    assert [may_be_sliced(head) for head in heads] == [True, True, True]
    java = b"\xca\xfe\xba\xbe" + (52).to_bytes(4, "big")
    assert [may_be_sliced(head) for head in (b"", b"!<thin>\n", java, b"print(1)")] == [False] * 4


# Static libraries.


def objects(name: str, count: int = 2) -> list[bytes]:
    item = Macho(name, OBJECT).build()
    return [long_entry(b"member-%d-with-a-long-name.o" % number, item) for number in range(count)]


def test_static_libraries_become_one_fat_library() -> None:
    one, two = library(*objects("x86_64")), library(*objects("arm64"), entry(b"odd.o/", Macho("arm64", OBJECT).build()))
    both = joined(view(two), view(one), "x")
    assert table(both) == [(*X86, 3, one), (*ARM64, 3, two)]
    assert thinned(view(both), "x86_64", "x") == one
    assert joined(view(both), view(two), "x") == both


def test_a_static_library_made_by_other_tools() -> None:
    (piece,) = pieces(view(mac_odd("archive.a")), "x")
    assert piece.architecture == "x86_64"
    index = entry(b"/", bytes(4)) + entry(b"//", b"a-long-name.o/\n")
    assert [piece.cpu for piece in pieces(view(MAGIC + index + objects("arm64")[0]), "x")] == [ARM64]


ELF = b"\x7fELF" + bytes(60)


@pytest.mark.parametrize(
    "content",
    [
        library(),
        library(*objects("x86_64"), *objects("arm64")),
        library(*objects("x86_64"), *objects("x86_64h")),
        library(entry(b"elf.o", ELF)),
        library(*objects("arm64"), entry(b"a.bc", b"BC\xc0\xde")),
        library(entry(b"short.o", linked().build()[:20])),
        library(entry(b"a.o", b"", size=b"many")),
        library(entry(b"a.o", b"", size=b"-5")),
        library(entry(b"a.o", linked().build(), end=b"??")),
        library(entry(b"#1/x", linked().build())),
        library(entry(b"#1/9999999", linked().build())),
        library(*objects("arm64"))[:90],
    ],
    ids=range(12),
)
def test_what_is_not_one_architectures_objects_is_no_slice(content: bytes) -> None:
    assert pieces(view(content), "x") == ()


@given(st.binary(max_size=200))
def test_any_bytes_after_the_mark_of_a_static_library_are_read_without_harm(content: bytes) -> None:
    assert len(pieces(view(MAGIC + content), "x")) <= 1


# The second reading.


def test_the_second_reading_takes_what_is_right() -> None:
    both = (BOTH / "hello").read_bytes()
    slices = {X86: (INTEL / "hello").read_bytes(), ARM64: (ARM / "hello").read_bytes()}
    verify_fat(both, slices, "x")
    for cpu, content in slices.items():
        verify_slice(memoryview(both), cpu, content, "x")
    swapped = fat([arch(linked("x86_64")), arch(linked("arm64"), alignment=14)], prefix="<")
    verify_slice(memoryview(swapped), ARM64, linked("arm64").build(), "x")


PAIR = {X86: linked("x86_64").build(), ARM64: linked("arm64").build()}
GOOD = fat([arch(linked("x86_64")), arch(linked("arm64"), alignment=14)])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (fat([arch(linked("x86_64"))]), "other processors"),
        (fat([arch(linked("x86_64h")), arch(linked("arm64"), alignment=14)]), "other processors"),
        (fat([arch(linked("x86_64")), arch(linked("arm64"), alignment=14, offset=0x1000)]), "overlaps"),
        (fat([arch(linked("x86_64"), alignment=12), arch(linked("arm64"), alignment=14, offset=0x5010)]), "aligned"),
        (GOOD[:-1] + b"?", "other bytes"),
        (GOOD + b"?", "does not end"),
    ],
)
def test_the_second_reading_finds_what_is_wrong(content: bytes, problem: str) -> None:
    verify_fat(GOOD, PAIR, "x")
    with pytest.raises(ToolError, match=problem):
        verify_fat(content, PAIR, "x")


def test_the_second_reading_finds_a_slice_of_another_architecture() -> None:
    with pytest.raises(ToolError, match="the slice has other bytes than in the fat file"):
        verify_slice(memoryview(GOOD), ARM64, PAIR[X86], "x")


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_lipo_reads_what_was_joined(name: str, tmp_path: Path) -> None:
    lipo = need("llvm-lipo-14")
    path = tmp_path / name
    path.write_bytes(joined(view(INTEL / name), view(ARM / name), name))
    assert run([lipo, path, "-archs"]).split() == ["x86_64", "arm64"]
    run([lipo, path, "-thin", "arm64", "-output", tmp_path / "thin"])
    assert (tmp_path / "thin").read_bytes() == (ARM / name).read_bytes()


@pytest.mark.slow
def test_lipo_reads_a_fat_static_library(tmp_path: Path) -> None:
    lipo = need("llvm-lipo-14")
    path = tmp_path / "lib.a"
    one, two = library(*objects("x86_64")), library(*objects("arm64"))
    path.write_bytes(joined(view(one), view(two), "lib.a"))
    assert run([lipo, path, "-archs"]).split() == ["x86_64", "arm64"]
    run([lipo, path, "-thin", "x86_64", "-output", tmp_path / "thin.a"])
    assert (tmp_path / "thin.a").read_bytes() == one


def test_a_bundle_is_put_on_pages_too() -> None:
    one, two = (Macho(name, BUNDLE).build() for name in ("x86_64", "arm64"))
    assert [item[2] for item in table(joined(view(one), view(two), "x"))] == [12, 14]
