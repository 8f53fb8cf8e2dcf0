"""A batch plan as a JSON document: how it is written, and how one is read that anybody may have written.

The document has a digest of its content, which tells a plan that somebody changed on the way, and whose facts then no
longer support what it does, from the one that a person may have looked through. The digest is no signature: whoever
wants to write a plan can compute it. What is said twice must agree, because the summary of a wheel is what people read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.names import WheelName, parse_given_name
from truewheel.batch.failure import Failure  # noqa: TC001 - looked up when a plan is read
from truewheel.batch.kinds import plan_from_json
from truewheel.batch.plan import SCHEMA, BatchPlan
from truewheel.batch.planned import PlannedWheel
from truewheel.errors import ExitCode, InvalidInputError, InvalidWheelError
from truewheel.plain_data import plain, plan_from, told

if TYPE_CHECKING:
    from truewheel.batch.kinds import WheelPlan


class WheelLine(NamedTuple):
    """One wheel of the document. input: its path, with `/`, as seen from the folder of the document's file."""

    input: str
    sha256: str | None
    old_name: str
    new_name: str
    evidence: tuple[str, ...]
    plan: object


class PlanDocument(NamedTuple):
    """The whole document.

    content_sha256: digest, in hex, of all the rest but for where the inputs lie and the results go.
    wheel_dir: where the results go, told as the inputs are; None for beside the inputs.
    """

    schema: str
    content_sha256: str
    sysroot: str
    removes_inputs: bool
    wheel_dir: str | None
    wheels: tuple[WheelLine, ...]
    refused: tuple[Failure, ...]


def document_of(plan: BatchPlan, folder: Path) -> PlanDocument:
    """Return the document of a plan. folder: where its file will lie."""
    lines = tuple(
        WheelLine(
            input=_seen_from(folder, item.path),
            sha256=item.plan.input_sha256,
            old_name=item.plan.input_name,
            new_name=item.plan.output_name,
            evidence=item.evidence,
            plan=item.plan.to_json(),
        )
        for item in plan.wheels
    )
    directory = None if plan.directory is None else _seen_from(folder, plan.directory)
    document = PlanDocument(SCHEMA, "", plan.sysroot, plan.removes_inputs, directory, lines, plan.refused)
    return document._replace(content_sha256=_digest(document))


def read_plan(data: object, folder: Path) -> BatchPlan:
    """Return the plan that a document holds whose file lies in `folder`; raise InvalidInputError when it is none."""
    document = plan_from(PlanDocument, data, SCHEMA)
    try:
        if document.content_sha256 != _digest(document):
            raise InvalidInputError("the plan was changed after it was written", hint="plan again")
        _require_texts(data)
        wheels = tuple(_wheel(line, folder, number) for number, line in enumerate(document.wheels, 1))
        for number, failure in enumerate(document.refused, 1):
            _demand(failure.exit_code in set(ExitCode), f"refused {number}, exit_code is {failure.exit_code}")
    except (TypeError, InvalidWheelError) as error:
        what = error if isinstance(error, TypeError) else f"{error.where}: {error.what}"
        raise InvalidInputError(f"the plan is damaged: {what}", hint="make the plan again") from error
    directory = None if document.wheel_dir is None else folder / document.wheel_dir
    return BatchPlan(wheels, document.refused, document.sysroot, document.removes_inputs, directory)


def _seen_from(folder: Path, path: Path) -> str:
    """Return a path as seen from a folder, with `/`; the whole path where no way leads from one to the other."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.resolve().as_posix()


def _digest(document: PlanDocument) -> str:
    import json
    from hashlib import sha256

    content = plain(document)
    del content["content_sha256"], content["wheel_dir"]
    for line in content["wheels"]:
        del line["input"]
    try:
        return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    except RecursionError:
        raise TypeError("it is nested too deeply") from None


def _require_texts(data: object) -> None:
    """Raise TypeError for a text that no file, and no name of one, can have: JSON may have halves of characters."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, str) and not _is_text(value):
            raise TypeError(f"{told(value)} is what no text in a plan can be")


def _is_text(value: str) -> bool:
    try:
        return b"\0" not in value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


def _wheel(line: WheelLine, folder: Path, number: int) -> PlannedWheel[WheelPlan]:
    where = f"wheel {number}"
    plan = plan_from_json(line.plan)
    _require_agreement(plan)
    summary = (plan.input_sha256, plan.input_name, plan.output_name)
    _demand(plan.input_sha256 is not None, f"{where} is not named by its content")
    _demand((line.sha256, line.old_name, line.new_name) == summary, f"{where} is not what its plan says")
    _demand(Path(line.input).name == plan.input_name, f"{where} names another input than its plan")
    return PlannedWheel(folder / line.input, plan, line.evidence)


def _require_agreement(plan: WheelPlan) -> None:
    """Raise TypeError when a plan would make another project or version of a wheel than its own fields say.

    Raises InvalidWheelError for what is no name of a wheel.
    """
    old, new = parse_given_name(plan.input_name), WheelName.parse(plan.output_name)
    version = getattr(plan, "version", None) or old.version
    if (new.distribution, new.version) != (old.distribution, version):
        raise TypeError(f"{plan.output_name} is no other name of {plan.input_name}")
    platforms = getattr(plan, "platforms", None)
    if platforms is not None and set(platforms) != set(new.platform):
        raise TypeError(f"{plan.output_name} is not named for {'.'.join(platforms)}")


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise TypeError(otherwise)
