"""Compares the signature of an edited slice with the one before, and with the slice itself.

The hashes are computed by `signature_check`, which shares nothing with what signs. The rules are macOS's own: arm64
runs only signed code, and no signature is better than a wrong one elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.bundler.macho_check.second_reading import BUNDLE, DYLIB, EXECUTABLE
from truewheel.bundler.macho_check.signature_check import SignedSlice, check_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.bundler.macho_check.second_reading import SliceReading
    from truewheel.bundler.macho_check.signature_check import Stated

_MUST_BE_SIGNED = frozenset({EXECUTABLE, DYLIB, BUNDLE})
_INFO_PLIST = b"__info_plist"


def signature_differences(before: SliceReading, after: SliceReading, *, keep_runtime: bool) -> Iterator[str]:
    """Yield what is wrong with the signature of a slice that was edited; raise SignatureError for an unreadable one."""
    if after.signature is None:
        if before.signature is not None:
            yield "the signature is gone"
        elif after.is_arm and after.file_type in _MUST_BE_SIGNED:
            yield "an arm64 slice has no signature"
        return
    if before.signature is None and not after.is_arm:
        yield "a slice that was not signed got a signature"
    stated, problems = check_signature(signed_slice(after), is_ours=True)
    yield from problems
    yield from _linkedit(after)
    if not stated.is_ad_hoc:
        yield "the new signature is not an ad-hoc one"
    if before.signature is not None:
        yield from _kept(check_signature(signed_slice(before))[0], stated, keep_runtime=keep_runtime)


def signed_slice(item: SliceReading) -> SignedSlice:
    """Return what a signature of the slice must agree with."""
    text, linkedit = item.segment(b"__TEXT"), item.segment(b"__LINKEDIT")
    plists = [section for section in text.sections if section.name == _INFO_PLIST and section.has_content]
    return SignedSlice(
        data=item.data,
        place=item.signature or (0, 0),
        linkedit_end=linkedit.end,
        text=(text.offset, text.size),
        is_program=item.file_type == EXECUTABLE,
        is_arm=item.is_arm,
        info_plist=b"".join(bytes(item.data[each.offset : each.offset + each.size]) for each in plists[:1]),
    )


def _linkedit(after: SliceReading) -> Iterator[str]:
    """Check that the signature is the last thing of __LINKEDIT, that of the slice, and all of it in memory."""
    linkedit = after.segment(b"__LINKEDIT")
    offset, size = after.signature or (0, 0)
    if offset + size != linkedit.end or linkedit.end != len(after.data):
        yield "the slice does not end with the signature"
    if linkedit.size > linkedit.memory:
        yield "__LINKEDIT is larger in the file than in memory"
    for segment in after.segments:
        if segment.name != linkedit.name and (
            segment.end > linkedit.offset
            or (
                segment.address + segment.memory > linkedit.address
                and segment.address < linkedit.address + linkedit.memory
            )
        ):
            yield f"{segment.name.decode('utf-8', 'replace')} lies over __LINKEDIT, or behind it"


def _kept(old: Stated, new: Stated, *, keep_runtime: bool) -> Iterator[str]:
    if old.identifier != new.identifier:
        yield f"the signature's identifier {old.identifier!r} became {new.identifier!r}"
    if new.hardened_runtime != (old.hardened_runtime and keep_runtime):
        yield "the signature's hardened runtime is not what was asked for"
    if old.entitlements != new.entitlements:
        yield "the signature's entitlements changed"
