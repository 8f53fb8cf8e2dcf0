"""Time truewheel against the tools that people use today, on the same wheels, in one run, and print a table.

    python3 scripts/benchmark.py                        # fetches published wheels for Linux and macOS, measures both
    python3 scripts/benchmark.py --system macos         # one system's wheels only
    python3 scripts/benchmark.py dist/*-linux_*.whl     # also measures `repair` on unrepaired wheels that you name

Needs Python and pip. The peers are auditwheel for Linux wheels; for macOS wheels, delocate-listdeps beside `show` and
repairwheel beside `repair`, which both run on Linux too. Beside `retag` there are `wheel tags` and what nothing can be
quicker than: a copy of the wheel, and the start of an interpreter that does nothing. Each figure is the median over
runs of whole processes, the programs in turn, after one run that is not counted. Peak memory is the operating system's
own figure for the largest process; `allowed` is what truewheel may take: twice the largest member of the wheel and
60 MB.

delocate-listdeps runs `otool`. Where there is none, llvm-otool stands in for it, and the table says so: what its
starts cost is then this host's figure and not a Mac's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from environment import ROOT, SetupError, install, program_of, project_environment

if TYPE_CHECKING:
    from collections.abc import Iterator


class Published(NamedTuple):
    """Wheels of one system on the package index.

    options: what makes pip fetch them on any host. platform: how the platform tags of their names start.
    """

    requirements: tuple[str, ...]
    options: tuple[str, ...]
    platform: str


PUBLISHED = {
    "linux": Published(
        (
            "numpy==2.4.6",
            "scipy==1.17.1",
            "pyarrow==26.0.1",
            "opencv-python-headless==5.0.0.93",
            "pillow==13.0.0",
        ),
        ("--python-version=3.11",),
        "manylinux",
    ),
    "macos": Published(
        (
            "numpy==2.5.5",
            "scipy==1.18.1",
            "opencv-python-headless==5.0.0.93",
            "psycopg2-binary==2.9.13",
        ),
        ("--python-version=3.12", "--platform=macosx_14_0_arm64"),
        "macosx",
    ),
}
PEERS = {
    ("show", "linux"): ("auditwheel", "show"),
    ("repair", "linux"): ("auditwheel", "repair", "-w"),
    ("show", "macos"): ("delocate-listdeps",),
    ("repair", "macos"): ("repairwheel", "-o"),
}
"""The program that does the same job, and its arguments before the output folder and the wheel."""
RELABELLED = {
    "linux": (
        Published(("numpy==2.4.6", "pyarrow==26.0.1", "torch==2.13.0+cpu"), ("--python-version=3.11",), "manylinux"),
        "manylinux_2_39_x86_64",
    ),
    "macos": (
        Published(("torch==2.15.0",), ("--python-version=3.12", "--platform=macosx_14_0_arm64"), "macosx"),
        "macosx_15_0_arm64",
    ),
}
"""Wheels that get other tags, and one that their present ones imply."""
JOBS = ("show", "repair", "retag")
MANY = 1000
"""So many small wheels are relabelled at once."""
OURS = {"show": ("truewheel", "show"), "repair": ("truewheel", "repair", "-w")}
_WRITES = ("-w", "-o")

SHIM = """#!/bin/sh
# otool of LLVM does not know -m, which is about names with brackets
for each; do shift; [ "$each" = -m ] || set -- "$@" "$each"; done
exec {program} "$@"
"""


BESIDE = 'ln -s "$4" "$3" && exec "$0" tags "$1" "$3/${4##*/}"'
"""`wheel tags` writes beside the wheel, so it gets a link to that in the output folder."""
COPY = 'cp "$4" "$3" && exec "$0" -c pass'


@dataclass(frozen=True, slots=True)
class Figure:
    """What one program took for one job: median seconds, largest peak memory in MB, and the output's size or 0."""

    seconds: float
    megabytes: float
    output: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """Where programs are measured: the folders that they are looked for in, first one first, and the counted runs."""

    folders: tuple[Path, ...]
    runs: int

    def program(self, name: str) -> str | None:
        """Return the path of a program."""
        return shutil.which(name, path=self.path)

    @property
    def path(self) -> str:
        """The PATH of the programs."""
        return os.pathsep.join([*map(str, self.folders), os.environ.get("PATH", "")])


