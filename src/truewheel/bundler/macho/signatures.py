"""What an edit would do to code signatures, told before anything is written."""

from __future__ import annotations

from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.image import FileType, SignatureKind
from truewheel.analyzer.macho.reader import read_macho
from truewheel.analyzer.macho.signature import read_signature
from truewheel.analyzer.macho.system_names import is_system
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.macho.image import Signature, Slice
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import MachoEdit


def signature_notices(reader: WheelReader, edits: Sequence[MachoEdit], jobs: int) -> tuple[str, ...]:
    """Return one sentence for each edited file whose signature says more than that its bytes are whole.

    Raises InvalidBinaryError for a signature that cannot be read.
    """
    sizes = [(edit, reader.entries[edit.source].size if edit.source in reader.entries else 0) for edit in edits]
    largest = max((size for _, size in sizes), default=0)
    notices = each_in_order(lambda edit: tuple(_of(reader, edit)), sizes, jobs=jobs, bound=2 * largest)
    return tuple(dict.fromkeys(notice for some in notices for notice in some))


def _of(reader: WheelReader, edit: MachoEdit) -> Iterator[str]:
    changed = {item.architecture for item in edit.slices}
    if not changed:
        return
    content = reader.view(edit.source) if edit.source in reader.entries else _mapped(edit.source)
    if not content:
        return
    for item in read_macho(content, edit.source).slices:
        if item.architecture not in changed:
            continue
        if item.lacks_signature:
            lacks = f"its {item.architecture} slice has no signature, so no Mac runs it"
            yield f"{edit.source}: {lacks}; it gets an ad-hoc one"
        if not item.has_signature:
            continue
        signature = read_signature(content, item, edit.source)
        if signature.kind is SignatureKind.IDENTITY:
            team = f" of team {signature.team}" if signature.team else ""
            yield f"{edit.source}: the signature{team} cannot outlive a change; an ad-hoc one takes its place"
        if signature.entitlements:
            yield f"{edit.source}: its entitlements are kept in the ad-hoc signature"
        if signature.hardened_runtime and edit.keep_runtime:
            yield from _of_runtime(edit.source, item, signature)


def _of_runtime(source: str, item: Slice, signature: Signature) -> Iterator[str]:
    yield f"{source}: the hardened runtime is kept (--drop-hardened-runtime drops it)"
    if _will_refuse(item, signature):
        yield (
            f"{source}: with the hardened runtime and no certificate, a program loads no library but the system's; "
            "sign it again, or use --drop-hardened-runtime"
        )


_LENIENT = b"com.apple.security.cs.disable-library-validation"


def _will_refuse(item: Slice, signature: Signature) -> bool:
    """Whether a program needs libraries that the kernel will not let it load: those without its signer's team."""
    if item.file_type is not FileType.EXECUTABLE or _LENIENT in signature.entitlements:
        return False
    return not all(is_system(dependency.name) for dependency in item.dependencies)


def _mapped(path: str) -> memoryview:
    """Return a file's content; an empty one when it is gone, which applying the plan finds out."""
    with suppress(OSError, ValueError), Path(path).open("rb") as file:
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    return memoryview(b"")
