"""Where members land."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from truewheel.archive.layout import InstalledPath, Scheme, installed_path, relative

DATA = "foo-1.0.data"


def place(scheme: Scheme, path: str) -> InstalledPath:
    return InstalledPath(scheme, PurePosixPath(path))


@pytest.mark.parametrize(
    ("member", "scheme", "path"),
    [
        ("foo/_x.so", Scheme.PLATLIB, "foo/_x.so"),
        ("foo-1.0.dist-info/WHEEL", Scheme.PLATLIB, "foo-1.0.dist-info/WHEEL"),
        ("foo-1.0.data/platlib/foo/_y.so", Scheme.PLATLIB, "foo/_y.so"),
        ("foo-1.0.data/purelib/foo.py", Scheme.PURELIB, "foo.py"),
        ("foo-1.0.data/scripts/foo", Scheme.SCRIPTS, "foo"),
        ("foo-1.0.data/data/lib/libz.so", Scheme.DATA, "lib/libz.so"),
        ("foo-1.0.data/headers/foo.h", Scheme.HEADERS, "foo.h"),
        ("foo-1.0.database/x", Scheme.PLATLIB, "foo-1.0.database/x"),
    ],
)
def test_each_member_has_its_scheme(member: str, scheme: Scheme, path: str) -> None:
    assert installed_path(member, DATA, root_is_purelib=False) == place(scheme, path)


def test_the_root_follows_root_is_purelib() -> None:
    assert installed_path("foo.py", DATA, root_is_purelib=True) == place(Scheme.PURELIB, "foo.py")
    installed = installed_path(f"{DATA}/platlib/x.so", DATA, root_is_purelib=True)
    assert installed == place(Scheme.PLATLIB, "x.so")


@pytest.mark.parametrize("member", ["foo/", f"{DATA}/", f"{DATA}/scripts/", f"{DATA}/loose", f"{DATA}/unknown/x"])
def test_what_no_installer_places_is_none(member: str) -> None:
    assert installed_path(member, DATA, root_is_purelib=False) is None


@pytest.mark.parametrize(
    ("start", "to", "expected"),
    [
        ("foo", "foo.libs", "../foo.libs"),
        (".", "foo.libs", "foo.libs"),
        ("a/b/c", "a/b", ".."),
        ("a", "a", "."),
        ("a/b", "c/d/e.so", "../../c/d/e.so"),
    ],
)
def test_paths_within_one_scheme(start: str, to: str, expected: str) -> None:
    assert relative(place(Scheme.PLATLIB, start), place(Scheme.PLATLIB, to)) == expected


def test_no_path_leads_from_one_scheme_to_another() -> None:
    assert relative(place(Scheme.SCRIPTS, "."), place(Scheme.PLATLIB, "foo.libs")) is None
    assert relative(place(Scheme.PURELIB, "a"), place(Scheme.PLATLIB, "a")) is None
