"""Write the policy facts of `truewheel.platforms` anew from the published policy files of auditwheel.

The result depends only on those files: each symbol version, library and forbidden symbol is written once, under the
policy where its answer changes, in a fixed order. Run it after the `auditwheel` pin of the test group was raised:

    python3 scripts/update_policies.py            # writes; git shows what changed
    python3 scripts/update_policies.py --check    # only says whether the committed files are up to date
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Published = dict[str, Any]
"""One policy as published: name, aliases, priority, symbol_versions, lib_whitelist, blacklist."""

DATA = Path(__file__).resolve().parent.parent / "src" / "truewheel" / "platforms" / "data"

LINE_WIDTH = 110

SPECIFICATIONS = {
    "manylinux": "PEP 513, 571, 599 and 600; the facts of each policy are what is common to the distributions with "
    "that glibc, as surveyed by pep600_compliance",
    "musllinux": "PEP 656",
}


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description="write the policy facts anew from auditwheel's published files")
    parser.add_argument("source", nargs="?", type=Path, help="folder of *-policy.json; the installed auditwheel's")
    parser.add_argument("--source-version", help="what to call that source; the installed auditwheel's version")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file would change")
    options = parser.parse_args()
    source = options.source or installed_policies()
    named = options.source_version or version("auditwheel")
    files = generate(source, named)
    changed = [name for name, text in files.items() if current(name) != text]
    for name in changed:
        print(f"{'would change' if options.check else 'wrote'} {name}")
        if not options.check:
            (DATA / name).parent.mkdir(parents=True, exist_ok=True)
            (DATA / name).write_text(files[name], encoding="utf-8")
    print(f"{len(files) - len(changed)} of {len(files)} files are up to date")
    return int(options.check and bool(changed))


def installed_policies() -> Path:
    """Return the folder of the installed auditwheel's policy files."""
    spec = find_spec("auditwheel.policy")
    if spec is None or spec.origin is None:
        sys.exit("auditwheel is not installed; install the test dependencies or name a folder")
    return Path(spec.origin).parent


def current(name: str) -> str | None:
    """Return the committed text of a data file."""
    path = DATA / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


def generate(source: Path, source_version: str) -> dict[str, str]:
    """Return the text of every generated file by its name under the data folder."""
    files: dict[str, str] = {}
    for family in ("manylinux", "musllinux"):
        policies = read_policies(source / f"{family}-policy.json")
        head = header(family, source_version)
        files[f"{family}.toml"] = head + family_text(policies, f"auditwheel-{source_version}")
        for architecture in architectures(policies):
            text = symbols_text(policies, architecture)
            if text:
                files[f"{family}/{architecture}.toml"] = head + text
    return files


def read_policies(path: Path) -> list[Published]:
    """Return the policies of one file, oldest first, without the one that promises nothing."""
    published: list[Published] = json.loads(path.read_text(encoding="utf-8"))
    policies = [policy for policy in published if policy["name"] != "linux"]
    policies.sort(key=lambda policy: -policy["priority"])
    check_promises_only_grow(policies)
    return policies


def check_promises_only_grow(policies: Sequence[Published]) -> None:
    """Stop when a newer policy allows less than an older one: our files could not say that."""
    for older, newer in pairwise(policies):
        complaints = [f"library {name}" for name in set(older["lib_whitelist"]) - set(newer["lib_whitelist"])]
        complaints += [f"forbids {item}" for item in forbidden(newer) - forbidden(older)]
        for architecture in older["symbol_versions"]:
            if architecture in newer["symbol_versions"]:
                lost = versions(older, architecture) - versions(newer, architecture)
                complaints += [f"{architecture} {item}" for item in lost]
        if complaints:
            sys.exit(f"{newer['name']} allows less than {older['name']}: {sorted(complaints)}")


def forbidden(policy: Published) -> set[tuple[str, str]]:
    """Return the (library, symbol) pairs that a policy forbids."""
    return {(library, symbol) for library, symbols in policy["blacklist"].items() for symbol in symbols}


