"""The journal of one batch: what is ready under a temporary name, and whether all of it is.

It lies with the temporary files in a hidden folder of the destination, named after the plan, so that a second run of
the same plan finds it. Each line is one JSON value. Until the line that commits the batch, whatever is there may be
thrown away; from then on the batch is finished by whoever finds the journal. A last line that was cut short is
ignored: it was never relied on.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from truewheel.archive.locks import lock
from truewheel.archive.staging import make_directory, remove_directories, sync_directory, writing
from truewheel.batch.files import write_file
from truewheel.errors import OutputError
from truewheel.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA = "truewheel.batch-journal/1"
_NAME = "journal.jsonl"
_PLAN = "plan.json"
_FOLDER = ".truewheel-batch-"
_COMMIT = "commit"


class Ready(NamedTuple):
    """One result under its temporary name: the number of its wheel, its file in the folder, its digest and size.

    notices: sentences for the user.
    """

    number: int
    file: str
    sha256: str
    size: int
    notices: tuple[str, ...] = ()


class Journal:
    """The open journal of one batch.

    folder: where the temporary files lie. ready: the results that are complete, by number. committed: whether all are.
    """

    def __init__(self, folder: Path, file: BinaryIO, lines: list[Any], made: tuple[Path, ...]) -> None:
        """Take over an open file with these lines; `made` are the folders that were made for it, outermost first."""
        self.folder = folder
        self._file = file
        self._made = made
        records = (_ready(line["ready"]) for line in lines if "ready" in line)
        self.ready = {record.number: record for record in records}
        self.committed = any(_COMMIT in line for line in lines)

    def note(self, record: Ready) -> None:
        """Write down that a result is complete. A line that a crash takes away costs only the making of it again."""
        self._write({"ready": record})
        self.ready[record.number] = record

    def commit(self, plan: Mapping[str, Any]) -> None:
        """Make it certain that all results are complete and may be published: from now on the batch is finished.

        plan: as JSON, for whoever finds the journal without it.
        """
        write_file(self.folder / _PLAN, json.dumps(plan).encode())
        sync_directory(self.folder)
        self._write({_COMMIT: True})
        with writing(self.folder):
            os.fsync(self._file.fileno())
        self.committed = True

    def forget_all_but(self, kept: set[str]) -> None:
        """Delete every file of the folder that is neither the journal, nor the plan, nor in `kept`."""
        with writing(self.folder):
            for path in sorted(self.folder.iterdir()):
                if path.name not in {_NAME, _PLAN, *kept}:
                    path.unlink()

    def remove(self) -> None:
        """Delete the journal and what is left in its folder."""
        self.forget_all_but(set())
        with writing(self.folder):
            # Without the plan, a journal that is committed tells that nothing is left to do.
            (self.folder / _PLAN).unlink(missing_ok=True)
            (self.folder / _NAME).unlink(missing_ok=True)
        remove_directories(self._made)
        with suppress(OSError):
            self.folder.rmdir()

    def _write(self, line: dict[str, Any]) -> None:
        with writing(self.folder):
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()


def folder_of(directory: Path, digest: str) -> Path:
    """Return the folder of the batch whose plan has this digest."""
    return directory / f"{_FOLDER}{digest[:16]}"


def is_committed(directory: Path, digest: str) -> bool:
    """Whether an earlier run of this plan had everything ready and was then interrupted."""
    try:
        content = (folder_of(directory, digest) / _NAME).read_bytes()
    except OSError:
        return False
    return any(_COMMIT in line for line in _lines(content, digest))


def interrupted(directory: Path) -> Iterator[object]:
    """Yield the plan, as JSON, of each batch that had everything ready and was then interrupted; remove finished ones.

    A plan that cannot be read is left alone: it can still be applied by whoever has it.
    """
    for folder in sorted(directory.glob(f"{_FOLDER}*")):
        with suppress(OSError):
            folder.rmdir()  # only one that is empty lets itself be removed
        with suppress(OSError, ValueError, KeyError, TypeError):
            digest = parse_json((folder / _NAME).read_bytes().partition(b"\n")[0])["plan"]
            if folder != folder_of(directory, digest) or not is_committed(directory, digest):
                continue
            if (folder / _PLAN).exists():
                yield parse_json((folder / _PLAN).read_bytes())
            else:
                with open_journal(directory, digest) as journal:
                    journal.remove()


@contextmanager
def open_journal(directory: Path, digest: str) -> Iterator[Journal]:
    """Open the journal of a batch, with what an earlier run left in it; make it, and its folder, when there is none.

    Raises OutputError when it cannot be written, and when another process works on the same batch.
    """
    folder = folder_of(directory, digest)
    with writing(folder):
        made = make_directory(folder)
        path = folder / _NAME
        file = path.open("a+b")
    with file:
        _lock(file, folder)
        with writing(folder):
            file.seek(0)
            content = file.read()
            lines = list(_lines(content, digest))
            if not lines:
                head = {"schema": SCHEMA, "plan": digest}
                file.truncate(0)
                file.write(json.dumps(head).encode() + b"\n")
            elif not content.endswith(b"\n"):
                file.write(b"\n")
            file.flush()
        yield Journal(folder, file, lines, made)


def _ready(fields: list[Any]) -> Ready:
    number, file, sha256, size, notices = fields
    return Ready(number, file, sha256, size, tuple(notices))


def _lines(content: bytes, digest: str) -> Iterator[Any]:
    """Yield the lines that can be read; none of the journal of something else."""
    for number, text in enumerate(content.splitlines()):
        try:
            line = parse_json(text)
        except ValueError:
            line = {}
        if number == 0 and line != {"schema": SCHEMA, "plan": digest}:
            return
        yield line


def _lock(file: BinaryIO, folder: Path) -> None:
    """Keep other processes out while the file is open, on systems that can; raise OutputError when one is in."""
    if lock(file.fileno()) is False:
        what, hint = "another process applies the same plan here", "wait for its end, then look"
        raise OutputError(what, where=str(folder.parent), hint=hint)
