"""Libraries that the user says something else than the wheel provides: what is proved of a wheel rests on them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule

if TYPE_CHECKING:
    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis


def given_libraries(linux: Analysis, macos: MachoAnalysis) -> tuple[str, ...]:
    """Return the needed names that were not looked for because the user excludes them, sorted."""
    found = {edge.dependency.name for edge in linux.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    found |= {edge.dependency.name for edge in macos.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    return tuple(sorted(found))


def unused_excludes(linux: Analysis, macos: MachoAnalysis) -> tuple[str, ...]:
    """Return the patterns that fit nothing the wheel needs, in their order; none of a wheel that needs nothing."""
    unused = [analysis.unused_excludes for analysis in (linux, macos) if any(analysis.graph.members())]
    return tuple(pattern for pattern in unused[0] if all(pattern in each for each in unused)) if unused else ()


def remarks(given: tuple[str, ...], unused: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to say of libraries that were taken as given, and of patterns that fitted none."""
    told = [f"taken as given, so something else must provide it: {', '.join(given)}"] if given else []
    told += [f"no needed library matches --exclude {pattern!r}" for pattern in unused]
    return tuple(told)
