"""A CPython for musl, and small systems that hold it, musl's loader, and nothing else.

Debian has musl but no Python for it, so CPython is built here from Debian's source package with zig's compiler, which
brings musl's headers and start-up files. It has the modules that pip needs to install a wheel from a file.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from typing import TYPE_CHECKING, Final

import pytest

from support import cache, programs, real_projects, rootfs

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = "3.13"
SOURCE_SUITE: Final = "trixie"
TARGET: Final = "x86_64-linux-musl"
UNUSED_MODULES: Final = (
    *("_bz2", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_ctypes"),
    *("_curses", "_curses_panel", "_dbm", "_decimal", "_gdbm", "_hashlib", "_interpchannels", "_interpqueues"),
    *("_interpreters", "_lsprof", "_lzma", "_multiprocessing", "_posixshmem", "_sqlite3", "_ssl", "_tkinter", "_uuid"),
    *("nis", "readline", "resource", "syslog", "termios"),
)
UNUSED_FOLDERS: Final = ("ensurepip", "idlelib", "test", "tkinter", "turtledemo")
CONFIGURE: Final = (
    "--quiet",
    "--build=x86_64-linux-gnu",
    f"--host={TARGET}",
    "--prefix=/usr",
    "--disable-ipv6",
    "--disable-test-modules",
    "--without-ensurepip",
    "PKG_CONFIG=false",
    "CFLAGS=-O1 -g0 -w -Wno-date-time",  # zig's cache makes no sense of __DATE__
    "LDFLAGS=-s",
    "ac_cv_buggy_getaddrinfo=no",
    "ac_cv_file__dev_ptc=no",
    "ac_cv_file__dev_ptmx=no",
    "ac_cv_func_preadv2=no",  # musl has these two since 1.2.4 and 1.2.5; this Python must run on 1.2.3
    "ac_cv_func_pwritev2=no",
    "ac_cv_working_openssl_hashlib=no",
    "ac_cv_working_openssl_ssl=no",
    *(f"py_cv_module_{name}=n/a" for name in UNUSED_MODULES),
)


def root(suite: str) -> rootfs.Root:
    """Return a system with the musl of a Debian release (bookworm: 1.2.3, trixie: 1.2.5) and CPython."""
    programs.need_root()
    interpreter = python()
    start = (f"/usr/bin/python{VERSION}",)

    def make(folder: Path) -> None:
        rootfs.unpack(folder, suite, "amd64", ("base-files", "musl"))
        shutil.copytree(interpreter, folder, symlinks=True, dirs_exist_ok=True)
        rootfs.give_pip(rootfs.Root(folder, start))

    return rootfs.Root(cache.kept(f"{suite}-musl", (interpreter.name, rootfs.PIP), make), start)


def python() -> Path:
    """Return a folder with usr/bin/python3.13 for musl and its standard library; takes a minute the first time."""
    build_python = real_projects.find_python(VERSION)  # CPython is built by a CPython of the same version
    zig = programs.need_zig()

    def make(folder: Path) -> None:
        work = folder / "work"
        work.mkdir()
        compiler = write_compiler(work, zig)
        zlib = build_zlib(work, compiler, zig)
        source = source_of(f"python{VERSION}", work)
        settings = (f"CC={compiler}", f"CPP={compiler} -E -D__DEFINED_va_list", f"AR={zig} ar", "RANLIB=true")
        library = (f"ZLIB_CFLAGS=-I{zlib}", f"ZLIB_LIBS={zlib}/libz.a", f"--with-build-python={build_python}")
        environment = zig_environment(work)
        programs.run(["./configure", *CONFIGURE, *settings, *library], folder=source, environment=environment)
        jobs = f"-j{os.cpu_count() or 1}"
        programs.run(["make", "-s", jobs, "python", "sharedmods"], folder=source, environment=environment)
        collect(source, folder)
        shutil.rmtree(work)

    return cache.kept(f"musl-python{VERSION}", (CONFIGURE, UNUSED_FOLDERS), make)


def write_compiler(work: Path, zig: str) -> Path:
    """Write a program that compiles for musl and return its path; configure wants one word."""
    compiler = work / "musl-cc"
    compiler.write_text(f'#!/bin/sh\nexec "{zig}" cc -target {TARGET} -dynamic -fPIC "$@"\n', encoding="utf-8")
    compiler.chmod(0o755)
    return compiler


def zig_environment(work: Path) -> dict[str, str]:
    """Return where zig may keep its own cache."""
    return {"ZIG_GLOBAL_CACHE_DIR": str(work / "zig"), "ZIG_LOCAL_CACHE_DIR": str(work / "zig")}


def build_zlib(work: Path, compiler: Path, zig: str) -> Path:
    """Build a static zlib and return its folder, which has the headers also."""
    source = source_of("zlib", work)
    environment = {**zig_environment(work), "CC": str(compiler), "AR": f"{zig} ar", "RANLIB": "true"}
    programs.run(["./configure", "--static"], folder=source, environment=environment)
    programs.run(["make", "-s", "libz.a"], folder=source, environment=environment)
    return source


def source_of(package: str, work: Path) -> Path:
    """Download the upstream source of a Debian package, and return the folder it unpacks to."""
    download = work / package
    (download / "lists" / "partial").mkdir(parents=True)
    (download / "cache" / "archives" / "partial").mkdir(parents=True)
    mirrors = rootfs.mirror()
    if not mirrors:
        pytest.skip("needs a Debian mirror in this machine's list of package sources")
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (download / "sources.list").write_text(
        f"deb-src [signed-by={keyring}] {mirrors[0]} {SOURCE_SUITE} main\n", encoding="utf-8"
    )
    options = {
        "Dir::Etc::SourceList": download / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": download / "lists",
        "Dir::Cache": download / "cache",
        "APT::Sandbox::User": "root",  # the cache may lie in a home folder
    }
    apt = [programs.need("apt-get"), "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    programs.run([*apt, "update"], folder=download)
    programs.run([*apt, "source", "--download-only", "--tar-only", package], folder=download)
    (archive,) = download.glob("*.orig.tar.*")
    with tarfile.open(archive) as tar:
        tar.extractall(download / "source", filter="tar")
    (source,) = (download / "source").iterdir()
    return source


def collect(source: Path, folder: Path) -> None:
    """Put the built interpreter, its extension modules and its library where they lie on a system."""
    library = folder / "usr" / "lib" / f"python{VERSION}"
    shutil.copytree(source / "Lib", library, ignore=shutil.ignore_patterns(*UNUSED_FOLDERS))
    built = source / (source / "pybuilddir.txt").read_text(encoding="utf-8")
    (library / "lib-dynload").mkdir()
    for path in built.iterdir():
        shutil.copy(path, library / ("lib-dynload" if path.suffix == ".so" else ""))
    (folder / "usr" / "bin").mkdir()
    shutil.copy(source / "python", folder / "usr" / "bin" / f"python{VERSION}")
