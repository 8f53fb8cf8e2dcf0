"""Runs x86_64 code for macOS in a process of its own, through the test loader in minidyld.py."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.hello import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.hello import Outcome

TESTS = Path(__file__).resolve().parents[1]

runs_mac_code = pytest.mark.skipif(
    not (
        sys.platform == "linux"
        and platform.machine() == "x86_64"
        and platform.libc_ver()[0] == "glibc"
        and sys.implementation.name == "cpython"
        and sys.maxsize > 2**32
    ),
    reason="maps x86_64 code that calls the C API into a Linux process, which this interpreter cannot",
)
"""For tests of this kind: they need CPython for x86_64 Linux with glibc, which CI has."""


def run_python(site: Path, code: str) -> Outcome:
    """Run Python code that may import extension modules for macOS from `site`."""
    return _run([site], f"import support.minidyld\nsupport.minidyld.install()\n{code}")


def call(library: Path, function: str, result: str = "c_char_p", arguments: Sequence[object] = ()) -> Outcome:
    """Load a library, call one of its functions, and print what it returns, a type of ctypes.

    `arguments` are numbers and bytes, which ctypes passes as C integers and pointers.
    """
    lines = (
        "import ctypes, support.minidyld",
        "from pathlib import Path",
        "dyld = support.minidyld.Dyld()",
        f"image = dyld.open(Path({str(library)!r}))",
        f"function = ctypes.CFUNCTYPE(ctypes.{result})(dyld.address_of(image, {function!r}))",
        f"answer = function(*{tuple(arguments)!r})",
        "print(answer.decode() if isinstance(answer, bytes) else answer)",
    )
    return _run([], "\n".join(lines))


def run_program(path: Path, *arguments: str) -> Outcome:
    """Run a program for macOS; its exit code is what its main function returns."""
    lines = (
        "import sys, support.minidyld",
        "from pathlib import Path",
        f"sys.exit(support.minidyld.Dyld().run(Path({str(path)!r}), {list(arguments)!r}))",
    )
    return _run([], "\n".join(lines))


def _run(folders: Sequence[Path], code: str) -> Outcome:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LD_", "PYTHON", "COV"))}
    clean["PYTHONPATH"] = os.pathsep.join(map(str, (*folders, TESTS)))
    return run([sys.executable, "-c", code], clean)