def versions(policy: Published, architecture: str) -> set[tuple[str, str]]:
    """Return the (prefix, version) pairs that a policy allows."""
    table = policy["symbol_versions"].get(architecture, {})
    return {(prefix, item) for prefix, items in table.items() for item in items}


def architectures(policies: Iterable[Published]) -> list[str]:
    """Return every architecture that a policy is defined for, sorted."""
    return sorted({name for policy in policies for name in policy["symbol_versions"]})


def header(family: str, source_version: str) -> str:
    """Return the comment that every file begins with."""
    return (
        "# Generated by scripts/update_policies.py; change the source or the script, not this file.\n"
        f"# Facts: the {family} policy file published with auditwheel {source_version}.\n"
        f"# Promise: {SPECIFICATIONS[family]}.\n"
    )


def family_text(policies: Sequence[Published], data_version: str) -> str:
    """Return the file of the facts that hold for every architecture."""
    parts = [f"data_version = {quoted(data_version)}\n"]
    parts += [
        f"\n[policies.{policy['name']}]\n"
        + assignment("aliases", sorted(policy["aliases"]))
        + assignment("architectures", sorted(policy["symbol_versions"]))
        for policy in policies
    ]
    parts.append("\n# Libraries that every system of the promise has, under the oldest policy that allows them.\n")
    parts.append("[libraries]\n")
    known: set[str] = set()
    for policy in policies:
        if added := sorted(set(policy["lib_whitelist"]) - known):
            parts.append(assignment(policy["name"], added))
        known |= set(policy["lib_whitelist"])
    parts.append("\n# Symbols that not every such library has, under the newest policy that forbids them.\n")
    for library in sorted({name for policy in policies for name in policy["blacklist"]}):
        parts.append(f"[forbidden.{quoted(library)}]\n")
        parts += [assignment(name, symbols) for name, symbols in last_forbidden(policies, library).items()]
    return "".join(parts)


def last_forbidden(policies: Sequence[Published], library: str) -> dict[str, list[str]]:
    """Return the forbidden symbols of a library by the newest policy that forbids them."""
    result: dict[str, list[str]] = {}
    allowed_later: set[str] = set()
    for policy in reversed(policies):
        symbols = set(policy["blacklist"].get(library, ()))
        if newly := sorted(symbols - allowed_later):
            result[policy["name"]] = newly
        allowed_later |= symbols
    return dict(reversed(result.items()))


def symbols_text(policies: Sequence[Published], architecture: str) -> str:
    """Return the file of one architecture's symbol versions; empty when no policy names any."""
    parts = ["# Symbol versions, each under the oldest policy that allows it.\n"]
    known: set[tuple[str, str]] = set()
    for policy in policies:
        added = versions(policy, architecture) - known
        known |= added
        if added:
            parts.append(f"\n[{policy['name']}]\n")
            parts += [assignment(prefix, items) for prefix, items in by_prefix(added).items()]
    return "".join(parts) if known else ""


def by_prefix(pairs: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Group (prefix, version) pairs; prefixes and versions in natural order."""
    groups: dict[str, list[str]] = {}
    for prefix, item in sorted(pairs, key=lambda pair: (pair[0], natural(pair[1]))):
        groups.setdefault(prefix, []).append(item)
    return groups


def natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key under which 2.9 stands before 2.10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def assignment(key: str, items: Sequence[str]) -> str:
    """Return a TOML line that gives `key` a list of strings; folded when it is long."""
    words = [quoted(item) for item in items]
    line = f"{key} = [{', '.join(words)}]\n"
    if len(line) <= LINE_WIDTH:
        return line
    lines = [f"{key} = [\n"]
    row = " "
    for word in words:
        if len(row) + len(word) + 2 > LINE_WIDTH:
            lines.append(row + "\n")
            row = " "
        row += f" {word},"
    return "".join([*lines, row + "\n", "]\n"])


def quoted(text: str) -> str:
    """Return a TOML string; names of symbols and libraries need no escapes."""
    if not re.fullmatch(r"[\w.+-]+", text):
        sys.exit(f"{text!r} is not a name this script expects")
    return f'"{text}"'


if __name__ == "__main__":
    sys.exit(main())
