from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING, Any

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures import mac_family, mac_odd
from support.greeting import SAID
from support.mac_python import call, run_program, run_python, runs_mac_code
from support.mac_wheels import fetched, unpacked
from support.macho_bytes import (
    BUNDLE,
    CODE_SIGNATURE,
    DATA_IN_CODE,
    DSYM,
    DYLD_CHAINED_FIXUPS,
    DYLD_EXPORTS_TRIE,
    DYLIB,
    EXECUTE,
    FUNCTION_STARTS,
    SEGMENT_SPLIT_INFO,
    UNIXTHREAD,
    Cmd,
    Macho,
    Sect,
    dylib,
    uuid,
)
from support.macho_moved import changed_places, decoded, moved_unwinding, unwinding
from truewheel.analyzer.macho.commands import load_commands
from truewheel.analyzer.macho.reader import is_macho, read_macho
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho.grow import grown
from truewheel.bundler.macho_check.verify import verify_macho_edit
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.bundler.macho.edit import EditedMacho

X86_64 = ["zero-room.so", "rich.dylib", "rich-zig.dylib", "rich-chained.dylib"]
ARM64 = ["zero-room-arm64.so", "rich-arm64.dylib", "rich-chained-arm64.dylib"]
PAGE = {"x86_64": 0x1000, "arm64": 0x4000}
LONG = "@loader_path/../" + 40 * "a/long/path/"


def architecture(name: str) -> str:
    return "arm64" if name in ARM64 else "x86_64"


def widened(data: bytes, *architectures: str, path: str = LONG) -> EditedMacho:
    """Return the file with one more search path, for which there is no room in its header."""
    edit = MachoEdit("x", "x", tuple(SliceEdit(item, add_rpaths=(path,)) for item in architectures))
    done = edit_macho(data, edit)
    assert done.edit == edit
    verify_macho_edit(edit, data, done.content, "x")
    return done


@pytest.mark.parametrize("name", X86_64 + ARM64)
def test_all_that_says_where_something_lies_moves_by_a_page(name: str) -> None:
    data, amount = mac_odd(name).read_bytes(), PAGE[architecture(name)]
    done = widened(data, architecture(name))
    why = "all content was moved, of which debug symbols made before know nothing, to make room in the header"
    assert done.notices == (f"x: {why} of the {architecture(name)} slice",)
    assert decoded(done.content) == decoded(data).moved(amount)
    file: Any = lief.MachO.parse(list(done.content))
    assert lief.MachO.check_layout(file) == (True, "")


@pytest.mark.parametrize("name", X86_64 + ARM64)
def test_nothing_else_changes(name: str) -> None:
    data, amount = mac_odd(name).read_bytes(), PAGE[architecture(name)]
    facts = decoded(data)
    offset_of = {address: offset for _, _, address, _, offset in facts.sections}
    counting = [item for item in facts.sections if item[1] in ("__unwind_info", "__init_offsets")]
    pointers = set()
    for place, _ in facts.rebases:
        start = max(address for address in offset_of if address <= place)
        pointers.add(offset_of[start] + place - start)
    changed = changed_places(data, widened(data, architecture(name)).content, amount)
    assert changed
    assert {at for at in changed - pointers if not any(item[4] <= at < item[4] + item[3] for item in counting)} <= {
        pointer + 4 for pointer in pointers
    }


@pytest.mark.parametrize("name", X86_64 + ARM64)
def test_a_grown_header_has_room_for_the_next_edit(name: str) -> None:
    once = widened(mac_odd(name).read_bytes(), architecture(name)).content
    again = widened(once, architecture(name), path="@loader_path/another")
    assert again.notices == ()
    assert len(again.content) == len(once)
    thrice = widened(once, architecture(name), path="@loader_path/../" + 1500 * "a/long/path/")
    assert len(thrice.notices) == 1
    assert decoded(thrice.content) == decoded(once).moved(PAGE[architecture(name)] * (5 if name in X86_64 else 2))


