"""Compares what an edit had to leave alone in one slice of a Mach-O file, and what it had to change.

Follows `mach-o/loader.h`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.bundler.macho_check.linkedit_same import readable_tables, table_differences
from truewheel.bundler.macho_check.moved import is_moved, moved_by, moved_differences
from truewheel.bundler.macho_check.second_reading import LOADED, OWN_NAME, RPATH, SIGNATURE, same_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truewheel.bundler.macho_check.second_reading import CommandReading, SliceReading
    from truewheel.bundler.plan import SliceEdit

_SIGNATURE_ALIGNMENT = 16
_DATA_IN_CODE = 0x29
_DISPENSABLE = frozenset({0x2A, 0x2B, 0x1E})  # LC_SOURCE_VERSION, LC_DYLIB_CODE_SIGN_DRS, LC_SEGMENT_SPLIT_INFO
_APART = frozenset({RPATH, SIGNATURE})
_RPATHS, _OWN_NAMES, _RPATH_PREFIX = frozenset({RPATH}), frozenset({OWN_NAME}), "@rpath/"
_LINKEDIT = b"__LINKEDIT"


def command_differences(edit: SliceEdit, before: SliceReading, after: SliceReading) -> Iterator[str]:
    """Yield every load command that is not what the edit makes of those before.

    Search paths are compared apart, and the command of the signature only as far as nobody but the signer changes it.
    """
    yield from _names(edit, before, after)
    amount = moved_by(before, after)
    rest = [item for item in after.commands if item.number not in _APART]
    at = 0
    for old in before.commands:
        if old.number in _APART or (old.number in LOADED and old.text in edit.remove):
            continue
        wanted = _Wanted.of(edit, old)
        if at < len(rest) and wanted.is_met_by(rest[at], before, amount):
            at += 1
        elif not _may_go(before, old):
            yield f"{wanted.name} is not there, or not as it was to be"
            return
    if at < len(rest):
        yield f"load command {rest[at].number:#x} is there, which nobody asked for"


class _Wanted(NamedTuple):
    """What must stand in the place of one command. texts: what its string may be."""

    old: CommandReading
    texts: tuple[str, ...]

    @classmethod
    def of(cls, edit: SliceEdit, old: CommandReading) -> _Wanted:
        if old.number == OWN_NAME and edit.install_name is not None:
            return cls(old, (edit.install_name,))
        new = dict(edit.rename).get(old.text or "") if old.number in LOADED else None
        return cls(old, () if new is None else (new, *_short_names(new)))

    @property
    def name(self) -> str:
        """What to call it in an error."""
        text = self.texts[0] if self.texts else self.old.text
        return f"load command {self.old.number:#x}" + (f" for {text}" if text else "")

    def is_met_by(self, new: CommandReading, before: SliceReading, amount: int) -> bool:
        """Tell whether a command is the one that was wanted, when all content has moved by some amount."""
        old = self.old
        if new.number != old.number:
            return False
        if amount and not self.texts:
            return is_moved(old, new, before, amount)
        if old.segment is not None and new.segment is not None:
            return _same_segment(old, new)
        if not self.texts or new.text == old.text:
            return new.raw == old.raw and (not self.texts or new.text in self.texts)
        unit = 8 if before.is_wide else 4
        padding = new.raw[new.start :].partition(b"\0")[2]
        return (
            new.text in self.texts
            and new.start == old.start
            and new.raw[8 : new.start] == old.raw[8 : old.start]
            and not any(padding)
            and len(new.raw) % unit == 0
        )


def _short_names(name: str) -> Iterator[str]:
    """Yield the names that find the same file by a search path, which is how names are made to fit."""
    places = [at for at, letter in enumerate(name) if letter == "/"]
    yield from (_RPATH_PREFIX + name[at + 1 :] for at in places if at)


def _same_segment(old: CommandReading, new: CommandReading) -> bool:
    """Tell whether a segment is the same; the last one may end elsewhere, because of the signature."""
    if old.segment is None or new.segment is None or old.segment.name != _LINKEDIT:
        return old.raw == new.raw
    return old.segment == new.segment._replace(size=old.segment.size, memory=old.segment.memory)


def _may_go(before: SliceReading, old: CommandReading) -> bool:
    """Tell whether a command may be dropped to make room: those that neither dyld nor the kernel reads."""
    if old.number == _DATA_IN_CODE:
        return not before.numbers(old, "II")[1]
    return old.number in _DISPENSABLE


def _names(edit: SliceEdit, before: SliceReading, after: SliceReading) -> Iterator[str]:
    """Check search paths and names, and that each name which needs one path more than was asked for has it."""
    kept = [path for path in before.texts(_RPATHS) if path not in edit.delete_rpaths]
    wanted = [*kept, *edit.add_rpaths]
    found = list(after.texts(_RPATHS))
    extra = found[len(wanted) :]
    if found[: len(wanted)] != wanted or set(extra) - _folders(edit, after):
        yield f"the search paths are {found}, not {wanted}"
    for old, new in edit.rename:
        short = [name for name in after.texts(LOADED) if name in _short_names(new)]
        if new not in after.texts(LOADED) and not any(_leads(name, new, found) for name in short):
            yield f"no search path leads {', '.join(short) or old} to {new}"
    if len(set(found)) < len(found) and len(set(wanted)) == len(wanted):
        yield "a search path stands twice, which dyld refuses"
    if edit.install_name is not None and after.texts(_OWN_NAMES) != (edit.install_name,):
        yield f"its own name is not {edit.install_name}"
    if _has_twice(after.texts(LOADED)) and not _has_twice(before.texts(LOADED)):
        yield "a library is named twice, which dyld refuses"


def _has_twice(names: tuple[str, ...]) -> bool:
    return len(set(names)) < len(names)


def _folders(edit: SliceEdit, after: SliceReading) -> set[str]:
    """Return the folders that names without a folder of their own stand for."""
    names = after.texts(LOADED)
    return {
        new[: -len(short) + len(_RPATH_PREFIX) - 1]
        for _, new in edit.rename
        for short in _short_names(new)
        if short in names
    }


def _leads(short: str, name: str, paths: list[str]) -> bool:
    return any(f"{path}/{short[len(_RPATH_PREFIX) :]}" == name for path in paths)


def content_differences(edit: SliceEdit, before: SliceReading, after: SliceReading) -> Iterator[str]:
    """Yield what is not the same behind the load commands, up to the signature."""
    first = min(_starts(after), default=len(after.data))
    if after.commands_end > first:
        yield f"the load commands lie over what stands at {first:#x}"
    amount = moved_by(before, after)
    if amount:
        yield from moved_differences(before, after, amount)
    else:
        yield from _unmoved_differences(edit, before, after)
    if amount or edit.remove:
        yield from table_differences(edit, before, after, _spelling(edit), amount)


def _spelling(edit: SliceEdit) -> Callable[[str], str]:
    """Return what gives names that were made to fit the spelling that was asked for."""
    asked = {short: new for _, new in edit.rename for short in _short_names(new)}
    return lambda name: asked.get(name, name)


def _unmoved_differences(edit: SliceEdit, before: SliceReading, after: SliceReading) -> Iterator[str]:
    end = before.signature[0] if before.signature else before.segment(_LINKEDIT).end
    limit = after.signature[0] if after.signature else len(after.data)
    start = max(before.commands_end, after.commands_end)
    if any(before.data[before.commands_end : start]):
        yield "the load commands lie over something that is not zero"
    if any(after.data[after.commands_end : start]):
        yield "old load commands are left behind the new ones"
    if not end <= limit < end + _SIGNATURE_ALIGNMENT or any(after.data[end:limit]):
        yield f"the content ends at {limit:#x}, not at {end:#x}"
        return
    changing = readable_tables(before) if edit.remove else []
    places = [start, *(place for span in sorted(changing) for place in span), end]
    for at, stop in zip(places[::2], places[1::2], strict=True):
        if not same_bytes(before.data[at:stop], after.data[at:stop]):
            yield f"the content changed between {at:#x} and {stop:#x}"


def _starts(item: SliceReading) -> Iterator[int]:
    for segment in item.segments:
        yield from (section.offset for section in segment.sections if section.has_content)
        if segment.offset and segment.size:
            yield segment.offset
