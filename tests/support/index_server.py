"""A package index over HTTP on this machine, which notes what it was asked for."""

from __future__ import annotations

import contextlib
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = "application/vnd.pypi.simple.v1+json"


class Asked(NamedTuple):
    """One request. kind: of what was answered."""

    method: str
    path: str
    kind: str


class Served(NamedTuple):
    """A running server. url: of the index."""

    url: str
    asked: list[Asked]

    def files(self) -> set[str]:
        """Return the names of the files that were asked for, pages left out; all requests are forgotten."""
        names = {asked.path.rpartition("/")[2] for asked in self.asked} - {""}
        self.asked.clear()
        return names


@contextlib.contextmanager
def serving(folder: Path, *, documents: bool) -> Iterator[Served]:
    """Serve a folder. documents: give clients that prefer JSON the documents, as a server that knows them does."""
    asked: list[Asked] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def send_head(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- the library's
            prefers = documents and self.headers.get("Accept", "").startswith(JSON)
            if prefers and self.path.endswith("/") and (Path(self.translate_path(self.path)) / "index.json").is_file():
                self.path += "index.json"
            return super().send_head()

        def guess_type(self, path: str) -> str:  # type: ignore[override]
            return JSON if documents and path.endswith("index.json") else super().guess_type(path)

        def log_request(self, *_: object) -> None:
            kind = "json" if self.path.endswith("index.json") else "html" if self.path.endswith("/") else "file"
            asked.append(Asked(self.command, unquote(self.path).removesuffix("index.json"), kind))

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{server.server_port}/", asked)
        finally:
            server.shutdown()
            thread.join()
