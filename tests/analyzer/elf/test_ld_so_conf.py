from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.ld_so_conf import (
    configured_directories,
    library_directories,
    loader_name,
    system_directories,
)
from truewheel.analyzer.graph import SearchRule

if TYPE_CHECKING:
    from pathlib import Path


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_directories_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    _write(
        tmp_path, "etc/ld.so.conf", "/first\n  /second/ # the second\n# /not/this\n\n/third=libc6\nrelative\n/first\n"
    )
    assert configured_directories(str(tmp_path)) == ("/first", "/second", "/third")


def test_included_files_come_where_the_line_stands_and_sorted(tmp_path: Path) -> None:
    _write(tmp_path, "etc/ld.so.conf", "/before\ninclude ld.so.conf.d/*.conf\n/after\n")
    _write(tmp_path, "etc/ld.so.conf.d/b.conf", "/b\n")
    _write(tmp_path, "etc/ld.so.conf.d/a.conf", "/a\n")
    _write(tmp_path, "etc/ld.so.conf.d/.hidden.conf", "/hidden\n")
    _write(tmp_path, "etc/ld.so.conf.d/readme", "/readme\n")
    assert configured_directories(str(tmp_path)) == ("/before", "/a", "/b", "/after")


def test_an_include_lies_beside_the_file_that_says_it(tmp_path: Path) -> None:
    _write(tmp_path, "etc/ld.so.conf", "include deep/one.conf\n")
    _write(tmp_path, "etc/deep/one.conf", "include two.conf\ninclude /etc/d?ep/three.conf no/such/*.conf\n")
    _write(tmp_path, "etc/deep/two.conf", "/two\n")
    _write(tmp_path, "etc/deep/three.conf", "/three\n")
    assert configured_directories(str(tmp_path)) == ("/two", "/three")


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    _write(tmp_path, "etc/ld.so.conf", "/a\ninclude other.conf\n/c\n")
    _write(tmp_path, "etc/other.conf", "/b\ninclude ld.so.conf\ninclude other.conf\n")
    assert configured_directories(str(tmp_path)) == ("/a", "/b", "/c")


def test_an_absolute_link_to_a_configuration_stays_in_the_sysroot(tmp_path: Path) -> None:
    _write(tmp_path, "usr/share/conf.d/x.conf", "/x\n")
    _write(tmp_path, "etc/ld.so.conf", "include /etc/conf.d/*.conf\nhwcap 1 nosegneg\n")
    (tmp_path / "etc/conf.d").symlink_to("/usr/share/conf.d")
    assert configured_directories(str(tmp_path)) == ("/x",)


def test_nothing_is_configured_without_the_file(tmp_path: Path) -> None:
    assert configured_directories(str(tmp_path)) == ()
    (tmp_path / "etc/ld.so.conf").mkdir(parents=True)
    assert configured_directories(str(tmp_path)) == ()


def test_glibc_looks_in_configured_directories_before_its_own(tmp_path: Path) -> None:
    _write(tmp_path, "etc/ld.so.conf", "/opt/lib\n/usr/lib64\n")
    directories = system_directories(Libc.GLIBC, "x86_64", str(tmp_path))
    assert directories[:2] == (
        (f"{tmp_path}/opt/lib", SearchRule.CONFIGURED),
        (f"{tmp_path}/usr/lib64", SearchRule.CONFIGURED),
    )
    assert [path.removeprefix(str(tmp_path)) for path, rule in directories if rule is SearchRule.DEFAULT] == [
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib64",
        "/lib",
        "/usr/lib",
    ]


def test_default_directories_of_32_bits_and_of_unknown_architectures() -> None:
    assert [path for path, _ in system_directories(None, "i686", "/no/such")] == [
        "/no/such/lib/i386-linux-gnu",
        "/no/such/usr/lib/i386-linux-gnu",
        "/no/such/lib",
        "/no/such/usr/lib",
    ]
    assert library_directories("unsupported (mips)") == ("lib64", "lib")
    assert library_directories("riscv64") == ("lib/riscv64-linux-gnu", "lib64/lp64d", "lib64", "lib")


def test_musl_looks_in_three_directories_unless_its_path_file_says_otherwise(tmp_path: Path) -> None:
    root = str(tmp_path)
    default = tuple((f"{root}{path}", SearchRule.DEFAULT) for path in ("/lib", "/usr/local/lib", "/usr/lib"))
    assert system_directories(Libc.MUSL, "x86_64", root) == default
    _write(tmp_path, "etc/ld-musl-x86_64.path", "/one:/two\n/three\n")
    three = tuple((f"{root}{path}", SearchRule.CONFIGURED) for path in ("/one", "/two", "/three"))
    assert system_directories(Libc.MUSL, "x86_64", root) == three
    assert system_directories(Libc.MUSL, "aarch64", root) == default
    _write(tmp_path, "etc/ld-musl-armhf.path", "")
    assert system_directories(Libc.MUSL, "armv7l", root) == ()


def test_names_of_loaders() -> None:
    assert loader_name(Libc.MUSL, "i686") == "ld-musl-i386.so.1"
    assert loader_name(Libc.MUSL, "aarch64") == "ld-musl-aarch64.so.1"
    assert loader_name(Libc.GLIBC, "s390x") == "ld64.so.1"
    assert loader_name(Libc.GLIBC, "unsupported (x32)") == ""
