"""Library names that mean something by themselves on macOS: the system's, Swift's, the Python interpreter, frameworks.

Sources: hier(7) and dyld(1) of macOS; `getFrameworkPartialPath` of Apple's dyld; the file names that CPython's and
PyPy's builds give their libraries and frameworks. Everything is decided by the name alone: since macOS 11 the system's
libraries live in one cache and are no files, and a host that is no Mac has none of them.
"""

from __future__ import annotations

import posixpath
import re

_DATA_VOLUME = "/System/Volumes/Data"
"""Where the volume with the users' files is mounted; its folders are also found without this prefix (firmlinks)."""
_SYSTEM_ROOTS = ("/usr/lib/", "/System/")
SWIFT_SINCE = (10, 14, 4)
"""The first macOS with Swift's own libraries in `/usr/lib/swift`."""
_SWIFT = re.compile(r"@rpath/libswift\w+\.dylib")
_PYTHON_LIBRARY = re.compile(r"libpython\d+(?:\.\d+)?[a-z]*\.dylib|libpypy[-.\w]*-c\.dylib")
_PYTHON_FRAMEWORK = re.compile(r"(?:^|/)(Python[T3]?)\.framework/(?:Versions/[^/]+/)?\1(?:_debug)?$")
_FRAMEWORK = ".framework/"
_DYLIB = ".dylib"


def firmlink_target(path: str) -> str:
    """Return where an absolute path lies without the data volume's prefix: `/System/Volumes/Data/opt/x` is `/opt/x`."""
    rest = path.removeprefix(_DATA_VOLUME)
    return rest if rest.startswith("/") and rest != path else path


def is_system(path: str) -> bool:
    """Whether an absolute path of a Mac belongs to the system, be there a file or not.

    `/usr/lib/` and `/System/` do; their look-alikes (`/usr/libexec`, `/usr/lib64`, `/SystemFoo`) do not, nor what
    others install (`/usr/local/lib`), nor the users' files below `/System/Volumes/Data`.
    """
    if not path.startswith("/"):
        return False
    return firmlink_target(posixpath.normpath(path)).startswith(_SYSTEM_ROOTS)


def is_swift(name: str) -> bool:
    """Whether a name is one of Swift's own libraries, which macOS has in `/usr/lib/swift` since 10.14.4."""
    return bool(_SWIFT.fullmatch(name))


def is_interpreter(name: str) -> bool:
    """Whether a name is the Python interpreter as a library or a framework.

    `libpython3.13t.dylib`, `Python.framework/Versions/3.13/Python`, Apple's `Python3.framework`, the free-threaded
    `PythonT.framework`, `libpypy3.11-c.dylib`.
    """
    return bool(_PYTHON_LIBRARY.fullmatch(leaf(name)) or _PYTHON_FRAMEWORK.search(name))


def leaf(name: str) -> str:
    """Return the last part of a name."""
    return name.rpartition("/")[2]


def framework_path(name: str) -> str | None:
    """Return the part of a framework's name that starts with its folder; None for any other name.

    `@rpath/QtCore.framework/Versions/A/QtCore` gives `QtCore.framework/Versions/A/QtCore`. A library that only lies in
    a framework (`Foo.framework/Libraries/libx.dylib`) is an ordinary library.
    """
    end = name.rfind(_FRAMEWORK)
    if end < 0:
        return None
    start = name.rfind("/", 0, end) + 1
    return name[start:] if start < end and name[start:end] == leaf(name) else None


def searched_name(name: str) -> str:
    """Return what dyld looks for in the folders of its variables: a framework's partial path, else the last part."""
    return framework_path(name) or leaf(name)


def name_stems(name: str) -> tuple[str, ...]:
    """Return the names that a person may mean `name` by: itself, its last part, without version, without `.dylib`.

    `/opt/lib/libfoo.1.2.dylib` gives itself, `libfoo.1.2.dylib`, `libfoo.dylib`, `libfoo`; a framework's binary gives
    itself, its partial path, `QtCore.framework` and `QtCore`.
    """
    last = leaf(name)
    framework = framework_path(name)
    if framework is not None:
        return tuple(dict.fromkeys((name, framework, f"{last}.framework", last)))
    if not last.endswith(_DYLIB):
        return tuple(dict.fromkeys((name, last)))
    stem = _without_version(last.removesuffix(_DYLIB))
    return tuple(dict.fromkeys((name, last, stem + _DYLIB, stem)))


def _without_version(stem: str) -> str:
    """Drop numbers and single capital letters from the end: `libfoo.1.2` and `libfoo.B` give `libfoo`."""
    end = len(stem)
    while (dot := stem.rfind(".", 0, end)) > 0:
        part = stem[dot + 1 : end]
        if not (part.isdigit() or (len(part) == 1 and part.isupper())):
            break
        end = dot
    return stem[:end]
