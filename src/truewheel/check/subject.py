"""One wheel under check: everything that rules ask about it, each read once and only when a rule asks.

What cannot be read is a finding of the rule that is about it; every other rule then has nothing to look at.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.record import ALGORITHMS
from truewheel.check.given_name import GivenName
from truewheel.check.headers import Headers
from truewheel.errors import InvalidInputError
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.metadata import WheelMetadata
    from truewheel.archive.names import WheelName
    from truewheel.archive.reader import WheelReader
    from truewheel.archive.record import Record
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.retagger.proof import Proof
    from truewheel.retagger.stable_abi import Code
    from truewheel.retagger.windows_imports import WindowsUses

_BOUND = 64 << 20
"""Bytes of members that are hashed at one time."""
_WHOLE = 16 << 20


class Evidence(NamedTuple):
    """The machine code of the wheel, and what it proves. windows: what each file of Windows wants of others."""

    linux: Analysis
    macos: MachoAnalysis
    proof: Proof
    windows: tuple[WindowsUses, ...] = ()

    def code(self, reader: WheelReader) -> Code:
        """Return what rules about Python's functions ask for."""
        from truewheel.retagger.stable_abi import Code

        return Code(reader, self.linux, self.macos, self.windows)


class Digest(NamedTuple):
    """A member's content in short. value: as RECORD writes it. problem: why it cannot be read; else empty."""

    value: str
    size: int
    problem: str = ""


class Subject:
    """A wheel under check.

    path: as given. given: its file name, or the one that it is to have.
    index: whose rules count. jobs: how many threads work at once. own_policy: the user's own, if any.
    exclude: patterns of libraries that something else provides.
    reader: the open wheel, under the nearest sound name; None when the archive or its dist-info allow none.
    archive, dist_info: what keeps the archive, or the folder of metadata, from being read, sentences with advice.
    """

    def __init__(
        self,
        path: Path,
        filename: str,
        index: str = "pypi",
        jobs: int = 1,
        own_policy: OwnPolicy | None = None,
        *,
        exclude: tuple[str, ...] = (),
    ) -> None:
        """Keep the parts; `open_subject` opens the wheel."""
        self.path = path
        self.given = GivenName.parse(filename)
        self.reader: WheelReader | None = None
        self.index = index
        self.jobs = jobs
        self.own_policy = own_policy
        self.exclude = exclude
        self.archive: tuple[str, ...] = ()
        self.dist_info: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> WheelName | None:
        """The nearest sound name; None when there is none."""
        return self.given.sound

    @cached_property
    def wheel(self) -> WheelMetadata | None:
        """What the WHEEL file says; None when it cannot be understood, or there is none."""
        try:
            return self.reader.wheel if self.reader else None
        except InvalidInputError:
            return None

    @cached_property
    def record(self) -> Record | None:
        """The RECORD file; None when it cannot be understood, or there is none."""
        try:
            return self.reader.record if self.reader else None
        except InvalidInputError:
            return None

    def text(self, name: str) -> bytes | None:
        """Return the content of a file in the dist-info folder; None when there is none, or it is damaged."""
        if self.reader is None:
            return None
        try:
            return self.reader.read(f"{self.reader.dist_info}/{name}")
        except InvalidInputError:
            return None

    @cached_property
    def wheel_headers(self) -> Headers | None:
        """The lines of the WHEEL file; None when there is none."""
        content = self.text("WHEEL")
        return None if content is None else Headers.parse(content)

    @cached_property
    def metadata(self) -> Headers | None:
        """The headers of the METADATA file; None when there is none."""
        content = self.text("METADATA")
        return None if content is None else Headers.parse(content)

    @cached_property
    def digests(self) -> Mapping[str, Digest]:
        """The digest of each member that RECORD has a row with a known hash for, by that hash; each is read once."""
        reader, record = self.reader, self.record
        if reader is None or record is None:
            return {}
        wanted: dict[str, str] = {}
        for row in record.rows:
            algorithm = row.digest.partition("=")[0]
            if algorithm in ALGORITHMS and row.path in reader.entries and not row.path.endswith("/"):
                wanted.setdefault(row.path, algorithm)
        items = [(item, reader.entries[item[0]].size) for item in wanted.items()]
        digests = each_in_order(lambda item: _digest(reader, *item), items, jobs=self.jobs, bound=_BOUND)
        return dict(zip(wanted, digests, strict=True))

    def gives(self, tag: str) -> bool:
        """Whether a platform tag is one that the user's own policy gives, and decides about."""
        if self.own_policy is None:
            return False
        from truewheel.platforms.systems import of_own_policy

        return bool(of_own_policy(self.own_policy, (tag,)))

    @cached_property
    def evidence(self) -> Evidence | None:
        """The machine code; None when it cannot be read, which `broken_code` tells, or WHEEL or RECORD cannot."""
        from truewheel.analyzer.elf.analyze import analyze
        from truewheel.analyzer.macho.analyze import analyze_macho
        from truewheel.analyzer.search_options import SearchOptions
        from truewheel.retagger.proof import proof_of

        if self.reader is None or self.wheel is None or self.record is None:
            return None
        inside = SearchOptions(system=False, exclude=self.exclude)
        try:
            linux = analyze(self.reader, inside, jobs=self.jobs)
            macos = analyze_macho(self.reader, inside, jobs=self.jobs)
            proof = proof_of(self.reader, linux, macos, self.own_policy)
            return Evidence(linux, macos, proof, _windows(self.reader, proof))
        except InvalidInputError as error:
            self.broken_code = error
            return None

    broken_code: InvalidInputError | None = None
    """Why the machine code cannot be read, once `evidence` was asked for."""


def _windows(reader: WheelReader, proof: Proof) -> tuple[WindowsUses, ...]:
    if not proof.windows:
        return ()
    from truewheel.retagger.windows_imports import windows_uses

    return windows_uses(reader, proof.windows)


def _digest(reader: WheelReader, name: str, algorithm: str) -> Digest:
    from base64 import urlsafe_b64encode
    from hashlib import new

    state, size = new(algorithm), 0
    try:
        # Inflating a member whole is much quicker than piece by piece, and a large one would take much memory.
        whole = reader.entries[name].size <= _WHOLE
        for piece in (reader.view(name),) if whole else reader.stream(name):
            state.update(piece)
            size += len(piece)
    except InvalidInputError as error:
        return Digest("", 0, error.what)
    return Digest(urlsafe_b64encode(state.digest()).rstrip(b"=").decode("ascii"), size)
