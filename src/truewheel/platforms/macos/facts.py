"""The facts behind macOS tags, loaded from `data/macos.toml`, which names their sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA = Path(__file__).parents[1] / "data" / "macos.toml"

SystemVersion = tuple[int, int]
"""Major and minor version of an operating system, as in a tag."""


class Family(NamedTuple):
    """A name that stands for one or several architectures in a tag.

    oldest: the oldest version that an installer looks for in a tag of that name.
    preferred: whether it is used unless asked for; every installer of today takes such names.
    """

    name: str
    architectures: tuple[str, ...]
    oldest: SystemVersion
    preferred: bool


class MacFacts(NamedTuple):
    """All facts of the data file.

    floors: by architecture that a tag knows, the oldest macOS it runs on; `arm64` and `x86_64` first.
    families: by name.
    first_without_minor: the first major version whose tags always have the minor version 0.
    same_as_first: what that version is called by an interpreter that does not know it.
    ios_sdks: by the last part of an iOS tag, the platform of a slice that it means.
    ios_oldest: the oldest iOS that a tag is ever asked for.
    first_simulator: by architecture, the first iOS that the simulator has on it, where that is a later one.
    one_rpath: by platform of a slice, the SDK from which on dyld refuses a search path that stands twice.
    runtimes: by file name up to the first dot or dash, what the library is, for libraries that must not be twice in
        one process.
    """

    floors: Mapping[str, SystemVersion]
    families: Mapping[str, Family]
    first_without_minor: int
    same_as_first: SystemVersion
    ios_sdks: Mapping[str, str]
    ios_oldest: SystemVersion
    first_simulator: Mapping[str, SystemVersion]
    one_rpath: Mapping[str, SystemVersion]
    runtimes: Mapping[str, str]


@cache
def mac_facts() -> MacFacts:
    """Return the facts."""
    table = parse_toml(_DATA.read_text(encoding="utf-8"))
    return MacFacts(
        floors={name: _version(text) for name, text in table["floors"].items()},
        families={
            name: Family(name, tuple(item["architectures"]), _version(item["oldest"]), item["preferred"])
            for name, item in table["families"].items()
        },
        first_without_minor=table["tags"]["first_without_minor"],
        same_as_first=_version(table["tags"]["same_as_first"]),
        ios_sdks=table["ios"]["sdks"],
        ios_oldest=_version(table["ios"]["oldest"]),
        first_simulator={name: _version(text) for name, text in table["ios"]["first_simulator"].items()},
        one_rpath={name: _version(text) for name, text in table["one_rpath"].items()},
        runtimes={stem: kind for kind, stems in table["runtimes"].items() for stem in stems},
    )


def _version(text: str) -> SystemVersion:
    major, minor = text.split(".")
    return int(major), int(minor)
