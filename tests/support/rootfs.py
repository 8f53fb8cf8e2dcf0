"""Small Debian and Ubuntu systems of other releases and architectures, to install wheels into.

Each is unpacked by mmdebstrap into the cache once and never changed afterwards, apart from a folder per test under its
/tmp. It holds a Python, pip, and nothing that its caller did not name: no shell, no device files, no /proc.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support import cache, programs, qemu

if TYPE_CHECKING:
    from collections.abc import Iterator

PIP = "25.0.1"  # the last that also runs on bullseye's Python 3.9 and knows every tag used here
UBUNTU = ("jammy",)
UBUNTU_KEY = Path(__file__).with_name("ubuntu-archive-2018.gpg")


@dataclass(frozen=True, slots=True)
class System:
    """What to unpack: a release of Debian or Ubuntu, Debian's name of the architecture, the Python, more packages."""

    suite: str
    python: str
    architecture: str = "amd64"
    libraries: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages named to mmdebstrap; it adds what they need."""
        minimal, library = f"python{self.python}-minimal", f"libpython{self.python}-stdlib"
        return ("base-files", minimal, library, "zlib1g", *self.libraries)


@dataclass(frozen=True, slots=True)
class Root:
    """An unpacked system, and how its Python is started inside it (an emulator may come first)."""

    path: Path
    python: tuple[str, ...]

    def holds(self, library: str) -> bool:
        """Tell whether any folder of the system has a file of this name."""
        return any(library in files for _, _, files in os.walk(self.path))

    @contextlib.contextmanager
    def site(self) -> Iterator[Site]:
        """Yield an empty folder for packages inside the system; it is removed afterwards."""
        with tempfile.TemporaryDirectory(dir=self.path / "tmp") as folder:
            site = Path(folder) / "site"
            site.mkdir()
            yield Site(self, site)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: `code` is negative for a signal, `output` has both streams."""

    code: int
    output: str

    @property
    def crashed(self) -> bool:
        """Whether it died of a bad memory access; an emulator or a shell says 139 instead of -11."""
        return self.code in (-signal.SIGSEGV, 128 + signal.SIGSEGV)


@dataclass(frozen=True, slots=True)
class Site:
    """A folder for packages inside a system (pip's --target)."""

    root: Root
    folder: Path

    def install(self, wheel: Path) -> Outcome:
        """Let the system's own pip install the wheel: it refuses a file name whose tags the system does not have."""
        copy = shutil.copy(wheel, self.folder.parent)
        flags = ("--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--root-user-action=ignore")
        arguments = ("--target", self._inside(self.folder), self._inside(Path(copy)))
        return self._start("-m", "pip", "install", *flags, *arguments, path="/opt/pip")

    def unpack(self, wheel: Path) -> None:
        """Put the wheel's files in place whatever its file name says."""
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.folder)

    def run(self, code: str) -> Outcome:
        """Run Python code that may import what was installed."""
        return self._start("-c", code, path=self._inside(self.folder))

    def _inside(self, path: Path) -> str:
        return f"/{path.relative_to(self.root.path)}"

    def _start(self, *arguments: str, path: str) -> Outcome:
        environment = {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
        }
        done = subprocess.run(
            [programs.need("chroot"), self.root.path, *self.root.python, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=300,
        )
        return Outcome(done.returncode, done.stdout)


def root(system: System) -> Root:
    """Return the unpacked system; the first call makes it."""
    programs.need_root()
    programs.need("chroot")
    emulator = qemu.emulator(system.architecture)
    inside = ("/opt/emulator", f"/usr/bin/python{system.python}")
    start = inside if emulator else inside[1:]

    def make(folder: Path) -> None:
        unpack(folder, system.suite, system.architecture, system.packages)
        if emulator:
            shutil.copy(emulator, folder / "opt" / "emulator")
        give_pip(Root(folder, start))

    name = f"{system.suite}-{system.architecture}"
    return Root(cache.kept(name, (system, PIP, bool(emulator)), make), start)


def unpack(folder: Path, suite: str, architecture: str, packages: tuple[str, ...]) -> None:
    """Unpack packages and what they need; no maintainer script is run. `/tmp` and `/opt` exist afterwards."""
    source = [f"--keyring={UBUNTU_KEY}"] if suite in UBUNTU else mirror()
    command = [
        programs.need("mmdebstrap"),
        "--quiet",
        "--mode=root",
        "--variant=extract",
        "--skip=check/qemu",
        # A suite in preparation is signed anew every few hours; a mirror or a clock may lag behind.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        f"--architectures={architecture}",
        f"--include={','.join(packages)}",
        *[option for option in source if option.startswith("--")],
        suite,
        str(folder),
        *[option for option in source if not option.startswith("--")],
    ]
    programs.run(command)
    for name in ("tmp", "opt"):
        (folder / name).mkdir(exist_ok=True)


def mirror() -> list[str]:
    """Return the Debian mirror that this machine itself uses; none means the default of mmdebstrap."""
    listed = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    lines = [line for path in listed if path.is_file() for line in path.read_text(encoding="utf-8").splitlines()]
    urls = (re.search(r"https?://\S+/debian/?(?=\s|$)", line) for line in lines if not line.lstrip().startswith("#"))
    return [url.group() for url in urls if url][:1]


def give_pip(root: Root) -> None:
    """Put pip into /opt/pip, compiled beforehand by the system's own Python: under an emulator that saves seconds."""
    with zipfile.ZipFile(pip_wheel()) as archive:
        archive.extractall(root.path / "opt" / "pip")
    compile_it = ["-m", "compileall", "-q", "/opt/pip"]
    programs.run([programs.need("chroot"), root.path, *root.python, *compile_it])


def pip_wheel() -> Path:
    """Return pip itself, as the wheel that is published."""

    def make(folder: Path) -> None:
        flags = ("--no-deps", "--only-binary", ":all:", "--dest", folder)
        programs.run([sys.executable, "-m", "pip", "download", *flags, f"pip=={PIP}"])

    (wheel,) = cache.kept("pip", PIP, make).glob("*.whl")
    return wheel
