"""Which copies of libraries come along, and what each is called.

A library is known by its content: files with one content share one copy, and two contents never share a name.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.system_names import name_stems
from truewheel.bundler.digests import file_digests
from truewheel.bundler.naming import bundled_name, distinct_name, short_name
from truewheel.bundler.placement import asked_for
from truewheel.bundler.plan import LibraryCopy
from truewheel.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from truewheel.archive.layout import Scheme
    from truewheel.bundler.placement import Cargo, Placement


def library_copies(
    cargo: Cargo, placement: Placement, no_mangle: tuple[str, ...], present: Collection[str], *, jobs: int
) -> dict[tuple[Scheme, str], LibraryCopy]:
    """Return the copy that serves each scheme for each library that its members reach.

    no_mangle: patterns of libraries that keep their names. present: the names of the wheel's own members.
    jobs: threads that read libraries.

    Raises RefusedError when a library that keeps its name would take another file's place, UsageError for a pattern
    that fits nothing, and InvalidInputError for a library that cannot be read.
    """
    pairs = [(scheme, name) for scheme, names in placement.needs.items() for name in names]
    digests = file_digests({name for _, name in pairs}, jobs)
    kept = _kept_names(cargo, frozenset(digests), no_mangle)
    taken: dict[str, str] = dict.fromkeys(present, "")
    shared: dict[tuple[Scheme, str, str | None], LibraryCopy] = {}
    copies: dict[tuple[Scheme, str], LibraryCopy] = {}
    # What keeps its name comes first: the others can make room, and a file of the same content can share it.
    for scheme, name in sorted(pairs, key=lambda pair: pair[1] not in kept):
        called, digest, keeps = cargo.called[name], digests[name], kept.get(name)
        copy = shared.get((scheme, digest, keeps))
        if copy is None:
            base = short_name(called) if name in cargo.short else called
            names = (keeps,) if keeps else (bundled_name(base, digest), distinct_name(base, digest))
            members = [placement.library_member(scheme, each) for each in names]
            member = next((each for each in members if taken.get(each, digest) == digest), None)
            if member is None:
                raise _no_room(name, members[0], taken[members[0]], keeps)
            taken[member] = digest
            size = cargo.graph.nodes[name].size
            copy = LibraryCopy(name, called, member, digest, size, cargo.build_ids.get(name))
            shared[scheme, digest, keeps] = copy
            shared.setdefault((scheme, digest, None), copy)
        copies[scheme, name] = copy
    return {pair: copies[pair] for pair in pairs}


def _no_room(name: str, member: str, holder: str, kept: str | None) -> RefusedError:
    """Return the refusal of a library whose place is taken. holder: the digest of who has it, empty for a member."""
    other = "another library" if holder else "a file of the wheel"
    hint = "let it be renamed: leave it out of --no-mangle" if kept else "choose another folder with --lib-sdir"
    return RefusedError(f"would be bundled as {member}, and so would {other}", where=name, hint=hint)


def _kept_names(cargo: Cargo, libraries: frozenset[str], no_mangle: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the libraries that are not renamed.

    These are what no tool rewrites; what is loaded by name at run time, where no dependency could be rewritten; and
    what the user names.
    """
    kept = {name: fixed for name, fixed in cargo.fixed.items() if name in libraries}
    for name in asked_for(cargo, libraries):
        kept.setdefault(name, cargo.called[name])
    texts = _texts(cargo)
    for pattern in no_mangle:
        hits = [name for name, known in texts.items() if any(fnmatchcase(text, pattern) for text in known)]
        # A library that an earlier repair brought in is one of the wheel's own files now, under the name it kept.
        if not any(name in libraries or cargo.graph.nodes[name].in_wheel for name in hits):
            raise UsageError(f"no bundled library matches {pattern!r}", where="--no-mangle")
        for name in hits:
            if name in libraries:
                kept.setdefault(name, cargo.called[name])
    return kept


def _texts(cargo: Cargo) -> dict[str, set[str]]:
    """Return by node what a pattern may fit: its name, each name it is needed by, and the paths it is known under."""
    texts = {name: {name, *name_stems(cargo.called[name])} for name in cargo.graph.nodes}
    for edge in cargo.graph.all_edges():
        if edge.lookup.found is not None:
            leaf = PurePosixPath(edge.dependency.name).name
            texts[edge.lookup.found].update((edge.dependency.name, *name_stems(leaf)))
            texts[edge.lookup.found].update(attempt.place for attempt in edge.lookup.attempts[-1:])
    return texts
