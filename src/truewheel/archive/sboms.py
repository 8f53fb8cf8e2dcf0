"""Bills of materials that a wheel carries, as far as they name the wheel's own file.

Follows PEP 770, which says where they lie (`.dist-info/sboms`), and the package-URL specification, by whose qualifier
`file_name` a bill of materials names the wheel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.archive.members import NewMember

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.reader import WheelReader


def sboms(reader: WheelReader) -> tuple[str, ...]:
    """Return the names of the bills of materials in a wheel, in archive order."""
    folder = f"{reader.dist_info}/sboms/"
    return tuple(name for name in reader.entries if name.startswith(folder) and name[-1] != "/")


def renamed_sboms(reader: WheelReader, old: str, new: str) -> Iterator[NewMember]:
    """Yield the bills of materials that name the wheel's own file `old`, with the name `new`."""
    if old == new:
        return
    for member in sboms(reader):
        content = reader.read(member)
        changed = with_file_name(content, old, new)
        if changed != content:
            yield NewMember(member, changed, mode=reader.permissions(member))


def with_file_name(content: bytes, old: str, new: str) -> bytes:
    """Return a bill of materials in which the wheel's own package URL has another file name, however it was encoded."""
    from urllib.parse import quote

    for spell in (str, quote):
        content = content.replace(f"file_name={spell(old)}".encode(), f"file_name={spell(new)}".encode())
    return content
