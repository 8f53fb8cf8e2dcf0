"""Time truewheel against auditwheel on the same wheels, in one run, and print a table.

    python3 scripts/benchmark.py                        # fetches the published wheels, measures `show` and start-up
    python3 scripts/benchmark.py dist/*-linux_*.whl     # also measures `repair` on unrepaired wheels that you name

Both programs must be installed beside the interpreter that runs this script (the `test` dependency group has them).
Each figure is the median over runs of whole processes, the two programs in turn, after one run that is not counted.
Peak memory is the operating system's own figure for the largest process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PUBLISHED = (
    "numpy==2.4.6",
    "scipy==1.17.1",
    "pyarrow==26.0.1",
    "opencv-python-headless==5.0.0.93",
    "pillow==13.0.0",
)
SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True, slots=True)
class Figure:
    """What one program took for one job: median seconds, largest peak memory in MB, and the output's size or 0."""

    seconds: float
    megabytes: float
    output: int = 0


def main() -> None:
    """Fetch what is missing, measure every job, print the table."""
    options = _arguments()
    wheels = _fetch(options.cache) if options.published else []
    print(f"{'job':8} {'wheel':44} {'auditwheel':>18} {'truewheel':>18} {'faster':>7} {'output':>8}")
    for wheel in [*wheels, *options.wheels]:
        _row("show", wheel, *_versus(["show", str(wheel)], options.runs))
    for wheel in options.wheels:
        _row("repair", wheel, *_versus(["repair", str(wheel)], options.runs, output=True))
    for wheel in wheels:
        _row("repair", wheel, *_versus(["repair", str(wheel)], options.runs, output=True))
    python = _measure([[sys.executable, "-c", "pass"], [str(SCRIPTS / "truewheel"), "--version"]], max(options.runs, 9))
    ratio = python[1].seconds / python[0].seconds
    print(f"\ntruewheel --version: {python[1].seconds * 1e3:.0f} ms, {ratio:.1f} times `python -c pass`")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="*", type=Path, help="unrepaired wheels for this machine")
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each program and job (3)")
    parser.add_argument("--no-published", dest="published", action="store_false", help="measure the named wheels only")
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "truewheel-benchmark"
    parser.add_argument("--cache", type=Path, default=default, help="where fetched wheels are kept")
    return parser.parse_args()


def _fetch(cache: Path) -> list[Path]:
    """Return the published wheels, fetched by pip when they are not in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    wheels = []
    for requirement in PUBLISHED:
        pattern = requirement.replace("-", "_").replace("==", "-") + "-*.whl"
        if not any(cache.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            command += ["--python-version=3.11", "--dest", str(cache), requirement]
            subprocess.run(command, check=True)
        wheels += sorted(cache.glob(pattern))[:1]
    return wheels


def _versus(arguments: list[str], runs: int, *, output: bool = False) -> list[Figure]:
    """Return the figures of auditwheel and of truewheel for one job."""
    commands = [[str(SCRIPTS / "auditwheel"), *arguments], [str(SCRIPTS / "truewheel"), *arguments]]
    return _measure(commands, runs, output=output)


def _measure(commands: list[list[str]], runs: int, *, output: bool = False) -> list[Figure]:
    times: list[list[float]] = [[] for _ in commands]
    memory = [0.0 for _ in commands]
    sizes = [0 for _ in commands]
    for run in range(runs + 1):
        for number, command in enumerate(commands):
            folder = Path(tempfile.mkdtemp(prefix="truewheel-benchmark-"))
            try:
                seconds, megabytes = _once([*command, "-w", str(folder)] if output else command)
                sizes[number] = sum(path.stat().st_size for path in folder.iterdir())
            finally:
                shutil.rmtree(folder)
            if run:
                times[number].append(seconds)
                memory[number] = max(memory[number], megabytes)
    return [Figure(statistics.median(times[n]), memory[n], sizes[n]) for n in range(len(commands))]


def _once(command: list[str]) -> tuple[float, float]:
    """Run a command to its end; return wall seconds and the peak memory of its largest process in MB."""
    start = time.perf_counter()
    environment = {**os.environ, "PATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss / 1000


def _row(job: str, wheel: Path, peer: Figure, ours: Figure) -> None:
    figures = " ".join(f"{figure.seconds * 1e3:8.0f} ms {figure.megabytes:4.0f} MB" for figure in (peer, ours))
    size = f"{ours.output / peer.output:8.3f}" if peer.output else ""
    print(f"{job:8} {wheel.name[:44]:44} {figures} {peer.seconds / ours.seconds:6.1f}x {size}", flush=True)


if __name__ == "__main__":
    main()
