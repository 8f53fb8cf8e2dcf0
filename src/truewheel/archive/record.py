"""RECORD: the list of a wheel's files with their hashes and sizes.

Follows the PyPA "recording installed projects" specification (RECORD) and the binary distribution format: every file
but RECORD and its signatures has a row with a sha256 or better, as `path,algorithm=urlsafe-base64,size`. Rows that do
not change keep their bytes, quoting and line ending included.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import InvalidWheelError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

SIGNATURES = (".jws", ".p7s")
"""What follows RECORD's own name in the names of its signatures. They sign the old RECORD and are never listed."""
ALGORITHMS = ("sha256", "sha384", "sha512")
"""Hash algorithms that a RECORD may use: `sha256 or better`."""
_COLUMNS = 3
_LONGEST = 1 << 17
"""Lines of so many characters are left to the csv module, which has a limit of its own."""


class Row(NamedTuple):
    """One row. A named tuple, because a large wheel has tens of thousands of them.

    path, digest, size: the three columns as text; empty when missing. digest is `algorithm=value`.
    columns: how many columns the row really has; 0 for a blank line.
    raw: the row's text in the file, with its line ending.
    line: the number of its first line, from 1.
    """

    path: str
    digest: str
    size: str
    columns: int
    raw: str
    line: int


class Record(NamedTuple):
    """A RECORD file.

    where: the member's name, `foo-1.0.dist-info/RECORD`; its own row carries it.
    """

    where: str
    rows: tuple[Row, ...]

    @classmethod
    def parse(cls, data: bytes, where: str = "RECORD") -> Record:
        """Return the rows of a RECORD file; raise InvalidWheelError when it is not UTF-8 or not CSV."""
        try:
            text = data.decode().removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise InvalidWheelError(f"byte {error.start} is not UTF-8", where=where) from error
        lines = _lines(text)
        if '"' not in text and text.count("\r") == text.count("\r\n") and max(map(len, lines), default=0) < _LONGEST:
            return cls(where, tuple(_plain_rows(lines)))
        import csv

        rows = []
        reader = csv.reader(lines, strict=True)
        start = 0
        try:
            for fields in reader:
                end = reader.line_num
                raw = lines[start] if end == start + 1 else "".join(lines[start:end])
                columns = len(fields)
                path, digest, size = fields if columns == _COLUMNS else (*fields, "", "", "")[:_COLUMNS]
                rows.append(Row(path, digest, size, columns, raw, start + 1))
                start = end
        except csv.Error as error:
            raise InvalidWheelError(f"line {start + 1} is not CSV: {error}", where=where) from error
        return cls(where, tuple(rows))

    @property
    def signatures(self) -> tuple[str, ...]:
        """The names that signatures of this file would have."""
        return signatures(self.where)

    def paths(self) -> frozenset[str]:
        """Return every path that has a row."""
        return frozenset(row.path for row in self.rows if row.columns)

    def edited(
        self,
        removed: Collection[str],
        changed: Mapping[str, tuple[bytes, int]],
        renamed: Callable[[str], str] | None = None,
    ) -> bytes:
        """Return the file without the rows of `removed`, and with new rows for `changed`.

        changed: for each name the sha256 digest and the size in bytes. Rows of names that are listed already stay in
            their place; new ones stand sorted before RECORD's own row. Signatures lose their rows; a name that is
            listed twice keeps its first one.
        renamed: gives each path, RECORD's own too, the name it has from now on; `removed` and `changed` speak of those.
        """
        if renamed is not None:
            return self._renamed(renamed).edited(removed, changed)
        newline = next((ending for row in self.rows for ending in ("\r\n", "\n") if row.raw.endswith(ending)), "\n")
        dropped = {*removed, *self.signatures}
        before: list[str] = []
        after: list[str] = []
        own = ""
        seen: set[str] = set()
        for row in self.rows:
            if not row.columns or row.path in dropped or row.path in seen:
                continue
            seen.add(row.path)
            text = row.raw if row.raw.endswith("\n") else row.raw + newline
            if row.path == self.where:
                own = text if not row.digest and not row.size and row.columns == _COLUMNS else ""
                own = own or format_row(row.path, None, newline)
            elif row.path in changed:
                (after if own else before).append(format_row(row.path, changed[row.path], newline))
            else:
                (after if own else before).append(text)
        new = [format_row(name, changed[name], newline) for name in sorted(changed) if name not in seen]
        own = own or format_row(self.where, None, newline)
        return "".join([*before, *new, own, *after]).encode()

    def _renamed(self, renamed: Callable[[str], str]) -> Record:
        """Return the same rows for other paths; a row whose path stays keeps its bytes."""
        rows = []
        for row in self.rows:
            path = renamed(row.path) if row.columns else row.path
            if path != row.path:
                ending = row.raw[len(row.raw.rstrip("\r\n")) :]
                raw = f"{_quoted(path)},{row.digest},{row.size}{ending}"
                rows.append(row._replace(path=path, raw=raw))
            else:
                rows.append(row)
        return Record(renamed(self.where), tuple(rows))


def signatures(where: str) -> tuple[str, ...]:
    """Return the names that signatures of the RECORD with this name would have."""
    return tuple(where + suffix for suffix in SIGNATURES)


def format_row(path: str, content: tuple[bytes, int] | None, newline: str) -> str:
    """Return one row with its line ending; `content` is a sha256 digest and a size, None for RECORD itself."""
    if content is None:
        return f"{_quoted(path)},,{newline}"
    digest, size = content
    value = urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return f"{_quoted(path)},sha256={value},{size}{newline}"


def _quoted(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if any(character in path for character in ',"\r\n') else path


def _plain_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of lines in which no field is quoted, as nearly every RECORD is: as csv would, and quicker."""
    new = tuple.__new__
    for number, raw in enumerate(lines, 1):
        body = raw.removesuffix("\n").removesuffix("\r")
        fields = body.split(",")
        columns = len(fields) if body else 0
        path, digest, size = fields if columns == _COLUMNS else (*fields, "", "", "")[:_COLUMNS]
        yield new(Row, (path, digest, size, columns, raw, number))


def _lines(text: str) -> list[str]:
    """Return the lines with their endings; only a line feed ends one, as in the csv module's own view of a file."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])
