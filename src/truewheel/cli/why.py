"""`truewheel why`: one explanation, as text or JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from truewheel.archive.reader import WheelReader
from truewheel.cli.each import for_each, search_from
from truewheel.cli.output import say, say_json, style
from truewheel.explain import explain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.errors import ExitCode
    from truewheel.explain.model import Explanation


def explain_wheel(options: Mapping[str, Any]) -> ExitCode:
    """Explain what the command asks about one wheel."""
    search = search_from(options)

    def look(wheel: Path) -> Explanation:
        with WheelReader.open(wheel) as reader:
            return explain(reader, options["subject"], search, jobs=options["jobs"])

    _, code = for_each([options["wheel"]], look, _print_json if options["as_json"] else _print)
    return code


def _print_json(answer: Explanation) -> None:
    say_json(asdict(answer))


def _print(answer: Explanation) -> None:
    say(style(answer.headline, bold=True))
    for finding in answer.findings:
        say(f"  {finding.text}")
        for detail in finding.details:
            say(f"    {detail}")
