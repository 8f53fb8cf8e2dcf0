"""The answer to `why`: the chain of files that brings a library or a symbol in, or the facts that forbid a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.search_options import require_used_excludes
from truewheel.platforms.systems import System, systems_of

if TYPE_CHECKING:
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.reader import WheelReader
    from truewheel.explain.model import Explanation


def explain(
    reader: WheelReader, subject: str | None, search: SearchOptions | None = None, *, jobs: int = 1
) -> Explanation:
    """Explain a platform tag, a library or a symbol; without a subject, what keeps the wheel from older systems.

    search: where libraries are looked for. jobs: how many threads work at once.

    Raises UsageError when the subject has nothing to do with the wheel, or when the wheel has no native file.
    """
    systems = systems_of(reader.name.platform)
    if not systems & {System.MACOS, System.IOS}:
        from truewheel.analyzer.elf.analyze import analyze
        from truewheel.explain.linux import explain_linux
        from truewheel.platforms.linux.judge import judge

        analysis = analyze(reader, search, jobs=jobs)
        require_used_excludes(analysis)
        if System.ANY not in systems or any(analysis.graph.members()):
            return explain_linux(reader, analysis, judge(analysis), subject)
    from truewheel.analyzer.macho.analyze import analyze_macho
    from truewheel.explain.macos import explain_macos

    macho = analyze_macho(reader, search, jobs=jobs)
    require_used_excludes(macho)
    return explain_macos(reader.path.name, macho, subject)
