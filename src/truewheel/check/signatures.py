"""Rules about the code signatures of Mach-O files, page by page, as a Mac checks them.

`bundler.signature_check` does the checking and names what it follows. Apple silicon ends a process that maps a page
whose hash is wrong, and maps no file without a signature; an Intel Mac does so only where the signature asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.macho.image import MACOS
from truewheel.check.findings import Found, Rule, Severity
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.macho_check.second_reading import SliceReading
    from truewheel.check.subject import Subject

_UNSIGNED = "`truewheel repair` signs it"
_WRONG = "sign it again: codesign --force --sign -"
_MOST_SHOWN = 2


def _signatures(subject: Subject) -> Iterator[Found]:
    """Yield slices for arm64 without a signature, and signatures that do not fit their slices."""
    reader, evidence = subject.reader, subject.evidence
    if reader is None or evidence is None:
        return
    nodes = [
        node
        for node in evidence.macos.graph.members()
        if any(item.platform == MACOS and item.file_type.is_loaded for item in node.file.slices)
    ]
    signed = [node for node in nodes if any(item.has_signature or item.lacks_signature for item in node.file.slices)]
    sizes = [(node.name, node.size) for node in signed]
    largest = max((size for _, size in sizes), default=0)
    found = each_in_order(lambda name: [*_of(reader, name)], sizes, jobs=subject.jobs, bound=2 * largest)
    for each in found:
        yield from each


def _of(reader: WheelReader, name: str) -> Iterator[Found]:
    from truewheel.bundler.macho_check.second_reading import BUNDLE, DYLIB, EXECUTABLE, ReadingError, read_file

    try:
        slices = read_file(reader.view(name)).slices
    except ReadingError as error:
        yield Found(f"the file contradicts itself: {error}", "build the wheel again", name)
        return
    for item in slices:
        if item.file_type not in (EXECUTABLE, DYLIB, BUNDLE):
            continue
        if item.signature is not None:
            yield from _checked(item, name)
        elif item.is_arm:
            yield Found(f"the {item.architecture} slice has no signature, so no Mac runs it", _UNSIGNED, name)


def _checked(item: SliceReading, name: str) -> Iterator[Found]:
    from truewheel.bundler.macho_check.second_reading import ReadingError
    from truewheel.bundler.macho_check.signature_check import SignatureError, check_signature
    from truewheel.bundler.macho_check.signed import signed_slice

    try:
        _, problems = check_signature(signed_slice(item))
    except (ReadingError, SignatureError) as error:
        problems = (str(error),)
    if problems:
        shown = "; ".join(problems[:_MOST_SHOWN])
        effect = "so no Mac runs it" if item.is_arm else "so a Mac that checks it refuses it"
        severity = None if item.is_arm else Severity.WARNING
        problem = f"the signature of the {item.architecture} slice is wrong, {effect}: {shown}"
        yield Found(problem, _WRONG, name, severity=severity)


RULES = (Rule("signature", Severity.ERROR, "a code signature is missing or wrong", _signatures),)
