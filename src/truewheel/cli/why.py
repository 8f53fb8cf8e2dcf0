"""`truewheel why`: one explanation, as text or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from truewheel.analyzer.analyze import analyze
from truewheel.archive.reader import WheelReader
from truewheel.cli.each import require_file, require_used_excludes, search_from
from truewheel.cli.format import printable
from truewheel.errors import ExitCode
from truewheel.explain import explain
from truewheel.platforms.judge import judge

if TYPE_CHECKING:
    from collections.abc import Mapping


def explain_wheel(options: Mapping[str, Any]) -> ExitCode:
    """Explain what the command asks about one wheel."""
    search = search_from(options)
    wheel = Path(options["wheel"])
    require_file(wheel)
    with WheelReader.open(wheel) as reader:
        analysis = analyze(reader, search, jobs=options["jobs"])
        require_used_excludes(analysis)
        answer = explain(reader, analysis, judge(analysis), options["subject"])
    if options["as_json"]:
        click.echo(json.dumps(asdict(answer), indent=2))
        return ExitCode.DONE
    click.echo(printable(click.style(answer.headline, bold=True)))
    for finding in answer.findings:
        click.echo(printable(f"  {finding.text}"))
        for detail in finding.details:
            click.echo(printable(f"    {detail}"))
    return ExitCode.DONE
