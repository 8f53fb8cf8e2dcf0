"""The pages and documents of a package index: written, and read back, whoever wrote them.

HTML follows PEP 503 with `data-requires-python`, `data-yanked` (PEP 592), `data-core-metadata` and its older name
(PEP 658, 714); JSON follows PEP 691 with the sizes and versions of PEP 700.
"""

from __future__ import annotations

import json
import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from truewheel.archive.names import SUFFIX
from truewheel.batch.index_entry import Entry
from truewheel.errors import InvalidInputError
from truewheel.given_files import read_given
from truewheel.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_PAGE, _DOCUMENT = "index.html", "index.json"
_OURS = {
    "filename",
    "url",
    "hashes",
    "requires-python",
    "size",
    "core-metadata",
    "data-dist-info-metadata",
    "dist-info-metadata",
    "yanked",
}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "filename": (str,),
    "url": (str,),
    "hashes": (dict,),
    "requires-python": (str, type(None)),
    "size": (int, type(None)),
    "yanked": (bool, str),
}
_HEAD = """<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="{version}">
    <title>{title}</title>
  </head>
  <body>
    <h1>{title}</h1>
"""
_TAIL = "  </body>\n</html>\n"


def project_page(name: str, entries: Sequence[Entry]) -> bytes:
    """Return the HTML page of a project."""
    lines = [f"    <a {_attributes(entry)}>{escape(entry.filename)}</a><br>\n" for entry in entries]
    head = _HEAD.format(title=escape(f"Links for {name}"), version=_version(entries))
    return (head + "".join(lines) + _TAIL).encode()


def root_page(projects: Iterable[str]) -> bytes:
    """Return the HTML page that lists the projects."""
    lines = [f'    <a href="{escape(name)}/">{escape(name)}</a><br>\n' for name in projects]
    return (_HEAD.format(title="Simple index", version="1.1") + "".join(lines) + _TAIL).encode()


def project_json(name: str, entries: Sequence[Entry], rest: Mapping[str, Any]) -> bytes:
    """Return the JSON document of a project. rest: what other tools wrote beside the files."""
    document = {
        **rest,
        "meta": {**rest.get("meta", {}), "api-version": _version(entries)},
        "name": name,
        "versions": _versions(entries),
        "files": [_fields(entry) for entry in entries],
    }
    return f"{json.dumps(document, indent=2)}\n".encode()


def root_json(projects: Iterable[str]) -> bytes:
    """Return the JSON document that lists the projects."""
    document = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in projects]}
    return f"{json.dumps(document, indent=2)}\n".encode()


def _version(entries: Iterable[Entry]) -> str:
    """Return the version of the interface: 1.1 demands the size of every file."""
    return "1.0" if any(entry.size is None for entry in entries) else "1.1"


def _versions(entries: Iterable[Entry]) -> list[str]:
    from packaging.version import InvalidVersion, Version

    def key(text: str) -> tuple[bool, Any, str]:
        try:
            return True, Version(text), text
        except InvalidVersion:
            return False, text, text

    found = {entry.filename.split("-")[1] for entry in entries if entry.filename.endswith(SUFFIX)}
    found |= {match[1] for entry in entries if (match := _SDIST.fullmatch(entry.filename))}
    return sorted(found, key=key)


_SDIST = re.compile(r".+-([0-9][^-]*)\.(?:tar\.gz|zip)")


def _attributes(entry: Entry) -> str:
    digest = next((f"#{name}={value}" for name, value in sorted(entry.hashes.items(), key=_sha256_first)), "")
    pairs = [("href", entry.url + digest)]
    if entry.requires_python is not None:
        pairs.append(("data-requires-python", entry.requires_python))
    if entry.metadata:
        pairs += [(name, _digest(entry)) for name in ("data-core-metadata", "data-dist-info-metadata")]
    if entry.yanked is not False:
        pairs.append(("data-yanked", "" if entry.yanked is True else entry.yanked))
    return " ".join(f'{name}="{escape(value)}"' for name, value in pairs)


def _sha256_first(item: tuple[str, str]) -> tuple[bool, str]:
    return item[0] != "sha256", item[0]


