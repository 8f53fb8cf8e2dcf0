"""Wheels with one fault each, and what a check says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.wheels import build_wheel
from truewheel.check import CheckOptions, check_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.check import Finding

INFO = "foo-1.0.dist-info"
WHEEL = f"{INFO}/WHEEL"
RECORD = f"{INFO}/RECORD"
METADATA = f"{INFO}/METADATA"


def wheel(
    directory: Path,
    tag: str = "py3-none-any",
    files: Mapping[str, bytes | Path] | None = None,
    *,
    lines: str | None = None,
    stem: str = "foo-1.0",
    info: str = INFO,
    **more: Any,  # noqa: ANN401 - what build_wheel takes, and `purelib`
) -> Path:
    """Write a wheel whose WHEEL file says exactly what its name says, unless `lines` replace that file's text.

    purelib: what it says of that; true for a tag that ends in `any` unless told.
    """
    purelib: bool | None = more.pop("purelib", None)
    directory.mkdir(parents=True, exist_ok=True)
    python, abi, platform = tag.lower().split("-")[-3:]
    tags = [f"{p}-{a}-{s}" for p in python.split(".") for a in abi.split(".") for s in platform.split(".")]
    pure = tag.endswith("-any") if purelib is None else purelib
    head = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {str(pure).lower()}\n"
    text = head + "".join(f"Tag: {each}\n" for each in tags) if lines is None else lines
    contents = {name: file if isinstance(file, bytes) else file.read_bytes() for name, file in (files or {}).items()}
    whole = {"foo/__init__.py": b"", f"{info}/WHEEL": text.encode(), **contents}
    return build_wheel(directory, whole, filename=f"{stem}-{tag}.whl", dist_info=info, **more)


def findings(path: Path, *rules: str, **options: Any) -> tuple[Finding, ...]:  # noqa: ANN401 - of CheckOptions
    """Return what these rules say of a wheel; all rules when none is named."""
    return check_wheel(path, CheckOptions(select=rules, **options))


def rules(path: Path, **options: Any) -> list[str]:  # noqa: ANN401 - of CheckOptions
    """Return the names of the rules that find something, each once, in order."""
    return list(dict.fromkeys(finding.rule for finding in findings(path, **options)))


def messages(path: Path, *names: str, **options: Any) -> list[str]:  # noqa: ANN401 - of CheckOptions
    """Return what some rules say."""
    return [finding.message for finding in findings(path, *names, **options)]
