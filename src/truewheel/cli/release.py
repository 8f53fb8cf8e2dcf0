"""What a release says of itself once its wheels are there: sums, the map of names, and the package index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.cli.each import attempt, complain, failed
from truewheel.errors import TruewheelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truewheel.batch.published import Published
    from truewheel.cli.batch import Made
    from truewheel.cli.each import Failures


def published(done: Iterable[Made]) -> list[Published]:
    """Return what a release tells of finished wheels."""
    from truewheel.batch.published import Published

    return [Published(item.plan.input_name, item.plan.input_sha256, item.path) for item in done]


def finish(options: Mapping[str, Any], done: Sequence[Published]) -> Failures:
    """Write what the folders of the new wheels say of themselves, and the package index, when asked for.

    Return what failed; the wheels are published by then.
    """
    result = attempt(lambda: _release(options, done)) if done else None
    if not isinstance(result, TruewheelError):
        return []
    complain(result)
    return [failed(result.where or str(done[0].path.parent), result)]


def release_trouble(options: Mapping[str, Any], results: Sequence[Path]) -> Failures:
    """Return what would keep `finish` from writing; told before anything is, as the wheels cannot be taken back."""
    found = attempt(lambda: require_release(options, results)) if results else None
    if not isinstance(found, TruewheelError):
        return []
    complain(found)
    return [failed(found.where, found)]


def require_release(options: Mapping[str, Any], results: Sequence[Path]) -> None:
    """Raise InvalidInputError when a list or an index that new wheels are to be added to cannot be understood."""
    if options["sums"]:
        from truewheel.batch.sums import require_sums

        for folder in sorted({path.parent for path in results}):
            require_sums(folder)
    if options["index"]:
        from truewheel.batch.index import require_index

        require_index(Path(options["index"]), results)


def _release(options: Mapping[str, Any], done: Sequence[Published]) -> None:
    if options["sums"]:
        from truewheel.batch.sums import write_sums

        for folder in sorted({item.path.parent for item in done}):
            write_sums(folder, [item for item in done if item.path.parent == folder], options["jobs"])
    if options["index"]:
        from truewheel.batch.index import update_index

        # Where a command tells the two apart, `--force` is about names that are not true.
        replaces = options.get("overwrite", options["force"])
        paths = dict.fromkeys(item.path for item in done)
        update_index(Path(options["index"]), paths, force=replaces)
