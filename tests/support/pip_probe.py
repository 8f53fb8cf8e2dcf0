# ruff: noqa: ANN001, ANN002, ANN201, ANN202, ANN204, PLW0108, PTH108, SLOT001, T201, TRY300, UP004, UP010
# mypy: ignore-errors
"""Run by old_pips.py, in any Python from 2.7 on: prints what the pip on its command line looks for.

Reads a JSON list of requests from stdin, prints a JSON list of lists of tags. A request says what Python and the
system would answer: `version`, `implementation`, `config` (of sysconfig), `suffixes` (of extension modules), `system`,
`sys_platform`, `platform` (of sysconfig), `mac` (version told, machine, true version), `glibc`, `musl`, `elf` (class,
machine, flags), `wide`. Each is answered in a process of its own, so that nothing that pip remembers counts.
"""

from __future__ import print_function

import ctypes
import json
import os
import platform
import struct
import subprocess
import sys
import sysconfig
import tempfile

sys.path.insert(0, sys.argv[1])


def plain(value):
    """Return JSON values with the native kind of text."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else value.encode("ascii")


class VersionInfo(tuple):
    """Enough of sys.version_info."""

    major = property(lambda self: self[0])
    minor = property(lambda self: self[1])
    micro = property(lambda self: self[2])


class Answer(object):
    """What a started program would print."""

    def __init__(self, stdout):
        self.stdout = stdout


def load():
    """Return pip's function, imported while everything is as it is."""
    try:
        from pip._internal.utils.compatibility_tags import get_supported

        return get_supported
    except ImportError:
        pass
    try:
        from pip._internal.pep425tags import get_supported
    except ImportError:
        from pip.pep425tags import get_supported
    return get_supported


def pretend(request):
    """Let Python and the system answer what the request says."""
    config = request["config"]
    sysconfig.get_config_var = lambda name: config.get(name)
    sysconfig.get_platform = lambda: request["platform"]
    try:
        import distutils.util

        distutils.util.get_platform = lambda: request["platform"]
    except ImportError:
        pass
    pretend_system(request)
    pretend_interpreter(request)


def pretend_system(request):
    platform.system = lambda: request["system"]
    sys.platform = request["sys_platform"]
    if request.get("mac"):
        told, machine, true = request["mac"]
        platform.mac_ver = lambda *_: (told, ("", "", ""), machine)
        subprocess.run = lambda *_, **__: Answer(true)
    pretend_libc(request)


def pretend_libc(request):
    def confstr(_):
        if not request.get("glibc"):
            raise ValueError
        return "glibc " + request["glibc"]

    class Library(object):
        def __init__(self, *_):
            if request.get("glibc"):
                # ctypes functions take a restype
                self.gnu_get_libc_version = type("Function", (object,), {"__call__": lambda _: request["glibc"]})()

    os.confstr = confstr
    ctypes.CDLL = Library
    if request.get("elf"):
        size, machine, flags = request["elf"]
        pointers = {1: "III", 2: "QQQ"}[size]
        header = b"\x7fELF" + struct.pack("<BBBBB7x", size, 1, 1, 0, 0) + struct.pack("<HHI", 2, machine, 1)
        header += struct.pack("<" + pointers, 0, 0, 0) + struct.pack("<IHHHHHH", flags, 64, 56, 0, 64, 0, 0)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(header)
        sys.executable = file.name
    musl = sys.modules.get("pip._vendor.packaging._musllinux")
    if musl and request.get("musl"):
        version = type("Version", (object,), {"major": request["musl"][0], "minor": request["musl"][1]})
        musl._get_musl_version = lambda _: version  # noqa: SLF001 - it would start the system's loader


def pretend_interpreter(request):
    suffixes = request["suffixes"]
    try:
        from importlib import machinery

        machinery.EXTENSION_SUFFIXES[:] = suffixes
    except ImportError:
        import imp

        imp.get_suffixes = lambda: [(suffix, "rb", 3) for suffix in suffixes]
    tags = sys.modules.get("pip._vendor.packaging.tags")
    if tags:
        tags.EXTENSION_SUFFIXES = suffixes
    if request["implementation"] == "pypy":
        sys.pypy_version_info = VersionInfo((7, 3, 0))
    if hasattr(sys, "implementation"):
        sys.implementation.name = request["implementation"]
    platform.python_implementation = lambda: {"cpython": "CPython", "pypy": "PyPy"}[request["implementation"]]
    sys.maxunicode = 0x10FFFF if request["wide"] else 0xFFFF
    sys.version_info = VersionInfo(request["version"] + [0])


def answer(supported, request):
    """Answer one request in a process of its own."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        pretend(request)
        tags = ["-".join(tag) if isinstance(tag, tuple) else str(tag) for tag in supported()]
        if request.get("elf"):
            os.unlink(sys.executable)
        with os.fdopen(sink, "wb") as out:
            out.write("\n".join(tags).encode("ascii"))
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as told:
        text = told.read().decode("ascii")
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("pip failed on " + json.dumps(request))
    return text.split("\n")


def main():
    supported = load()
    print(json.dumps([answer(supported, plain(request)) for request in json.load(sys.stdin)]))


main()
