"""`truewheel check`: options to calls, findings to lines, JSON or SARIF."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.check import CheckOptions, Severity, check_wheel, has_errors
from truewheel.check.registry import chosen
from truewheel.cli.each import each_once, exit_code, for_each, own_policy, pace, titles
from truewheel.cli.format import plural
from truewheel.cli.output import say, say_json, say_path, style
from truewheel.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truewheel.check import Finding
    from truewheel.check.fix import Fixed, FixPlan
    from truewheel.cli.each import Failures

SCHEMA = "truewheel.check/1"
_FEW = 6
"""How many findings of one rule are told of one wheel, unless more is asked for."""
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


class PlannedFix(NamedTuple):
    """One wheel, and what mending it would do."""

    path: Path
    plan: FixPlan


class Checked(NamedTuple):
    """One wheel that was checked. path: as given. findings: what is wrong; with `fixed`, what is left."""

    path: Path
    findings: tuple[Finding, ...]
    fixed: Fixed | None = None


def check_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Check the wheels that the command names, and mend them when asked."""
    at_once, jobs = pace(options["wheels"], options["jobs"])
    wanted = CheckOptions(
        select=_listed(options["select"]),
        ignore=_listed(options["ignore"]),
        index=options["index"],
        jobs=jobs,
        own_policy=own_policy(options),
        exclude=options["exclude"],
    )
    rules = chosen(wanted.select, wanted.ignore)
    _hold_together(options)
    silent = options["as_json"] or options["sarif"] == "-"
    done: list[Checked] = []
    title = titles(each_once(options["wheels"]))

    def present(checked: Checked) -> None:
        done.append(checked)
        _summarize(checked, title[checked.path], len(rules), verbose=options["verbose"])
        if not silent:
            _present(checked, title[checked.path], verbose=options["verbose"])

    if options["fix"]:
        failures, code = _fix_all(options, wanted, present, at_once)
    else:
        failures, code = for_each(options["wheels"], partial(_check, wanted), present, at_once=at_once)
    if options["as_json"]:
        results = [_result(checked) for checked in done]
        say_json({"schema": SCHEMA, "wheels": results, "failed": failures})
    if options["sarif"]:
        from truewheel.cli.sarif import write_sarif

        write_sarif(options["sarif"], rules, [(item.path, item.findings) for item in done], failures)
    wrong = any(has_errors(checked.findings, strict=options["strict"]) for checked in done)
    return code or (ExitCode.REFUSED if wrong else ExitCode.DONE)


def _listed(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _hold_together(options: Mapping[str, Any]) -> None:
    """Raise UsageError for options that have no meaning together."""
    if not options["fix"]:
        for option, given in (("--wheel-dir", options["wheel_dir"]), ("--force", options["force"])):
            if given:
                raise UsageError("only has a meaning with --fix", where=option)
    if options["as_json"] and options["sarif"] == "-":
        raise UsageError("cannot share the standard output with --json", where="--sarif", hint="name a file")


def _check(wanted: CheckOptions, path: Path) -> Checked:
    return Checked(path, check_wheel(path, wanted))


def _fix_all(
    options: Mapping[str, Any], wanted: CheckOptions, present: Callable[[Checked], None], at_once: int
) -> tuple[Failures, ExitCode]:
    """Check all wheels, find names that several would get, and only then write; return as `for_each` does."""
    from truewheel.check.fix import apply_fix, plan_fix
    from truewheel.cli.batch import apart, sweep

    directory = Path(options["wheel_dir"]) if options["wheel_dir"] else None
    fixes: list[PlannedFix] = []
    failures, _ = for_each(
        options["wheels"], lambda path: PlannedFix(path, plan_fix(path, wanted)), fixes.append, at_once=at_once
    )
    kept, colliding = apart(fixes, directory, options["wheels"] if options["force"] else ())
    planned = {item.path: item.plan for item in kept}
    sweep(directory, planned)

    def fix(path: Path) -> Checked:
        fixed = apply_fix(path, planned[path], directory, wanted, force=options["force"])
        return Checked(path, fixed.left, fixed)

    more, _ = for_each(map(str, planned), fix, present, at_once=at_once)
    failures = failures + colliding + more
    return failures, exit_code(failures, len(each_once(options["wheels"])))


def _present(checked: Checked, title: str, *, verbose: int) -> None:
    """Write each finding to stdout, or the path of the mended wheel."""
    if checked.fixed is not None:
        say_path(checked.fixed.path)
        return
    for finding in _shown(checked.findings, verbose=verbose):
        say(f"{title}: {finding}")


def _shown(findings: Sequence[Finding], *, verbose: int) -> Iterator[str]:
    """Yield one line for each finding, and one for those of a rule that are too many."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
        if verbose or counts[finding.rule] <= _FEW:
            yield _line(finding)
    for rule, count in counts.items():
        if not verbose and count > _FEW:
            yield f"and {count - _FEW} more of {rule} (-v lists them)"


def _line(finding: Finding) -> str:
    severity = style(finding.severity.value, fg=_COLOURS[finding.severity])
    member = "" if finding.member in finding.message else f"{finding.member}: "
    by_us = " (--fix does it)" if finding.fixable else ""
    return f"{severity}: {finding.rule}: {member}{finding.message}; mend: {finding.fix}{by_us}"


def _summarize(checked: Checked, name: str, rules: int, *, verbose: int) -> None:
    """Say on stderr how it went, and what was mended."""
    fixed = checked.fixed
    if fixed is not None:
        for finding in fixed.mended:
            member = "" if finding.member in finding.message else f"{finding.member}: "
            say(f"{name}: mended: {finding.rule}: {member}{finding.message}", err=True)
        for notice in fixed.notices:
            say(f"{name}: note: {notice}", err=True)
        for line in _shown(checked.findings, verbose=verbose):
            say(f"{name}: left: {line}", err=True)
    counts = [
        plural(number, severity.value)
        for severity in Severity
        if (number := sum(finding.severity is severity for finding in checked.findings))
    ]
    nothing = f"nothing is wrong by {plural(rules, 'rule')}"
    left = " left" if fixed is not None and counts else ""
    say(f"{name}: {' and '.join(counts) + left if counts else nothing}", err=True)


def _result(checked: Checked) -> dict[str, Any]:
    fixed = checked.fixed
    return {
        "path": str(checked.path.resolve()),
        "true": not has_errors(checked.findings),
        "findings": [_finding(finding) for finding in checked.findings],
        "fixed": None
        if fixed is None
        else {
            "path": str(fixed.path.resolve()),
            "changed": fixed.changed,
            "mended": [_finding(finding) for finding in fixed.mended],
            "notices": list(fixed.notices),
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**finding._asdict(), "severity": finding.severity.value}
