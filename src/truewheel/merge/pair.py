"""The two wheels of a merge: opened, and known to belong together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.archive.reader import WheelReader
from truewheel.errors import RefusedError, UsageError
from truewheel.macos_proof import nothing_but, require_macos
from truewheel.merge.rules import ARCHITECTURES
from truewheel.retagger.macos_tags import parse_mac_tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from truewheel.analyzer.macho.analysis import MachoAnalysis

_TWO = 2


class Source(NamedTuple):
    """One wheel, and what is known of its machine code when nothing but itself is there."""

    architecture: str
    reader: WheelReader
    analysis: MachoAnalysis


Pair = tuple[Source, Source]
"""The wheel for x86_64 and the one for arm64."""


@contextmanager
def opened(wheels: Sequence[Path], jobs: int) -> Iterator[Pair]:
    """Open the wheels, which may be given in any order.

    Raises UsageError unless there are two, RefusedError when they do not belong together, InvalidInputError when one
    cannot be read.
    """
    if len(wheels) != _TWO:
        raise UsageError(
            f"{len(wheels)} wheel{'' if len(wheels) == 1 else 's'} given; two are merged, one for each architecture",
            hint="`truewheel merge A-x86_64.whl B-arm64.whl`",
        )
    with ExitStack() as stack:
        readers = [stack.enter_context(WheelReader.open(path)) for path in wheels]
        by_architecture = {architecture_of(reader): reader for reader in readers}
        if len(by_architecture) != _TWO:
            raise RefusedError(
                f"both wheels are for {next(iter(by_architecture))}",
                where=_both(readers[0], readers[1]),
                hint="give one for x86_64 and one for arm64",
            )
        first, second = (by_architecture[name] for name in ARCHITECTURES)
        require_same_project(first, second)
        one, two = (
            Source(name, reader, analyze_macho(reader, nothing_but(()), jobs=jobs))
            for name, reader in zip(ARCHITECTURES, (first, second), strict=True)
        )
        yield one, two


def architecture_of(reader: WheelReader) -> str:
    """Return the one architecture that a wheel is named for; raise RefusedError when it is none that is merged."""
    require_macos(reader)
    tags = [parse_mac_tag(text) for text in reader.name.platform]
    names = {name for tag in tags if tag for name in tag.architectures}
    if None in tags or len(names) != 1 or not names <= set(ARCHITECTURES):
        named = ".".join(reader.name.platform)
        raise RefusedError(
            f"is named {named}; one wheel for x86_64 alone and one for arm64 alone are merged",
            where=reader.path.name,
            hint="`truewheel thin` takes one architecture out of a wheel for several",
        )
    return names.pop()


def require_same_project(first: WheelReader, second: WheelReader) -> None:
    """Raise RefusedError when the wheels differ in more of their names than the platform."""
    one, two = first.name, second.name
    for what, mine, other in (
        ("distributions", one.distribution, two.distribution),
        ("versions", one.version, two.version),
        ("build tags", one.build or "none", two.build or "none"),
        ("Python tags", ".".join(sorted(one.python)), ".".join(sorted(two.python))),
        ("ABI tags", ".".join(sorted(one.abi)), ".".join(sorted(two.abi))),
        ("dist-info folders", first.dist_info, second.dist_info),
        ("data folders", first.data_dir, second.data_dir),
    ):
        if mine != other:
            raise RefusedError(f"the wheels have different {what}: {mine} and {other}", where=_both(first, second))


def both(pair: Pair) -> str:
    """Return the names of both files, for errors that are about the two."""
    return _both(pair[0].reader, pair[1].reader)


def _both(first: WheelReader, second: WheelReader) -> str:
    return f"{first.path.name} and {second.path.name}"