@pytest.mark.parametrize("name", X86_64 + ARM64)
def test_a_copy_of_the_old_header_stays_at_its_distance_from_the_content(name: str) -> None:
    data, amount = mac_odd(name).read_bytes(), PAGE[architecture(name)]
    after = widened(data, architecture(name)).content

    def segments(at: bytes) -> list[bytes]:
        commands = load_commands(at, 0, "x")
        kept = [commands.raw[item.offset : item.offset + item.size] for item in commands.items if item.command == 0x19]
        assert commands.header.flags == load_commands(data, 0, "x").header.flags
        return kept

    assert segments(after[amount:]) == segments(data)
    copied = {item.command for item in load_commands(after[amount:], 0, "x").items}
    assert copied <= {0x19, 0x1B, 0x24, 0x2A, 0x32}
    old_end = 32 + struct.unpack_from("<I", data, 20)[0]
    assert b"lib" in data[:old_end]
    assert b"lib" not in after[amount : amount + old_end]


def test_every_slice_of_a_fat_file_grows_by_its_own_page() -> None:
    data = mac_family("universal2").extension.read_bytes()
    path = "@loader_path/" + "x" * 2000
    done = widened(data, "x86_64", "arm64", path=path)
    for old, new in zip(read_macho(data, "x").slices, read_macho(done.content, "x").slices, strict=True):
        before = decoded(data[old.offset : old.offset + old.size])
        after = decoded(done.content[new.offset : new.offset + new.size])
        assert after == before.moved(PAGE[old.architecture])
        assert new.offset % (1 << new.alignment) == 0


def test_a_program_keeps_its_address_and_its_empty_page_zero() -> None:
    data = mac_family("universal2").program.read_bytes()
    done = widened(data, "arm64", path="@loader_path/" + "x" * 2000)
    [_, item] = read_macho(done.content, "x").slices
    facts = decoded(done.content[item.offset : item.offset + item.size])
    assert facts.segments[0] == ("__PAGEZERO", 0, 0x100000000, 0, 0)
    assert facts.segments[1][:2] == ("__TEXT", 0x100000000)


@runs_mac_code
@pytest.mark.parametrize("name", X86_64[1:])
def test_grown_libraries_still_work(name: str, tmp_path: Path) -> None:
    tone = mac_family("x86_64").tone
    shutil.copy(tone, tmp_path)
    (tmp_path / name).write_bytes(mac_odd(name).read_bytes())
    edit = SliceEdit("x86_64", rename=(("@rpath/libtone.2.dylib", f"@loader_path/{'./' * 40}libtone.2.dylib"),))
    done = edit_macho(mac_odd(name).read_bytes(), MachoEdit("x", "x", (edit,)))
    assert len(done.notices) == 1
    (tmp_path / name).write_bytes(done.content)
    outcome = call(tmp_path / name, "rich_proof", "c_int")
    assert (outcome.output, outcome.errors) == ("127\n", "")


@runs_mac_code
def test_a_grown_module_and_a_grown_program_still_work(tmp_path: Path) -> None:
    family = mac_family("x86_64")
    path = "@loader_path/" + "x" * 2000
    library = f"/opt/hello/lib/{family.greet.name}"

    def put(file: Path, *renames: tuple[str, str]) -> None:
        edit = SliceEdit("x86_64", rename=renames, add_rpaths=("@loader_path", path))
        done = edit_macho(file.read_bytes(), MachoEdit("x", "x", (edit,)))
        assert len(done.notices) == 1
        (tmp_path / file.name).write_bytes(done.content)

    put(family.extension, (library, f"@loader_path/{family.greet.name}"))
    put(family.program, (library, f"@loader_path/{family.greet.name}"))
    put(family.greet)
    put(family.tone)
    outcome = run_python(tmp_path, "import _hello; print(_hello.greet())")
    assert (outcome.output, outcome.errors) == (SAID, "")
    outcome = run_program(tmp_path / family.program.name)
    assert (outcome.code, outcome.output, outcome.errors) == (0, SAID, "")


