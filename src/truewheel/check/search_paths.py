"""Rules about where files of machine code tell the loader to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject


def _outside(subject: Subject) -> Iterator[Found]:
    """Yield search paths that lead out of the installed packages, such as to the build's machine."""
    from truewheel.platforms.linux.remarks import stray_paths
    from truewheel.platforms.macos.remarks import stray_rpaths

    if subject.evidence is None:
        return
    for sentence in (*stray_paths(subject.evidence.linux), *stray_rpaths(subject.evidence.macos)):
        yield Found(sentence, "link without it, or `truewheel repair`")


def _twice(subject: Subject) -> Iterator[Found]:
    """Yield LC_RPATH entries that stand twice in one slice; only for a newer SDK does dyld refuse to load it."""
    from truewheel.platforms.macos.repeated import repeated_rpaths

    if subject.evidence is None:
        return
    for node in subject.evidence.macos.graph.members():
        for path, is_refused in repeated_rpaths(node.file).items():
            problem = f"the LC_RPATH {path} stands twice, for which macOS 15.4 and later refuses "
            problem += "to load the file" if is_refused else "files that are linked with the SDK of macOS 15 or later"
            severity = Severity.ERROR if is_refused else Severity.WARNING
            yield Found(problem, "link with it once: install_name_tool -delete_rpath", node.name, severity=severity)


RULES = (
    Rule("search-path", Severity.WARNING, "a search path leads out of the wheel", _outside),
    Rule("repeated-rpath", Severity.ERROR, "an LC_RPATH entry stands twice in one slice", _twice),
)
