"""Runs everything that must pass before a change is good: lint, types, import contracts, tests, coverage.

    python3 scripts/test.py           what every change must pass; needs Python and pip, no compiler
    python3 scripts/test.py --slow    and the tests that need compilers or other systems' files

Each step prints one line; what a step has to say is printed when it fails. The environment it works in lies in
build/ and is made again only when pyproject.toml changes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from environment import BUILD, ROOT, SetupError, program_of, project_environment, python_of

if TYPE_CHECKING:
    from pathlib import Path

COVERAGE_FLOOR = 95.0
"""Percent, for lines and for branches."""

SLOW_PACKAGES = (
    "gcc libc6-dev binutils pkg-config",  # build and inspect
    "python3-dev python3-pip",
    "musl elfutils llvm",  # another C library, and judges of edited files
    "mmdebstrap qemu-user-static",  # systems that lack the libraries, also of other architectures
    "libpq-dev",  # psycopg2
    "libxml2-dev libxslt1-dev",  # lxml
    "libjpeg-dev libtiff-dev libwebp-dev libfreetype-dev",  # pillow
    "libcairo2-dev",  # pycairo
)
"""Debian packages of the slow tests."""


def step(name: str, command: list[str]) -> bool:
    """Run one step, print its line, and its output if it failed."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    passed = done.returncode == 0
    print(f"{name:<18}{'ok' if passed else 'FAILED':<8}{time.monotonic() - started:6.1f} s", flush=True)
    if not passed:
        print(done.stdout.rstrip(), flush=True)
    return passed


def run_checks(environment: Path) -> list[str]:
    """Run everything but the tests; return the names of the steps that failed."""

    def program(name: str, *arguments: str) -> list[str]:
        return [str(program_of(environment, name)), *arguments]

    steps = {
        "ruff check": program("ruff", "check", "--quiet"),
        "ruff format": program("ruff", "format", "--check", "--quiet"),
        "mypy": program("mypy"),
        "import contracts": program("lint-imports"),
    }
    return [name for name, command in steps.items() if not step(name, command)]


def run_tests(environment: Path, name: str, *arguments: str) -> bool:
    """Run pytest and let it speak for itself; its closing line is the last."""
    print(f"{name}:", flush=True)
    command = [str(python_of(environment)), "-m", "pytest", "--quiet", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def coverage_gaps(report: Path) -> list[str]:
    """Return what of the measured coverage is under the floor."""
    totals = json.loads(report.read_text("utf-8"))["totals"]
    measured = {
        "lines": (totals["covered_lines"], totals["num_statements"]),
        "branches": (totals["covered_branches"], totals["num_branches"]),
    }
    percent = {kind: 100 * covered / count for kind, (covered, count) in measured.items() if count}
    return [f"coverage of {kind}: {value:.1f} %" for kind, value in percent.items() if value < COVERAGE_FLOOR]


def run_quick_tests(environment: Path) -> list[str]:
    """Run the tests of the default run with their coverage; return what failed."""
    report = BUILD / "coverage.json"
    report.unlink(missing_ok=True)
    workers = str(min(os.cpu_count() or 1, 4))
    coverage = ["--cov", "--cov-report=term", f"--cov-report=json:{report}", "--cov-fail-under=0"]
    passed = run_tests(environment, "tests", "--numprocesses", workers, *coverage)
    return [*([] if passed else ["tests"]), *(coverage_gaps(report) if report.is_file() else ["coverage"])]


def install_slow_packages() -> None:
    """Install what the slow tests need, if this is Debian and we may; say what is missing otherwise."""
    packages = " ".join(SLOW_PACKAGES).split()
    if shutil.which("dpkg-query") is None:
        print("slow tests need, under their names in Debian:", *packages)
        return
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *packages]
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    missing = sorted(set(packages) - {line.split()[0] for line in shown if line.endswith(" installed")})
    if not missing:
        return
    if os.geteuid() != 0:
        print("slow tests need, and nobody but root can install:", *missing)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for command in ([*apt, "update"], [*apt, "install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(f"{' '.join(command)} failed:\n{done.stderr.rstrip()}")


def main() -> int:
    """Run the steps; return 1 when any failed."""
    parser = argparse.ArgumentParser(description="Run the checks and the tests.")
    parser.add_argument("--slow", action="store_true", help="run the slow tests also")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        groups = ("test", "lint", "fixtures") if options.slow else ("test", "lint")
        environment = project_environment("slow" if options.slow else "test", groups)
        print(f"{'environment':<18}{'ok':<8}{time.monotonic() - started:6.1f} s", flush=True)
        failed = run_checks(environment) + run_quick_tests(environment)
        if options.slow:
            install_slow_packages()
            failed += [] if run_tests(environment, "slow tests", "-m", "slow") else ["slow tests"]
    except SetupError as error:
        print(f"test: {error}", file=sys.stderr)
        return 1
    if failed:
        print("FAILED:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