def test_reserved_fields_of_a_section_stay() -> None:
    data = bytearray(mac_odd("rich.dylib").read_bytes())
    at = data.index(b"__text\0") + 76
    data[at : at + 4] = b"kept"
    assert b"kept" in widened(bytes(data), "x86_64").content[:0x1000]


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from([*X86_64, *ARM64]),
    damage=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    share=st.sampled_from([0.03, 0.1, 1.0]),
)
def test_damage_is_refused_or_does_no_more(name: str, damage: list[tuple[float, bytes]], share: float) -> None:
    data = bytearray(mac_odd(name).read_bytes())
    for place, content in damage:
        at = int(place * share * (len(data) - len(content)))
        data[at : at + len(content)] = content
    edit = MachoEdit("x", "x", (SliceEdit(architecture(name), add_rpaths=(LONG,)),))
    try:
        where, size = "x", len(edit_macho(bytes(data), edit).content)
    except (RefusedError, InvalidBinaryError) as error:
        where, size = error.where, len(data) + 1
    assert where == "x"
    assert size > len(data)


def refusal(macho: Macho | bytes, room: int = 5000) -> str:
    """Return why the content cannot be moved."""
    data = macho if isinstance(macho, bytes) else macho.build()
    commands = load_commands(data, 0, "x.so")
    with pytest.raises(RefusedError, match=r"^x\.so: its content cannot be moved: ") as caught:
        grown(data, commands, room)
    return caught.value.what.removeprefix("its content cannot be moved: ")


def movable(**changes: object) -> Macho:
    macho = Macho("x86_64", DYLIB, commands=[uuid(bytes(16))], pad=0, page=0x1000)
    for name, value in changes.items():
        setattr(macho, name, value)
    return macho


def test_a_slice_of_almost_nothing_can_be_moved() -> None:
    data = movable().build()
    after = grown(data, load_commands(data, 0, "x"), 5000)
    assert (
        after[0x2000 + 32 + struct.unpack_from("<I", data, 20)[0] :]
        == data[32 + struct.unpack_from("<I", data, 20)[0] :]
    )