def _digest(entry: Entry) -> str:
    """Return what the attributes about metadata say: a digest, or that there is some."""
    digests = {} if isinstance(entry.metadata, bool) else entry.metadata
    return next((f"{name}={value}" for name, value in sorted(digests.items(), key=_sha256_first)), "true")


def _fields(entry: Entry) -> dict[str, Any]:
    metadata = entry.metadata if isinstance(entry.metadata, bool) else dict(entry.metadata)
    fields: dict[str, Any] = {"filename": entry.filename, "url": entry.url, "hashes": dict(entry.hashes)}
    if entry.requires_python is not None:
        fields["requires-python"] = entry.requires_python
    if entry.size is not None:
        fields["size"] = entry.size
    # The older key is left out: some releases of pip fail on a digest under it (PEP 714).
    fields |= {"core-metadata": metadata, "yanked": entry.yanked}
    return {**fields, **entry.extra}


def read_project(folder: Path) -> tuple[list[Entry], dict[str, Any]]:
    """Return what the index has of a project, by its document, else by its page; nothing when it has neither.

    Beside the entries, all that the document has beside the files. Raises InvalidInputError for what is no such page.
    """
    document, page = folder / _DOCUMENT, folder / _PAGE
    if document.exists():
        try:
            data = parse_json(read_given(document))
            rest = {name: value for name, value in data.items() if name != "files"}
            _demand(rest.get("meta", {}), dict)
            return [_from_fields(fields) for fields in data["files"]], rest
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = "is no document of a package index"
            raise InvalidInputError(what, where=str(document), hint="mend or remove it") from error
    if page.exists():
        return [entry for link in _links(page) if (entry := _from_link(*link))], {}
    return [], {}


def read_projects(root: Path) -> list[str]:
    """Return the names of the projects that the index lists."""
    document, page = root / _DOCUMENT, root / _PAGE
    if document.exists():
        try:
            return [str(item["name"]) for item in parse_json(read_given(document))["projects"]]
        except (ValueError, TypeError, KeyError) as error:
            what = "is no document of a package index"
            raise InvalidInputError(what, where=str(document), hint="mend or remove it") from error
    if page.exists():
        from packaging.utils import canonicalize_name

        return [canonicalize_name(text) for _, text in _links(page) if text]
    return []


def _from_fields(fields: Mapping[str, Any]) -> Entry:
    metadata = fields.get("core-metadata", fields.get("data-dist-info-metadata", fields.get("dist-info-metadata")))
    for name, kinds in _KINDS.items():
        if name in fields:
            _demand(fields[name], *kinds)
    return Entry(
        filename=fields["filename"],
        url=fields["url"],
        hashes=dict(fields["hashes"]),
        requires_python=fields.get("requires-python"),
        size=fields.get("size"),
        metadata=metadata or False,
        yanked=fields.get("yanked", False),
        extra={name: value for name, value in fields.items() if name not in _OURS},
    )


def _demand(value: object, *kinds: type) -> None:
    if type(value) not in kinds:
        raise TypeError(value)


def _from_link(attributes: Mapping[str, str | None], text: str) -> Entry | None:
    """Return the entry of an anchor; None for one that leads nowhere."""
    href = urlsplit(attributes.get("href") or "")
    filename = text or unquote(href.path.rpartition("/")[2])
    if not filename:
        return None
    told = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    name, _, value = (told or "").partition("=")
    yanked: str | bool = (attributes["data-yanked"] or True) if "data-yanked" in attributes else False
    return Entry(
        filename=filename,
        url=href._replace(fragment="").geturl(),
        hashes=dict([href.fragment.split("=", 1)]) if "=" in href.fragment else {},
        requires_python=attributes.get("data-requires-python"),
        metadata={name: value} if value else told is not None,
        yanked=yanked,
    )


def _links(page: Path) -> list[tuple[dict[str, str | None], str]]:
    """Return the anchors of a page, each with its attributes and its text."""
    reader = _Anchors()
    reader.feed(read_given(page).decode("utf-8", "replace"))
    reader.close()
    return [(attributes, "".join(texts).strip()) for attributes, texts in reader.found]


class _Anchors(HTMLParser):
    """Collects anchors: their attributes, and the pieces of their text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], list[str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append((dict(attrs), []))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1][1].append(data)
