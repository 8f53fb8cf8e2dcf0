"""A static package index that truewheel wrote, as the newest pip, a pip of 2019 and uv read it over HTTP."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support import old_pips, real_uv
from support.cache import kept
from support.cli import truewheel
from support.index_server import serving
from support.wheels import build_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from support.index_server import Served

pytestmark = pytest.mark.slow

APP, DEP, LATE = "the_app-1.0-py3-none-any.whl", "a_dep-1.0+local.1-py3-none-any.whl", "a_dep-2.0-py3-none-any.whl"
REQUESTED = "The.App"


def made(folder: Path, name: str, version: str, *fields: str) -> Path:
    """Write a wheel with some lines of metadata."""
    stem = f"{name}-{version}"
    project = name.replace("_", "-")
    metadata = "\n".join(["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}", *fields, ""])
    files = {f"{name}.py": b"", f"{stem}.dist-info/METADATA": metadata.encode()}
    return build_wheel(folder, files, filename=f"{stem}-py3-none-any.whl", dist_info=f"{stem}.dist-info")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Make an index by a retag of three wheels: an app, what it needs, and that for a Python that is not there yet."""
    folder, root = tmp_path / "dist", tmp_path / "simple"
    folder.mkdir()
    wheels = [
        made(folder, "the_app", "1.0", "Requires-Dist: a-dep>=1", "Requires-Python: >=3.6, <4"),
        made(folder, "a_dep", "1.0+local.1", "Requires-Python: >=3.6"),
        made(folder, "a_dep", "2.0", "Requires-Python: >=3.99"),
    ]
    outcome = truewheel("retag", "--normalize", "-w", tmp_path / "out", "--index", root, *wheels)
    assert outcome.code == 0, outcome.errors
    return root


@pytest.fixture(params=["pages", "documents"])
def served(index: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    with serving(index, documents=request.param == "documents") as server:
        yield server


def sums(index: Path) -> dict[str, str]:
    """Return what sha256 makes of each file of the index, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in index.rglob("*") if path.is_file()}


def locked(index: Path, folder: Path, *, wrong: str = "") -> Path:
    """Write requirements with hashes; `wrong` is a file whose hash is another one."""
    digests = {**sums(index), wrong: "0" * 64}
    path = folder / "requirements.txt"
    lines = [f"the-app==1.0 --hash=sha256:{digests[APP]}", f"a-dep==1.0+local.1 --hash=sha256:{digests[DEP]}"]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def spoil(index: Path) -> None:
    """Change a wheel behind the index's back."""
    path = index / "a-dep" / DEP
    path.write_bytes(path.read_bytes()[:-22] + b"\0" * 22)


Done = subprocess.CompletedProcess[str]


def start(command: Sequence[str | Path]) -> Done:
    own = ("PIP_", "UV_", "PYTHON", "COV", "HTTP", "http")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.run(command, env={**clean, "NO_PROXY": "*"}, capture_output=True, text=True, check=False)


def names(folder: Path) -> set[str]:
    """Return the projects and versions that are installed in a folder."""
    return {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}


BOTH = {"the_app-1.0", "a_dep-1.0+local.1"}


class Pip:
    """A pip that installs into folders. wheel: of an older release; None for the newest, which runs these tests."""

    def __init__(self, index: str, wheel: Path | None = None) -> None:
        """Take an index."""
        program = ["-W", "ignore", str(wheel / "pip")] if wheel else ["-m", "pip"]
        self._command = [sys.executable, *program, "--isolated", "--disable-pip-version-check", "--no-cache-dir"]
        self._index = index

    def install(self, folder: Path, *what: str | Path) -> Done:
        """Install into a folder."""
        into = ["--index-url", self._index, "--no-compile", "--target", str(folder)]
        return start([*self._command, "install", *into, *what])

    def report(self, *what: str) -> Done:
        """Resolve only."""
        rest = ["--index-url", self._index, "--dry-run", "--ignore-installed", "--report", "-", "--quiet", *what]
        return start([*self._command, "install", *rest])


def test_the_newest_pip(served: Served, index: Path, tmp_path: Path) -> None:
    pip = Pip(served.url)
    done = pip.install(tmp_path / "site", REQUESTED)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "site") == BOTH
    assert len({asked.kind for asked in served.asked if asked.path in {"/the-app/", "/a-dep/"}}) == 1
    # The metadata was taken from the files beside the wheels; what is for another Python was not looked at.
    assert served.files() == {APP, f"{APP}.metadata", DEP, f"{DEP}.metadata"}
    assert pip.install(tmp_path / "locked", "--require-hashes", "-r", locked(index, tmp_path)).returncode == 0
    bad = pip.install(tmp_path / "bad", "--require-hashes", "-r", locked(index, tmp_path, wrong=DEP))
    assert bad.returncode == 1
    spoil(index)
    done = pip.install(tmp_path / "spoilt", REQUESTED)
    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr


