"""Shows truewheel at work: a wheel that cannot be imported, what is wrong with it, the repair, the import that works.

    python3 scripts/demo.py

Needs Python and pip. Everything it makes lies in build/. The wheel and the libraries it lacks are small ones from
fixtures/, built for Linux with glibc on x86_64 and aarch64; on another host the wheel is repaired but not imported.
At the end the same wheel for Macs is repaired, on whatever host this is.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from typing import TYPE_CHECKING

from environment import BUILD, ROOT, SetupError, program_of, project_environment, python_of

if TYPE_CHECKING:
    from pathlib import Path

DEMO = BUILD / "demo"
GREETING = "hello from libgreet 1, libtone 2"


class DemoError(Exception):
    """Something did not go as the demo says."""


def main() -> int:
    """Run the demo; return 1 when anything went otherwise than shown."""
    try:
        environment = project_environment("demo")
        demonstrate(environment)
    except (SetupError, DemoError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def demonstrate(environment: Path) -> None:
    """Tell the story from the wheel as built to the import that works."""
    shutil.rmtree(DEMO, ignore_errors=True)
    architecture, obstacle = host()
    wheel = ROOT / f"fixtures/wheels/hello-1.0-cp310-abi3-linux_{architecture}.whl"
    libraries = ROOT / f"fixtures/elf/{architecture}"

    say("1. A wheel as it was built. Its extension module needs libgreet.so.1, which no system has.")
    if obstacle:
        print(f"It is not imported here: {obstacle}.")
    else:
        ending = import_wheel(environment, wheel, "before")
        if "libgreet.so.1" not in ending:
            raise DemoError("the unrepaired wheel was expected to miss libgreet.so.1")

    say("2. What truewheel sees in it.")
    truewheel(environment, "show", relative(wheel))

    say("3. The repair. The libraries lie in a folder of their own.")
    repaired = repair(environment, wheel, libraries, DEMO / "wheelhouse")

    say("4. What changed.")
    print_changes(wheel, repaired)

    say("5. The repaired wheel in a new environment, without that folder.")
    if obstacle:
        print(f"It is not imported here: {obstacle}.")
    elif import_wheel(environment, repaired, "after") != GREETING:
        raise DemoError(f"the repaired wheel was expected to say: {GREETING}")

    say("6. The same for a wheel for Macs, on this host: names changed and code signed, without a tool of Apple's.")
    wheel = ROOT / "fixtures/wheels/macos/hello-1.0-cp310-abi3-macosx_11_0_universal2.whl"
    libraries = ROOT / "fixtures/macho/universal2"
    print_changes(wheel, repair(environment, wheel, libraries, DEMO / "wheelhouse-macos"))


def repair(environment: Path, wheel: Path, libraries: Path, wheelhouse: Path) -> Path:
    """Repair a wheel that lacks these libraries, and return the new one."""
    arguments = ["repair", "--lib-path", relative(libraries), "-w", relative(wheelhouse), relative(wheel)]
    if truewheel(environment, *arguments):
        raise DemoError("the repair failed")
    (repaired,) = wheelhouse.glob("*.whl")
    return repaired


def host() -> tuple[str, str]:
    """Return the architecture of the wheel to show, and why this host cannot import it (empty if it can)."""
    name = sysconfig.get_platform()
    architecture = name.removeprefix("linux-")
    if architecture not in ("x86_64", "aarch64"):
        return "x86_64", f"it is for Linux on x86_64, and this is {name}"
    if platform.libc_ver()[0] != "glibc":
        return architecture, "it is for glibc, and this Linux has another C library"
    if sys.implementation.name != "cpython":
        return architecture, f"it is for CPython, and this is {platform.python_implementation()}"
    return architecture, ""


def import_wheel(environment: Path, wheel: Path, name: str) -> str:
    """Install a wheel into an environment of its own, import it, and return the last line that Python printed."""
    fresh = DEMO / name
    venv.create(fresh, symlinks=True, with_pip=False)
    pip = [str(python_of(environment)), "-m", "pip", "--disable-pip-version-check", "--python", str(python_of(fresh))]
    print(f"$ pip install {relative(wheel)}", flush=True)
    if run([*pip, "--quiet", "install", "--no-index", "--no-deps", str(wheel)])[0]:
        raise DemoError(f"pip refuses {wheel.name}")
    code = "import hello; print(hello.greet())"
    print(f"$ python -c {shlex.quote(code)}", flush=True)
    lines = run([str(python_of(fresh)), "-I", "-c", code])[1].splitlines()
    print(lines[-1])
    return lines[-1]


def truewheel(environment: Path, *arguments: str) -> int:
    """Run one command of truewheel, show it with its output, and return its exit code."""
    print(f"$ truewheel {shlex.join(arguments)}", flush=True)
    code, output = run([str(program_of(environment, "truewheel")), *arguments])
    print(output.rstrip())
    return code


def run(command: list[str]) -> tuple[int, str]:
    """Run a program where no variable helps the loader; return its exit code and all it printed."""
    helped = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        command, cwd=ROOT, env=helped, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def print_changes(before: Path, after: Path) -> None:
    """Print what the repair did to the name and to each member."""
    print(f"  name     {before.name}\n        -> {after.name}")
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after) as new:
        was = {entry.filename: entry for entry in old.infolist() if not entry.is_dir()}
        now = {entry.filename: entry for entry in new.infolist() if not entry.is_dir()}
    for name in sorted({*was, *now}):
        if name not in was:
            print(f"  new      {name} ({now[name].file_size} bytes)")
        elif name not in now:
            print(f"  removed  {name}")
        elif was[name].CRC != now[name].CRC:
            print(f"  changed  {name} ({was[name].file_size} -> {now[name].file_size} bytes)")
        else:
            print(f"  kept     {name}")


def say(headline: str) -> None:
    """Print the headline of a chapter."""
    print(f"\n{headline}\n", flush=True)


def relative(path: Path) -> str:
    """Return a path as it reads from the root of the repository."""
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