def main() -> int:
    """Fetch what is missing, measure every job, print the table."""
    options = _arguments()
    try:
        programs = _environment()
        published = [wheel for system in options.systems for wheel in _fetch(PUBLISHED[system], options.cache)]
        relabelled = [
            (wheel, tag)
            for wheels, tag in (RELABELLED[system] for system in options.systems)
            for wheel in _fetch(wheels, options.cache)
        ]
    except SetupError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 1
    with _otool() as (shims, remark):
        bench = Bench((programs, *shims), options.runs)
        print(f"{'job':6} {'wheel':44} {'peer':17} {'its figures':>16} {'truewheel':>16} faster  output allowed")
        for job, wheels in (("show", [*published, *options.wheels]), ("repair", [*options.wheels, *published])):
            for wheel in wheels if job in options.jobs else ():
                _row(bench, job, wheel)
        if remark and any(_system(wheel) == "macos" for wheel in [*published, *options.wheels]):
            print(f"\n{remark}")
        if "retag" in options.jobs:
            _relabel(bench, relabelled)
        _start_up(bench)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="*", type=Path, help="unrepaired wheels whose libraries are found here")
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each program and job (3)")
    parser.add_argument(
        "--system",
        dest="systems",
        action="append",
        choices=[*PUBLISHED, "none"],
        help="whose published wheels are measured (all); none: the named wheels only",
    )
    parser.add_argument("--job", dest="jobs", action="append", choices=JOBS, help="what is measured (all)")
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "truewheel-benchmark"
    parser.add_argument("--cache", type=Path, default=default, help="where fetched wheels are kept")
    options = parser.parse_args()
    options.jobs = options.jobs or JOBS
    options.systems = [name for name in options.systems or PUBLISHED if name != "none"]
    return options


def _environment() -> Path:
    """Return the folder of the programs to measure: this project as users install it, compiled, and its peers."""
    environment = project_environment("benchmark", ("benchmark",))
    install(environment, "--force-reinstall", "--no-deps", str(ROOT))
    return program_of(environment, "truewheel").parent


@contextmanager
def _otool() -> Iterator[tuple[tuple[Path, ...], str]]:
    """Yield folders with an otool for delocate, and what to say about it; none where the host has its own."""
    if shutil.which("otool"):
        yield (), ""
        return
    names = ["llvm-otool", *(f"llvm-otool-{version}" for version in range(40, 12, -1))]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        yield (), "delocate-listdeps: not measured, because there is neither otool nor llvm-otool (Debian: llvm)"
        return
    with tempfile.TemporaryDirectory(prefix="truewheel-benchmark-") as folder:
        shim = Path(folder) / "otool"
        shim.write_text(SHIM.format(program=found), "utf-8")
        shim.chmod(0o755)
        yield (Path(folder),), f"delocate-listdeps: with a shim over {Path(found).name} in the place of otool"