def test_the_newest_pip_resolves_by_metadata(served: Served) -> None:
    done = Pip(served.url).report(REQUESTED)
    assert done.returncode == 0, done.stderr
    assert {f"{APP}.metadata", f"{DEP}.metadata"} <= served.files()


@pytest.fixture(scope="module")
def pip_of_2019() -> Path:
    def fetch(folder: Path) -> None:
        old_pips.fetch("19.3.1", folder)

    (wheel,) = kept("pip", "19.3.1", fetch).glob("*.whl")
    return wheel


def test_a_pip_of_2019(served: Served, index: Path, tmp_path: Path, pip_of_2019: Path) -> None:
    """It knows `data-requires-python` and hashes, and neither JSON nor metadata beside wheels."""
    pip = Pip(served.url, pip_of_2019)
    done = pip.install(tmp_path / "site", REQUESTED)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "site") == BOTH
    assert {asked.kind for asked in served.asked} == {"html", "file"}
    assert served.files() == {APP, DEP}
    assert pip.install(tmp_path / "locked", "--require-hashes", "-r", locked(index, tmp_path)).returncode == 0
    spoil(index)
    assert "DO NOT MATCH THE HASHES" in pip.install(tmp_path / "spoilt", REQUESTED).stderr


@pytest.fixture(scope="module")
def uv() -> str:
    return str(kept("uv", real_uv.VERSION, real_uv.fetch) / "uv")


def with_uv(uv: str, served: Served, *arguments: str | Path) -> Done:
    rest = ["--no-config", "--no-cache", "--python", sys.executable, "--index-url", served.url]
    return start([uv, "pip", *arguments, *rest])


def test_uv(uv: str, served: Served, index: Path, tmp_path: Path) -> None:
    done = with_uv(uv, served, "install", "--target", tmp_path / "site", REQUESTED)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "site") == BOTH
    assert served.files() == {APP, f"{APP}.metadata", DEP, f"{DEP}.metadata"}
    hashed = ("install", "--require-hashes", "-r", locked(index, tmp_path))
    assert with_uv(uv, served, *hashed, "--target", tmp_path / "locked").returncode == 0
    locked(index, tmp_path, wrong=DEP)
    assert "Hash mismatch" in with_uv(uv, served, *hashed, "--target", tmp_path / "bad").stderr
    spoil(index)
    assert with_uv(uv, served, "install", "--target", tmp_path / "spoilt", REQUESTED).returncode != 0


def test_uv_locks_by_metadata_alone_with_the_hashes_of_the_index(
    uv: str, served: Served, index: Path, tmp_path: Path
) -> None:
    wanted = tmp_path / "wanted.in"
    wanted.write_text(f"{REQUESTED}\n", "utf-8")
    done = with_uv(uv, served, "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", wanted)
    assert done.returncode == 0, done.stderr
    assert served.files() == {f"{APP}.metadata", f"{DEP}.metadata"}
    found = dict(re.findall(r"^(\S+)==\S+ \\\n +--hash=sha256:(\w+)", done.stdout, re.MULTILINE))
    assert found == {"the-app": sums(index)[APP], "a-dep": sums(index)[DEP]}


def test_both_take_the_document_where_the_server_has_it(uv: str, index: Path, tmp_path: Path) -> None:
    for documents, kind in ((True, "json"), (False, "html")):
        with serving(index, documents=documents) as server:
            assert with_uv(uv, server, "install", "--target", tmp_path / kind, REQUESTED).returncode == 0
            assert Pip(server.url).install(tmp_path / f"pip-{kind}", REQUESTED).returncode == 0
            assert {asked.kind for asked in server.asked if asked.path == "/the-app/"} == {kind}


def test_uv_finds_it_beside_another_index(uv: str, served: Served, index: Path, tmp_path: Path) -> None:
    """`--index` of uv comes before the default one."""
    empty = tmp_path / "empty"
    empty.mkdir()
    command: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--no-config",
        "--no-cache",
        "--python",
        sys.executable,
        "--target",
        tmp_path / "site",
    ]
    done = start([*command, "--index", served.url, "--default-index", empty.as_uri(), REQUESTED])
    assert done.returncode == 0, done.stderr
    folder = start([*command[:-1], tmp_path / "folder", "--default-index", index.as_uri(), REQUESTED])
    assert folder.returncode == 0, folder.stderr
    assert names(tmp_path / "folder") == names(tmp_path / "site") == BOTH