@pytest.mark.parametrize(
    ("macho", "reason"),
    [
        (movable(arch="i386"), "only code for x86_64 and arm64 can be"),
        (movable(arch="ppc64"), "only code for x86_64 and arm64 can be"),
        (movable(file_type=DSYM), "it is neither a library nor a program"),
        (movable(file_type=EXECUTE), "the program is made for one address (it is no position-independent executable)"),
        (movable(commands=[Cmd(UNIXTHREAD, "II", (0, 0))]), "load command 0x5 may hold addresses"),
        (movable(commands=[Cmd(0x77)]), "load command 0x77 may hold addresses"),
        (movable(commands=[Cmd(0x2C, "4I", (0, 0, 0, 0))]), "load command 0x2c may hold addresses"),
        (movable(commands=[uuid(bytes(16)), uuid(bytes(16))]), "load command 0x1b stands twice"),
        (
            movable(commands=[Cmd(0xB, "18I", (*[0] * 17, 3))]),
            "it has relocations in the way of Mac OS X 10.5",
        ),
        (
            movable(commands=[Cmd(0xB, "18I", (*[0] * 9, 1, *[0] * 8))]),
            "it has a list of modules in the way of Mac OS X 10.5",
        ),
        (movable(sections=[Sect("__dof", flags=0xF)]), "the section __TEXT,__dof is of a kind that may hold addresses"),
        (
            movable(sections=[Sect("__thread_starts")]),
            "the section __TEXT,__thread_starts is of a kind that may hold addresses",
        ),
        (movable(sections=[Sect(align=21)]), "a section is aligned to 2^21"),
        (movable(sections=[Sect(offset=0x7000)]), "the section __TEXT,__text lies outside of its segment"),
        (movable(sections=[Sect(segment="__CODE")]), "the header does not lie in __TEXT, or not there alone"),
        (
            movable(commands=[Cmd(FUNCTION_STARTS, "II", (64, 8))]),
            "a table of the linker does not lie in __LINKEDIT",
        ),
        (movable(linkedit=[(DATA_IN_CODE, bytes(12))]), "the table of data in code has an odd size"),
        (movable(sections=[Sect("__init_offsets", bytes(6), flags=0x16)]), "the list of initializers has an odd size"),
        (movable(sections=[Sect("__unwind_info", bytes(28))]), "__unwind_info of version 0"),
        (movable(linkedit=[(FUNCTION_STARTS, b"\xff\xff")]), "a number in a table has no end"),
        (movable(linkedit=[(DYLD_EXPORTS_TRIE, b"\x09\x00")]), "the exported symbols are damaged"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(macho: Macho, reason: str) -> None:
    assert refusal(macho) == reason


def test_relocations_for_a_linker_are_refused() -> None:
    data = bytearray(movable().build())
    struct.pack_into("<I", data, 32 + 72 + 60, 2)
    assert refusal(bytes(data)) == "the section __TEXT,__text has relocations for a linker"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("address", 0, "the segment __LINKEDIT lies over another one, or outside of the file"),
        ("size", 1 << 40, "the segment __LINKEDIT lies over another one, or outside of the file"),
        ("offset", 0, "the header does not lie in __TEXT, or not there alone"),
        ("name", b"__LAST", "__LINKEDIT is not last in the file"),
    ],
)
def test_segments_in_disorder_are_refused(field: str, value: int | bytes, reason: str) -> None:
    data = bytearray(movable(linkedit=[(FUNCTION_STARTS, b"\x10\0\0\0\0\0\0\0")]).build())
    at = data.index(b"__LINKEDIT") + {"name": 0, "address": 16, "offset": 32, "size": 40}[field]
    struct.pack_into("16s" if isinstance(value, bytes) else "<Q", data, at, value)
    assert refusal(bytes(data)) == reason


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ((0x8000, 0x1000, 0, 0), "__LINKEDIT is not last in memory"),
        ((0x800, 0x100, 0, 0), "the segment __MORE lies over another one, or outside of the file"),
        ((0x8000, 0x1000, 0x1800, 0x1000), "__LINKEDIT is not last in the file"),
    ],
)
def test_a_segment_in_the_way_is_refused(other: tuple[int, int, int, int], reason: str) -> None:
    more = Cmd(0x19, tail=struct.pack("<16s4Q4I", b"__MORE", *other, 3, 3, 0, 0))
    assert refusal(movable(commands=[more])) == reason


def test_a_segment_before_the_header_is_refused() -> None:
    data = bytearray(movable(file_type=EXECUTE, flags=0x200085).build())
    at = data.index(b"__PAGEZERO")
    struct.pack_into("<QQ", data, at + 32, 16, 16)
    assert refusal(bytes(data)) == "the segment __PAGEZERO lies before the header"


def test_damage_that_nobody_foresaw_is_a_refusal() -> None:
    reason = refusal(movable(linkedit=[(DYLD_CHAINED_FIXUPS, bytes(8))]))
    assert reason.startswith("a table is damaged: ")
    with pytest.raises(InvalidBinaryError, match="load command 0x26 is too short"):
        refusal(movable(commands=[Cmd(FUNCTION_STARTS)]))


def test_a_refusal_says_how_many_bytes_are_missing() -> None:
    macho = Macho("arm64", BUNDLE, commands=[dylib("@rpath/a"), Cmd(0x77)], pad=8, page=0x4000)
    edit = SliceEdit("arm64", rename=(("@rpath/a", "@loader_path/b"),), add_rpaths=("@loader_path/longer",))
    with pytest.raises(RefusedError) as caught:
        edit_macho(macho.build(), MachoEdit("pkg/x.so", "x.so", (edit,)))
    # 32 bytes more for the path, 16 for the signature; 8 are free
    assert str(caught.value) == (
        "pkg/x.so: the header of the arm64 slice has no room for its new load commands, 40 bytes are missing, and its "
        "content cannot be moved: load command 0x77 may hold addresses (link with -Wl,-headerpad_max_install_names)"
    )


