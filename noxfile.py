"""The single parts of `python3 scripts/test.py`, and the same tests on every Python that is supported.

`nox --list` names the sessions.
"""

from __future__ import annotations

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def install_project(session: nox.Session, *groups: str) -> None:
    """Install the project (editable) and some of its dependency groups."""
    session.install("--editable", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, and who may import whom."""
    install_project(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, its tests and its scripts."""
    install_project(session, "test", "lint")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the quick tests: no compiler, no network."""
    install_project(session, "test")
    session.run("pytest", "--numprocesses", "auto", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that need compilers or other systems' files."""
    install_project(session, "test", "fixtures")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure time and memory, beside the peers; the script makes its own environment."""
    session.run("python", "scripts/benchmark.py", *session.posargs)


@nox.session
def fixtures(session: nox.Session) -> None:
    """Build every fixture again and compare it with the committed one."""
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "fixtures"))
    session.run("python", "scripts/build_fixtures.py", *(session.posargs or ["--check"]))