def _fetch(published: Published, cache: Path) -> list[Path]:
    """Return the published wheels, fetched by pip when they are not in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    wheels = []
    for requirement in published.requirements:
        pattern = f"{requirement.replace('-', '_').replace('==', '-')}-*-{published.platform}*.whl"
        if not any(cache.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            command += [*published.options, "--dest", str(cache), requirement]
            if subprocess.run(command, check=False).returncode:
                print(f"{requirement}: not measured, because pip does not find it", flush=True)
        wheels += sorted(cache.glob(pattern))[:1]
    return wheels


def _system(wheel: Path) -> str:
    return "macos" if re.search(r"-macosx_[^-]*$", wheel.name) else "linux"


def _row(bench: Bench, job: str, wheel: Path) -> None:
    """Measure one job on one wheel and print what came of it; nothing when the peer cannot run here."""
    name, *arguments = PEERS[job, _system(wheel)]
    program, needed = bench.program(name), bench.program("otool") or name != "delocate-listdeps"
    if program is None or not needed:
        return
    peer, ours = _measure(bench, [[program, *arguments], [str(bench.program(OURS[job][0])), *OURS[job][1:]]], wheel)
    figures = " ".join(f"{figure.seconds * 1e3:7.0f} ms {figure.megabytes:3.0f} MB" for figure in (peer, ours))
    size = f"{ours.output / peer.output:7.3f}" if peer.output else " " * 7
    faster = f"{peer.seconds / ours.seconds:5.1f}x"
    print(f"{job:6} {wheel.name[:44]:44} {name:17} {figures} {faster} {size} {_allowed(wheel):4.0f} MB", flush=True)


def _relabel(bench: Bench, wheels: list[tuple[Path, str]]) -> None:
    """Measure `retag` with a tag that is implied and with a build tag, and on very many small wheels."""
    if not wheels:
        return
    print(f"\n{'retag':28} {'wheel':24} {'wheel tags':>18} {'truewheel':>18} faster {'cp + python':>12} times that")
    for wheel, tag in wheels:
        for wish in (f"--platform-tag={tag}", "--build=1"):
            commands = [
                ["sh", "-c", BESIDE, str(bench.program("wheel")), wish, "-w"],
                [str(bench.program("truewheel")), "retag", wish, "-w"],
                ["sh", "-c", COPY, str(bench.program("python")), wish, "-w"],
            ]
            peer, ours, least = _measure(bench, commands, wheel)
            figures = " ".join(f"{figure.seconds * 1e3:8.0f} ms {figure.megabytes:3.0f} MB" for figure in (peer, ours))
            faster, times = peer.seconds / ours.seconds, ours.seconds / least.seconds
            rest = f"{faster:5.0f}x {least.seconds * 1e3:9.0f} ms {times:5.1f}"
            print(f"{wish[:28]:28} {wheel.name[:24]:24} {figures} {rest}", flush=True)
    with tempfile.TemporaryDirectory(prefix="truewheel-benchmark-") as folder:
        _small_wheels(Path(folder))
        command = [str(bench.program("truewheel")), "retag", "--build=1", "--jobs=2", "-w"]
        (ours,) = _measure(bench, [command], Path(folder))
    each = f"{ours.seconds / MANY * 1e3:.1f} ms a wheel, {ours.megabytes:.0f} MB"
    print(f"{MANY} small wheels, --build=1 --jobs=2: {each}")


def _small_wheels(folder: Path) -> None:
    """Write small wheels of as many projects, with ten modules each."""
    for number in range(MANY):
        name = f"small{number}"
        info = f"{name}-1.0.dist-info"
        files = {f"{name}/m{module}.py": f"x = {module}\n" * 100 for module in range(10)}
        files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        rows = [
            (member, urlsafe_b64encode(sha256(text.encode()).digest()), len(text)) for member, text in files.items()
        ]
        listed = [f"{member},sha256={digest.decode().rstrip('=')},{size}\n" for member, digest, size in rows]
        files[f"{info}/RECORD"] = "".join([*listed, f"{info}/RECORD,,\n"])
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in files.items():
                archive.writestr(member, text)


def _allowed(wheel: Path) -> float:
    """Return the memory in MB that truewheel may take for a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return 2 * max(member.file_size for member in archive.infolist()) / 1e6 + 60


def _start_up(bench: Bench) -> None:
    often = Bench(bench.folders, max(bench.runs, 9))
    python, program = str(bench.program("python")), str(bench.program("truewheel"))
    alone, ours = _measure(often, [[python, "-c", "pass"], [program, "--version"]])
    print(
        f"\ntruewheel --version: {ours.seconds * 1e3:.0f} ms, {ours.seconds / alone.seconds:.1f} times `python -c pass`"
    )


def _measure(bench: Bench, commands: list[list[str]], wheel: Path | None = None) -> list[Figure]:
    """Return the figures of each command, which gets an output folder where it takes one, and the wheel."""
    times: list[list[float]] = [[] for _ in commands]
    memory = [0.0 for _ in commands]
    sizes = [0 for _ in commands]
    for run in range(bench.runs + 1):
        for number, command in enumerate(commands):
            folder = Path(tempfile.mkdtemp(prefix="truewheel-benchmark-"))
            output = [str(folder)] if command[-1] in _WRITES else []
            _settle(wheel)
            try:
                seconds, megabytes = _once(bench, [*command, *output, *([str(wheel)] if wheel else [])])
                sizes[number] = sum(path.lstat().st_size for path in folder.iterdir())
            finally:
                shutil.rmtree(folder)
            if run:
                times[number].append(seconds)
                memory[number] = max(memory[number], megabytes)
    return [Figure(statistics.median(times[n]), memory[n], sizes[n]) for n in range(len(commands))]


def _settle(wheel: Path | None) -> None:
    """Bring the machine to the same state before each run, whatever ran before it.

    What another program left to be written would be charged to one that waits for the disk, and memory that it gave
    back, which a virtual machine has to ask its host for again, to the next one that writes as much.
    """
    if wheel is not None and wheel.is_file():
        with tempfile.TemporaryDirectory(prefix="truewheel-benchmark-") as folder:
            shutil.copyfile(wheel, Path(folder) / wheel.name)
    if hasattr(os, "sync"):
        os.sync()


def _once(bench: Bench, command: list[str]) -> tuple[float, float]:
    """Run a command to its end; return wall seconds and the peak memory of its largest process in MB."""
    start = time.perf_counter()
    environment = {**os.environ, "PATH": bench.path}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
