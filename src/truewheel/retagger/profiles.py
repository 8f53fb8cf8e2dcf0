"""Named families of interpreters and generations of installers, and the further names that a wheel needs for them.

The facts are in `data/profiles.toml`, which names their sources; a user's own file of the same form adds to them. The
names that a profile gives follow from what a wheel is called already, or are exact; whether an exact one is true of the
wheel is judged elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.errors import UsageError
from truewheel.given_files import read_given
from truewheel.retagger.axes import Axis
from truewheel.retagger.known_tags import complaint
from truewheel.retagger.tags import spellings
from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.platforms.macos.facts import SystemVersion

_DATA = Path(__file__).parent / "data" / "profiles.toml"
_VERSION = re.compile(r"(\d+)\.(\d+)")
_WITH_VERSION = re.compile(r"(.+)-(\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Profile:
    """What one profile adds to the platform tags of a wheel.

    names: exact names; `{version}` in them is filled in already. Whoever asks for the profile wants all of them.
    also: exact names that are added where they are true.
    families, universal2_11, macos_10_16, legacy_aliases: as in the data file; what they add says nothing new.
    """

    name: str
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    universal2_11: bool = False
    macos_10_16: bool = False
    legacy_aliases: bool = False

    def implied(self, platforms: Iterable[str]) -> tuple[str, ...]:
        """Return the further names that say no more than these platform tags do, without those that are there."""
        present = dict.fromkeys(platforms)
        more = [tag for tag in present for tag in spellings(tag)] if self.legacy_aliases else []
        if any(tag.startswith("macosx_") for tag in present):
            more += self._of_macs(present)
        return tuple(tag for tag in dict.fromkeys(more) if tag not in present)

    def _of_macs(self, platforms: Iterable[str]) -> list[str]:
        from truewheel.platforms.macos.facts import mac_facts
        from truewheel.retagger.macos_tags import MacTag, coverage, parse_mac_tag, widest

        tags = [tag for text in platforms if (tag := parse_mac_tag(text))]
        minima = {name: (*version, 0) for name, version in coverage(tags).items()}
        more = [tag for family in self.families if (tag := widest(family, minima))]
        first: SystemVersion = (mac_facts().first_without_minor, 0)
        if self.universal2_11 and any(tag.family == "universal2" and tag.version < first for tag in tags):
            more.append(MacTag(first, "universal2"))
        if self.macos_10_16 and minima.get("x86_64") == (*first, 0):
            old = mac_facts().same_as_first
            newest = [tag for tag in (*tags, *more) if tag.version == first and "x86_64" in tag.architectures]
            more += [MacTag(old, tag.family) for tag in newest]
        return [str(tag) for tag in more]


def profiles(names: Iterable[str], extra: Path | None = None) -> tuple[Profile, ...]:
    """Return the profiles of those names, `NAME` or `NAME-VERSION`; those of the file `extra` come first.

    Raises UsageError when there is none of a name, when one has names that no installer looks for, and when the file,
    asked for or not, is none of profiles.
    """
    own = _tables(extra, str(extra)) if extra else {}
    names = tuple(names)
    if not names:
        return ()
    tables = {**_tables(_DATA, "the data"), **own}
    return tuple(_named(name, tables) for name in names)


def _named(name: str, tables: Mapping[str, Any]) -> Profile:
    key, version = name, ""
    match = _WITH_VERSION.fullmatch(name)
    if name not in tables and match and "version" in tables.get(match[1], {}):
        key, version = match[1], match[2]
    found = _made(name, key, tables, version)
    for tag in (*found.names, *found.also):
        if wrong := complaint(Axis.PLATFORM, tag):
            raise UsageError(f"{tag} {wrong.what}", where=f"--for {name}", hint=wrong.hint)
    return found


def _made(name: str, key: str, tables: Mapping[str, Any], version: str = "", above: tuple[str, ...] = ()) -> Profile:
    """Return the profile `key` of `tables` under a name. above: the profiles that name it in their `also`."""
    if key not in tables or key in above:
        hint = f"there are {', '.join(tables)}; some take a version of macOS: apple-10.10"
        what = f"the profile {key!r} names itself" if key in above else f"there is no profile {key!r}"
        raise UsageError(what, where="--for", hint="" if key in above else hint)
    table = tables[key]
    chosen = version or table.get("version", "")
    match = _VERSION.fullmatch(chosen)
    numbers = f"{match[1]}_{match[2]}" if match else ""
    others = [_made(other, other, tables, above=(*above, key)) for other in table.get("also", ())]
    return Profile(
        name,
        names=tuple(text.replace("{version}", numbers) for text in table.get("names", ())),
        also=tuple(dict.fromkeys(tag for other in others for tag in (*other.names, *other.also))),
        families=tuple(table.get("families", ())),
        universal2_11=table.get("universal2_11", False),
        macos_10_16=table.get("macos_10_16", False),
        legacy_aliases=table.get("legacy_aliases", False),
    )


_KINDS: Mapping[str, type] = {
    "names": list,
    "also": list,
    "families": list,
    "version": str,
    "universal2_11": bool,
    "macos_10_16": bool,
    "legacy_aliases": bool,
}


def _tables(path: Path, where: str) -> dict[str, Any]:
    """Return the tables of a file of profiles; raise UsageError when it is none."""
    try:
        whole = parse_toml(read_given(path).decode())
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=where) from error
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are both
        raise UsageError(f"is not TOML: {error}", where=where) from error
    tables = whole.get("profiles", {})
    if not isinstance(tables, dict) or whole.keys() - {"profiles"}:
        raise UsageError("is no file of profiles", where=where, hint="each is a table `[profiles.NAME]`")
    for name, table in tables.items():
        _check(name, table, where, path)
    return tables


def _require_families(families: Iterable[str], place: str) -> None:
    """Raise UsageError for an architecture, or a name for several, that no tag for macOS has."""
    from truewheel.platforms.macos.facts import mac_facts

    known = mac_facts().families
    unknown = next((family for family in families if family not in known), None)
    if unknown is not None:
        hint = f"one of {', '.join(known)}"
        raise UsageError(f"families has {unknown!r}, which no tag for macOS ends with", where=place, hint=hint)


def _check(name: str, table: object, where: str, path: Path) -> None:
    """Raise UsageError for a profile with a field that has no meaning, or of the wrong kind."""
    place = f"{where}, [profiles.{name}]"
    if not isinstance(table, dict):
        raise UsageError("is not a table", where=place)
    for key, value in table.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise UsageError(f"{key!r} has no meaning", where=place, hint=f"one of {', '.join(_KINDS)}")
        if type(value) is not kind or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
            wanted = {list: "a list of strings", str: "a string", bool: "true or false"}[kind]
            raise UsageError(f"{key} is not {wanted}", where=place)
    if path != _DATA and "families" in table:
        _require_families(table["families"], place)
    if "version" in table and not _VERSION.fullmatch(table["version"]):
        raise UsageError(f"version {table['version']!r} is no version of macOS", where=place, hint='such as "10.9"')
