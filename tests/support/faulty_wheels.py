"""Small wheels of one fault each, which installers treat differently; each is a project of its own."""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING

from support.wheels import build_wheel, record_row, wheel_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
TAG = "Tag: py3-none-any\n"
FOREIGN = "Tag: cp27-none-win_ia64\n"


def faulty(  # noqa: PLR0913 -- one argument for each place where a fault can be
    directory: Path,
    name: str,
    lines: str = HEAD + TAG,
    *,
    tag: str = "py3-none-any",
    stem: str = "",
    metadata: str = "",
    edit: Callable[[list[str]], list[str]] = list,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a wheel of the project `name` with one module of that name.

    lines: the WHEEL file. stem: the start of the file name, `name-1.0` unless told. metadata: METADATA.
    edit: makes the rows of RECORD what they are to be. more: other members, by their names below the dist-info.
    """
    directory.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {f"{name}.py": b"x = 1\n", f"{info}/WHEEL": lines.encode()}
    files |= {f"{info}/{member}": content for member, content in (more or {}).items()}
    if metadata:
        files[f"{info}/METADATA"] = metadata.encode()
    rows = wheel_files(files, dist_info=info)[f"{info}/RECORD"].decode().splitlines()
    files[f"{info}/RECORD"] = "".join(f"{row}\n" for row in edit(rows)).encode()
    return build_wheel(directory, files, filename=f"{stem or f'{name}-1.0'}-{tag}.whl", dist_info=info)


def mendable(directory: Path) -> dict[str, Path]:
    """Return wheels that `check --fix` makes right, by what is wrong with them."""
    made = {
        "foreign tags in WHEEL": faulty(directory, "foreign", HEAD + FOREIGN),
        "no tag in WHEEL": faulty(directory, "untagged", HEAD),
        "tags behind an empty line": faulty(directory, "hidden", f"{HEAD}\n{TAG}"),
        "a compressed tag": faulty(directory, "packed", f"{HEAD}Tag: py2.py3-none-any\n", tag="py2.py3-none-any"),
        "a wrong hash": faulty(directory, "hashed", edit=lambda rows: [record_row("hashed.py", b"y"), *rows[1:]]),
        "no hash": faulty(directory, "unhashed", edit=lambda rows: ["unhashed.py,,", *rows[1:]]),
        "a file that RECORD lacks": faulty(directory, "unlisted", edit=lambda rows: rows[1:]),
        "a signature of RECORD": faulty(
            directory,
            "signed",
            edit=lambda rows: [*rows, "signed-1.0.dist-info/RECORD.p7s,,"],
            more={"RECORD.jws": b"{}", "RECORD.p7s": b"{}"},
        ),
        "a build that WHEEL lacks": faulty(directory, "built", stem="built-1.0-7"),
        "tags in disorder and twice": faulty(
            directory, "disorder", f"{HEAD}Tag: py3-none-any\n", tag="py3.py2.py3-none-any"
        ),
        "a tag in capitals": faulty(directory, "capitals", tag="py3-none-ANY"),
        "an empty tag": faulty(directory, "empty", tag="py3-none-.any"),
        "a name that is not normalised": faulty(directory, "Foo_Bar"),
    }
    assert len({path.name for path in made.values()}) == len(made)
    return made


def hopeless(directory: Path) -> dict[str, Path]:
    """Return wheels that no relabelling makes right, by what is wrong with them."""
    repeated = faulty(directory, "repeated")
    with warnings.catch_warnings(), zipfile.ZipFile(repeated, "a") as archive:
        warnings.simplefilter("ignore", UserWarning)
        archive.writestr("repeated.py", b"y = 2\n")
    return {
        "a member twice": repeated,
        "another version of the format": faulty(directory, "future", f"Wheel-Version: 2.0\n{TAG}"),
        "another project in METADATA": faulty(
            directory, "stranger", metadata="Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"
        ),
        "another version in METADATA": faulty(
            directory, "older", metadata="Metadata-Version: 2.1\nName: older\nVersion: 0.9\n"
        ),
        "a build that is none": faulty(directory, "variant", stem="variant-1.0-abc"),
        "no RECORD": _without_record(directory),
        "a tag that no system has": faulty(directory, "alien", f"{HEAD}{FOREIGN}", tag="cp27-none-win_ia64"),
        "a local version in the name only": faulty(directory, "local", stem="local-1.0+cpu"),
    }


def _without_record(directory: Path) -> Path:
    path = faulty(directory, "recordless")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("RECORD")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
