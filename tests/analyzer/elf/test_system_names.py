from __future__ import annotations

import pytest

from support.images import image
from truewheel.analyzer.elf.image import Libc, SymbolNeed
from truewheel.analyzer.elf.system_names import (
    is_c_library,
    is_interpreter,
    is_loader,
    libc_of_file_name,
    name_stems,
    own_libc,
)


@pytest.mark.parametrize(
    "name",
    [
        "ld-linux-x86-64.so.2",
        "ld-linux.so.2",
        "ld-linux.so.3",
        "ld-linux-armhf.so.3",
        "ld-linux-aarch64.so.1",
        "ld-linux-riscv64-lp64d.so.1",
        "ld-linux-loongarch-lp64d.so.1",
        "ld64.so.1",
        "ld64.so.2",
        "ld.so.1",
        "ld-musl-x86_64.so.1",
        "linux-vdso.so.1",
        "linux-vdso64.so.1",
        "linux-gate.so.1",
    ],
)
def test_loaders_are_told_by_name(name: str) -> None:
    assert is_loader(name, None)
    assert is_c_library(name)


@pytest.mark.parametrize("name", ["libld.so.1", "ld-linuxish.txt", "libc.so.6", "ld64.so.3x", "libc.so"])
def test_other_names_are_no_loader_of_glibc(name: str) -> None:
    assert not is_loader(name, Libc.GLIBC)


@pytest.mark.parametrize("name", ["libc.so", "libc.so.6", "libm.so.6", "libpthread.so.0", "libc.musl-x86_64.so.1"])
def test_musl_answers_reserved_names_itself(name: str) -> None:
    assert is_loader(name, Libc.MUSL)


@pytest.mark.parametrize("name", ["libcrypt.so.1", "libmount.so.1", "libresolv.so.2", "libcares.so.2"])
def test_musl_searches_for_names_that_only_start_alike(name: str) -> None:
    assert not is_loader(name, Libc.MUSL)


@pytest.mark.parametrize("name", ["libc.so.6", "libmvec.so.1", "libnss_dns.so.2", "libc.musl-armhf.so.1", "libc.so"])
def test_the_c_library_family(name: str) -> None:
    assert is_c_library(name)


@pytest.mark.parametrize("name", ["libstdc++.so.6", "libcrypt.so.1", "libm.so", "libcurl.so.4"])
def test_what_is_no_c_library(name: str) -> None:
    assert not is_c_library(name)


@pytest.mark.parametrize(
    "name",
    [
        "libpython3.13t.so.1.0",
        "libpython3.11.so.1.0",
        "libpython3.7m.so.1.0",
        "libpython3.12d.so",
        "libpython3.so",
        "libpypy3.11-c.so",
        "libpypy3-c.so",
        "libpypy-c.so",
    ],
)
def test_the_interpreter_is_told_by_name(name: str) -> None:
    assert is_interpreter(name)


@pytest.mark.parametrize("name", ["libpythonic.so.1", "libpython3.11.a", "libboost_python311.so.1.74.0", "libpypy.so"])
def test_what_is_no_interpreter(name: str) -> None:
    assert not is_interpreter(name)


def test_a_file_tells_its_libc_by_interpreter_then_needed_names_then_versions() -> None:
    assert own_libc(image("libc.so.6", interpreter="/lib/ld-musl-x86_64.so.1")) is Libc.MUSL
    assert own_libc(image(interpreter="/lib64/ld-linux-x86-64.so.2")) is Libc.GLIBC
    assert own_libc(image("libz.so.1", "libc.so.6")) is Libc.GLIBC
    assert own_libc(image("libm.so.6", interpreter="/nix/store/loader")) is Libc.GLIBC
    assert own_libc(image("libz.so.1", "libc.musl-x86_64.so.1")) is Libc.MUSL
    assert own_libc(image("libc.so")) is Libc.MUSL
    assert own_libc(image("ld-linux-x86-64.so.2")) is Libc.GLIBC
    versioned = image("libz.so.1")._replace(symbol_needs=(SymbolNeed("libz.so.1", "GLIBC_2.17"),))
    assert own_libc(versioned) is Libc.GLIBC
    assert own_libc(image("libz.so.1", "libstdc++.so.6")) is None


def test_the_suffix_of_a_module_tells_the_libc() -> None:
    assert libc_of_file_name("a/b.cpython-311-x86_64-linux-musl.so") is Libc.MUSL
    assert libc_of_file_name("b.cpython-311-x86_64-linux-gnu.so") is Libc.GLIBC
    assert libc_of_file_name("b.cpython-39-arm-linux-gnueabihf.so") is Libc.GLIBC
    assert libc_of_file_name("b.cpython-39-arm-linux-musleabihf.so") is Libc.MUSL
    assert libc_of_file_name("b.abi3.so") is None


def test_stems_leave_out_version_and_ending() -> None:
    assert name_stems("librocblas.so.5") == ("librocblas.so.5", "librocblas.so", "librocblas")
    assert name_stems("libfoo-1.2.so.3.4") == ("libfoo-1.2.so.3.4", "libfoo-1.2.so", "libfoo-1.2")
    assert name_stems("nodot") == ("nodot",)
