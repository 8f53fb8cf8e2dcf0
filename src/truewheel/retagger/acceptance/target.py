"""A target: an interpreter on a system, and the installer that it uses. `ubuntu-22.04 cp312` names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError
from truewheel.retagger.acceptance.facts import facts
from truewheel.retagger.acceptance.installers import installers, newest_for, parse_installer
from truewheel.retagger.acceptance.interpreters import builds, builds_for, parse_interpreter
from truewheel.retagger.acceptance.systems import Family, parse_system, pyodide_of, with_architecture

if TYPE_CHECKING:
    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.interpreters import Build, Interpreter
    from truewheel.retagger.acceptance.systems import TargetSystem

_FORM = "a target is a system, a Python and perhaps an installer: 'ubuntu-22.04 cp312', 'macos-10.9 cp34 pip-1.5.6'"


class Target(NamedTuple):
    """An interpreter, the system it runs on, and the installer. build: on macOS, who built the interpreter."""

    interpreter: Interpreter
    system: TargetSystem
    installer: Installer
    build: Build | None = None

    @property
    def says(self) -> str:
        """What a person is told of it."""
        python = self.interpreter.name
        python = f"CPython {python}" if python[0].isdigit() else python
        built = f" of {self.build.name}" if self.build and self.installer.macos != "machine" else ""
        return f"{python}{built} on {self.system.says} with {self.installer.name}"


def parse_target(text: str) -> Target:
    """Return the target that words name, in any order: a system, an architecture, a Python, an installer, a build.

    Without an installer, the newest pip that runs on the Python. Without an architecture, the usual one of the system.
    Without a build, that of python.org. Without its version, the Pyodide that has the Python. Raises UsageError for
    words that name nothing, or for a missing one.
    """
    words = text.lower().split()
    any_pyodide = "pyodide" in words
    system, words = _system(text, words)
    interpreter, words = _interpreter(text, words, system)
    if any_pyodide:
        system = pyodide_of(interpreter.version) or system
    installer, words = _installer(words, interpreter)
    fitting = builds_for(interpreter, system.version, system.architecture) if system.family is Family.MACOS else ()
    build = fitting[0] if fitting else None
    for word in words:
        named = [item for item in fitting if word in (item.name, *item.also)]
        if not named:
            raise UsageError(f"{word!r} is nothing that a target is made of", where=text, hint=_near(word))
        build = named[0]
    return Target(interpreter, system, installer, build)


def _system(text: str, words: list[str]) -> tuple[TargetSystem, list[str]]:
    found = [(word, system) for word in words if (system := parse_system(word))]
    if len(found) != 1:
        what = "names no system" if not found else f"names several systems: {', '.join(word for word, _ in found)}"
        hints = [hint for word in words if (hint := _near(word))] if not found else []
        raise UsageError(f"the target {what}", where=text, hint=hints[0] if hints else _FORM)
    word, system = found[0]
    rest = [other for other in words if other != word]
    for other in rest:
        if parse_interpreter(other) is None and (changed := with_architecture(system, other)):
            return changed, [left for left in rest if left != other]
    return system, rest


def _interpreter(text: str, words: list[str], system: TargetSystem) -> tuple[Interpreter, list[str]]:
    wide = system.family in (Family.GLIBC, Family.MUSL)
    found = [(word, item) for word in words if (item := parse_interpreter(word, wide=wide))]
    if len(found) != 1:
        what = "names no Python" if not found else f"names several Pythons: {', '.join(word for word, _ in found)}"
        raise UsageError(f"the target {what}", where=text, hint=_FORM)
    word, interpreter = found[0]
    return interpreter, [other for other in words if other != word]


def _installer(words: list[str], interpreter: Interpreter) -> tuple[Installer, list[str]]:
    for word in words:
        found = parse_installer(word)
        if found is not None:
            rest = [other for other in words if other != word]
            return (newest_for(interpreter.version) if isinstance(found, str) else found), rest
    return newest_for(interpreter.version), words


def _near(word: str) -> str:
    """Return a hint with known words that look like this one; empty when none does."""
    from difflib import get_close_matches

    known = [
        *facts("distributions")["glibc"],
        *facts("distributions")["musl"],
        *(f"macos-{version}" for version in ("10.9", "11", "14", "26")),
        *("windows", "pyodide", "android-24", "ios-17.0", "glibc-2.28", "musl-1.2"),
        *sorted({installer.program for installer in installers()}),
        *sorted({name for build in builds() for name in (build.name, *build.also)}),
    ]
    close = get_close_matches(word, known, 3, 0.6)
    return f"did you mean {' or '.join(close)}?" if close else ""
