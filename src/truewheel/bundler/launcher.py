"""The script that takes the place of a native executable in `.data/scripts`.

An executable that needs bundled libraries must lie at a known distance from them, and the folder of scripts has none:
it differs between a venv, `--prefix`, `--user`, `--target` and a system's own layout. So the executable moves beside
the packages, and this script finds it there and becomes it. Installers replace the `#!python` of such a script by the
interpreter that they install for (the binary distribution format, PEP 427).
"""

from __future__ import annotations

_SCRIPT = '''\
#!python
# -*- coding: utf-8 -*-
"""Starts the program of the same name, which is installed beside the packages."""
import glob
import os
import sys

DISTRIBUTION = @DISTRIBUTION@
PROGRAM = os.path.join(@DIRECTORY@, @EXECUTABLE@)


def folders_near_this_script():
    """Yield where packages are installed together with this script, the running Python's version first."""
    version = "%d.%d" % sys.version_info[:2]
    script = os.path.abspath(__file__)
    for place in (os.path.realpath(script), script):
        base = os.path.dirname(os.path.dirname(place))
        for pattern in ("lib*/python" + version, "lib*/pypy" + version, "lib*/py*"):
            for lib in sorted(glob.glob(os.path.join(base, pattern))):
                yield os.path.join(lib, "site-packages")
                yield os.path.join(lib, "dist-packages")
        yield os.path.join(base, "site-packages")
        yield base


def folders_of_this_python():
    """Yield where the running Python looks for packages."""
    try:
        from importlib.metadata import distribution
        yield str(distribution(DISTRIBUTION).locate_file(""))
    except Exception:
        pass
    for entry in sys.path:
        yield entry
    import sysconfig
    for scheme in sysconfig.get_scheme_names():
        for name in ("platlib", "purelib"):
            try:
                yield sysconfig.get_path(name, scheme)
            except Exception:
                pass


def main():
    tried = []
    for folders in (folders_near_this_script, folders_of_this_python):
        for folder in folders():
            program = os.path.join(folder or os.curdir, PROGRAM)
            if program not in tried:
                tried.append(program)
                if os.path.isfile(program):
                    try:
                        os.execv(program, sys.argv)
                    except OSError as error:
                        sys.stderr.write("%s cannot be started: %s\\n" % (program, error.strerror))
                        return 126
    sys.stderr.write("%s is not installed; install %s again. Looked for:\\n" % (PROGRAM, DISTRIBUTION))
    sys.stderr.write("".join("  %s\\n" % program for program in tried))
    return 127


if __name__ == "__main__":
    sys.exit(main())
'''


def launcher(distribution: str, directory: str, executable: str) -> bytes:
    """Return the script that starts `<directory>/<executable>` among the installed packages of `distribution`.

    directory: relative to the folder of platform-specific packages (platlib). The script runs on Python 2.7 and newer,
    passes its arguments on, and keeps its own name as the program's first argument. It ends with 127 when the program
    is not found and with 126 when it cannot be started.
    """
    script = _SCRIPT
    for mark, value in (("@DISTRIBUTION@", distribution), ("@DIRECTORY@", directory), ("@EXECUTABLE@", executable)):
        script = script.replace(mark, ascii(value))
    return script.encode("ascii")