def test_a_table_that_only_the_system_reads_is_dropped() -> None:
    data = movable(linkedit=[(SEGMENT_SPLIT_INFO, b"\x7f" * 8), (FUNCTION_STARTS, b"\x90\x04" + bytes(6))]).build()
    after = grown(data, load_commands(data, 0, "x"), 5000)
    assert [item.command for item in load_commands(after, 0, "x").items].count(SEGMENT_SPLIT_INFO) == 0


def test_the_old_signature_is_emptied() -> None:
    data = movable(linkedit=[(FUNCTION_STARTS, b"\x90\x04" + bytes(6))], signature=b"\xfa" * 100).build()
    after = grown(data, load_commands(data, 0, "x"), 5000)
    commands = load_commands(after, 0, "x")
    [item] = [item for item in commands.items if item.command == CODE_SIGNATURE]
    assert commands.numbers(item, 2) == (len(after), 0)
    assert b"\xfa" * 4 not in after


def grow_all(site: Path, architecture: str) -> int:
    """Give every Mach-O file below a folder a path that is longer than most headers; return how many grew."""
    count = 0
    for path in sorted(site.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if is_macho(data[:8]):
            done = widened(data, architecture, path=f"@loader_path/{'x' * 5000}")
            path.write_bytes(done.content)
            count += len(done.notices)
    return count


@pytest.mark.slow
@runs_mac_code
def test_published_libraries_still_compute_with_a_grown_header(tmp_path: Path) -> None:
    site = unpacked(fetched("pillow==12.0.0"), tmp_path)
    assert grow_all(site, "x86_64") > 20
    [zlib], [lzma] = site.glob("PIL/.dylibs/libz.*"), site.glob("PIL/.dylibs/liblzma.*")
    assert call(zlib, "crc32", "c_ulong", (0, b"123456789", 9)).output == f"{0xCBF43926}\n"
    assert call(lzma, "lzma_crc32", "c_uint32", (b"123456789", 9, 0)).output == f"{0xCBF43926}\n"
    code = """
import io
from PIL import Image, _imaging
picture = Image.linear_gradient("L")
for kind in ("PNG", "TIFF", "JPEG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    read = Image.open(io.BytesIO(buffer.getvalue()))
    print(kind, read.size, abs(read.getpixel((9, 200)) - 200) < 3)
"""
    outcome = run_python(site, code)
    good = [f"{kind} (256, 256) True" for kind in ("PNG", "TIFF", "JPEG")]
    assert (outcome.output.splitlines(), outcome.errors) == (good, "")


@pytest.mark.slow
@runs_mac_code
def test_a_published_client_library_still_works_with_a_grown_header(tmp_path: Path) -> None:
    site = unpacked(fetched("psycopg2-binary==2.9.11"), tmp_path)
    code = "import psycopg2; print(psycopg2.extensions.libpq_version())"
    before = run_python(site, code).output
    assert grow_all(site, "x86_64") > 5
    outcome = run_python(site, code)
    assert (outcome.output, outcome.errors) == (before, "")


@pytest.mark.slow
@pytest.mark.parametrize("requirement", ["pillow==12.0.0", "psycopg2-binary==2.9.11", "pyzmq==27.1.0", "lxml==6.0.2"])
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_published_files_move_as_a_whole(requirement: str, architecture: str, tmp_path: Path) -> None:
    site = unpacked(fetched(requirement, architecture), tmp_path)
    amount, seen = {"x86_64": 0x2000, "arm64": 0x8000}[architecture], 0
    for path in sorted(site.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        item = read_macho(data, path.name).slice_for(architecture) if is_macho(data[:8]) else None
        if item is None:
            continue
        part = data[item.offset : item.offset + item.size]
        after = grown(part, load_commands(part, 0, path.name), amount - 32)
        assert decoded(after) == decoded(part).moved(amount), path.name
        old, new = tmp_path / "before", tmp_path / "after"
        old.write_bytes(part)
        new.write_bytes(after)
        assert moved_unwinding(unwinding(old), amount) == unwinding(new), path.name
        seen += 1
    assert seen
