"""`truewheel why`: one explanation, as text or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from truewheel.analyzer.analyze import analyze
from truewheel.archive.reader import WheelReader
from truewheel.cli.each import search_from
from truewheel.errors import ExitCode
from truewheel.explain import explain
from truewheel.platforms.judge import judge

if TYPE_CHECKING:
    from collections.abc import Mapping


def explain_wheel(options: Mapping[str, Any]) -> ExitCode:
    """Explain what the command asks about one wheel."""
    with WheelReader.open(Path(options["wheel"])) as reader:
        analysis = analyze(reader, search_from(options), jobs=options["jobs"])
        answer = explain(reader, analysis, judge(analysis), options["subject"])
    if options["as_json"]:
        click.echo(json.dumps(asdict(answer), indent=2))
        return ExitCode.DONE
    click.echo(click.style(answer.headline, bold=True))
    for finding in answer.findings:
        click.echo(f"  {finding.text}")
        for detail in finding.details:
            click.echo(f"    {detail}")
    return ExitCode.DONE
