"""Signs one slice of a Mach-O file without a certificate, as `codesign --force --sign -` does.

arm64 Macs run no unsigned code, and every Mac kills code whose signature is wrong, so each edited slice that had or
needs a signature gets a new one. Follows `mach-o/loader.h` for the load commands; for what the kernel and dyld ask of
a signature's place: 16-byte aligned, last in `__LINKEDIT`, and `__LINKEDIT` last in the slice.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import Command
from truewheel.bundler.macho.code_directory import (
    DER_ENTITLEMENTS,
    ENTITLEMENTS,
    INFO_PLIST,
    PAGE,
    SHA1,
    SHA256,
    Signed,
    page_hashes,
    signature,
    signature_size,
)
from truewheel.bundler.macho.signed_layout import read_layout
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import Signature
    from truewheel.bundler.macho.code_directory import (
        Algorithm,
    )
    from truewheel.bundler.macho.signed_layout import Layout

COMMAND_SIZE = 16
"""The bytes of an LC_CODE_SIGNATURE, which an unsigned slice must have free behind its load commands."""

_ALIGNMENT = 16
_COUNT_FIELD = 16  # where ncmds stands in the header, and sizeofcmds behind it
_MOST_32_BITS = 0xFFFFFFFF
_SHA256_SINCE = 10 << 16 | 11 << 8 | 4  # macOS 10.11.4, as load commands pack a version


def resign(
    content: bytes | bytearray | memoryview,
    old: Signature,
    *,
    fallback_identifier: str,
    keep_runtime: bool = True,
    where: str = "",
) -> bytes:
    """Return one whole slice with a new ad-hoc signature.

    content: the slice, edited; its old signature, if it has one, still in its place, and the command for it too.
    old: what that signature said; its identifier and entitlements are kept, and the hardened runtime if
        `keep_runtime`. fallback_identifier: for a slice that had none. where: names the slice in errors.

    Raises RefusedError when the slice has no place for a signature, InvalidBinaryError when its load commands
    contradict its content.
    """
    layout = read_layout(content, where)
    limit = _code_limit(layout, where)
    signed = _signed(layout, old, limit, old.identifier or fallback_identifier, keep_runtime=keep_runtime)
    algorithms = _algorithms(layout)
    size = _aligned(signature_size(signed, algorithms), _ALIGNMENT)
    if limit + size > _MOST_32_BITS:
        raise RefusedError("the slice is too large to be signed", where=where)
    head = _head(layout, limit, size, where)
    body = memoryview(content).cast("B")[len(head) : limit]
    padding = bytes(limit - len(head) - len(body))
    hashes = [(algorithm, page_hashes(algorithm, (head, body, padding))) for algorithm in algorithms]
    blob = signature(signed, hashes)
    return b"".join((head, body, padding, blob, bytes(size - len(blob))))


def _aligned(value: int, step: int) -> int:
    return -(-value // step) * step


def _code_limit(layout: Layout, where: str) -> int:
    """Return where the new signature starts: in the place of the old one, or behind everything else."""
    linkedit = layout.linkedit
    end = linkedit.offset + linkedit.size
    if layout.last_segment_end > linkedit.offset or any(layout.content[end:]):
        raise RefusedError(
            "the slice has content behind __LINKEDIT, so no signature can be last",
            where=where,
            hint="sign it with codesign after the repair",
        )
    if layout.signature is None:
        return _aligned(end, _ALIGNMENT)
    return _aligned(max(layout.signature.offset, layout.linked_data_end), _ALIGNMENT)


def _signed(layout: Layout, old: Signature, limit: int, identifier: str, *, keep_runtime: bool) -> Signed:
    parts = {
        INFO_PLIST: layout.info_plist,
        ENTITLEMENTS: old.entitlements,
        DER_ENTITLEMENTS: old.der_entitlements,
    }
    return Signed(
        identifier=identifier.encode("utf-8", "surrogateescape"),
        code_limit=limit,
        text=layout.text,
        is_program=layout.is_program,
        runtime=layout.sdk if keep_runtime and old.hardened_runtime else None,
        parts={slot: part for slot, part in parts.items() if part},
    )


def _algorithms(layout: Layout) -> tuple[Algorithm, ...]:
    """Return the hashes that every system a slice is made for can check; a slice that does not say gets both."""
    if layout.is_arm or layout.minimum_os >= _SHA256_SINCE:
        return (SHA256,)
    return (SHA1, SHA256)


def _head(layout: Layout, limit: int, size: int, where: str) -> bytes:
    """Return the first whole pages of the slice, its load commands telling of the new signature."""
    end = layout.commands.header.end
    head = bytearray(layout.content[: min(_aligned(end + COMMAND_SIZE, PAGE), limit)])
    if layout.signature is None:
        _add_command(layout, head, where)
    place = end if layout.signature is None else layout.signature.command
    struct.pack_into(f"{layout.form.prefix}II", head, place + 8, limit, size)
    linkedit = layout.linkedit
    filesize = limit + size - linkedit.offset
    vmsize = _aligned(filesize, layout.memory_page)
    if vmsize > linkedit.address_room:
        raise RefusedError("__LINKEDIT has no room for a signature in memory", where=where)
    struct.pack_into(layout.segment_number, head, linkedit.vmsize_field, vmsize)
    struct.pack_into(layout.segment_number, head, linkedit.filesize_field, filesize)
    return bytes(head)


def _add_command(layout: Layout, head: bytearray, where: str) -> None:
    """Write an LC_CODE_SIGNATURE, without its place yet, behind the last load command, and count it."""
    header = layout.commands.header
    free = layout.first_content - header.end
    if free < COMMAND_SIZE or any(head[header.end : header.end + COMMAND_SIZE]):
        raise RefusedError(
            f"the header has no room for LC_CODE_SIGNATURE: {COMMAND_SIZE} bytes are needed, {max(free, 0)} are free",
            where=where,
            hint="link with -Wl,-headerpad_max_install_names",
        )
    prefix = header.form.prefix
    struct.pack_into(f"{prefix}II", head, header.end, Command.CODE_SIGNATURE, COMMAND_SIZE)
    struct.pack_into(f"{prefix}II", head, _COUNT_FIELD, header.command_count + 1, header.command_size + COMMAND_SIZE)
