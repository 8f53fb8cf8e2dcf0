"""What a file for 32-bit ARM says of the processor that it was built for, and how it passes floating point numbers.

Follows "Addenda to, and Errata in, the ABI for the Arm Architecture", chapter "Build Attributes": the section
`.ARM.attributes` is a format version and, for each vendor, its length and name before subsections, each of a scope, its
length, and pairs of a number (ULEB128) and a value (ULEB128, or text that ends in NUL). Loaders do not look at it, so
one that makes no sense says nothing here, and is no damage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.sections import section_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.elf.layout import ElfFile

_SECTION_TYPE = 0x7000_0003
_LONGEST = 1 << 16
"""Bytes; real sections have some dozens."""
_FORMAT = b"A"
_VENDOR = b"aeabi"
_LENGTH = 4
_FILE_SCOPE = 1
_SCOPE_HEAD = 1 + _LENGTH

_CPU_ARCH, _FP_ARCH, _VFP_ARGS = 6, 10, 28
_RAW_CPU_NAME, _CPU_NAME, _COMPATIBILITY = 4, 5, 32
_CONTINUES = 0x80
_ULEB_BYTES = 10
"""More than any number of a real file has."""


class ArmAttributes(NamedTuple):
    """The attributes of the whole file that matter to labels; 0 for what it does not state, as the ABI has it.

    cpu_arch: Tag_CPU_arch: 6 is ARMv6, 10 ARMv7, 14 ARMv8-A ...
    fp_arch: Tag_FP_arch: 0 none, 2 VFPv2, 3 VFPv3 ...
    vfp_args: Tag_ABI_VFP_args: 0 soft float, 1 hard float, 2 neither, 3 both.
    """

    cpu_arch: int = 0
    fp_arch: int = 0
    vfp_args: int = 0


class _MalformedError(ValueError):
    """The section ends in the middle of something."""


def read_arm_attributes(elf: ElfFile) -> ArmAttributes | None:
    """Return what the file states; None for one without such a section, or with one that cannot be understood."""
    content = section_content(elf, _SECTION_TYPE, _LONGEST)
    if content is None:
        return None
    try:
        values = dict(_of_file(content, elf.form.byte_order))
    except _MalformedError:
        return None
    return ArmAttributes(*(values.get(tag, 0) for tag in (_CPU_ARCH, _FP_ARCH, _VFP_ARGS))) if values else None


def _of_file(content: bytes, order: str) -> Iterator[tuple[int, int]]:
    """Yield the attributes of the ABI's own vendor that are about the whole file, in their order."""
    if content[:1] != _FORMAT:
        raise _MalformedError
    for block in _blocks(content, 1, 0, order):
        vendor, end, rest = block[_LENGTH:].partition(b"\0")
        if not end:
            raise _MalformedError
        if vendor == _VENDOR:
            for part in _blocks(rest, 0, 1, order):
                if part[0] == _FILE_SCOPE:
                    yield from _pairs(part, _SCOPE_HEAD)


def _blocks(content: bytes, start: int, before: int, order: str) -> Iterator[bytes]:
    """Yield blocks that lie one after the other and begin with their own length, `before` bytes after their start."""
    while start < len(content):
        head = before + _LENGTH
        number = content[start + before : start + head]
        size = int.from_bytes(number, "little" if order == "little" else "big")
        if len(number) < _LENGTH or size < head or start + size > len(content):
            raise _MalformedError
        yield content[start : start + size]
        start += size


def _pairs(content: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield numbers with their values, those whose value is text left out."""
    while at < len(content):
        tag, at = _uleb(content, at)
        # Below 32 the ABI says which kind a value is; from there on an odd number has text. 32 has both.
        text = tag in {_RAW_CPU_NAME, _CPU_NAME, _COMPATIBILITY} or (tag > _COMPATIBILITY and tag % 2)
        if not text or tag == _COMPATIBILITY:
            value, at = _uleb(content, at)
            yield tag, value
        if text:
            end = content.find(b"\0", at)
            if end < 0:
                raise _MalformedError
            at = end + 1


def _uleb(content: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at`, and where what follows it begins."""
    value = 0
    for count, byte in enumerate(content[at : at + _ULEB_BYTES]):
        value |= (byte & ~_CONTINUES) << 7 * count
        if not byte & _CONTINUES:
            return value, at + count + 1
    raise _MalformedError
