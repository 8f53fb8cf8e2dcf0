from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from truewheel.bundler.packages.owners import Package, owners

OS_RELEASE = 'NAME="Some Linux"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
STATUS = """\
Package: libpq5
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: postgresql-15
Version: 15.18-0+deb12u1
Description: library
 Version: of the description, not of the package

Package: libcom-err2
Status: install ok installed
Architecture: amd64
Source: e2fsprogs (1.47.0-2)
Version: 1.47.0-2+b2

Package: libpq5
Status: install ok installed
Architecture: i386
Source: postgresql-15
Version: 15.17-1
"""
APK = """\
C:Q1abc=
P:libpq
V:16.3-r0
A:x86_64
L:PostgreSQL
o:postgresql16
F:usr
F:usr/lib
R:libpq.so.5.16
a:0:0:755
Z:Q1x=

C:Q1def=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
F:lib
R:ld-musl-x86_64.so.1
"""


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    write(
        tmp_path,
        {
            "etc/os-release": OS_RELEASE,
            "var/lib/dpkg/status": STATUS,
            "var/lib/dpkg/info/libpq5:amd64.list": "/.\n/usr/lib/x86_64-linux-gnu/libpq.so.5.15\n",
            "var/lib/dpkg/info/libpq5:i386.list": "/.\n/usr/lib/i386-linux-gnu/libpq.so.5.15\n",
            "var/lib/dpkg/info/libcom-err2:amd64.list": "/.\n/lib\n/lib/x86_64-linux-gnu/libcom_err.so.2.1\n",
            "var/lib/dpkg/info/gone:amd64.list": "/.\n/usr/lib/x86_64-linux-gnu/libgone.so.1\n",
            "usr/share/doc/postgresql-common/copyright": "The PostgreSQL Licence\n",
        },
    )
    (tmp_path / "usr/share/doc/libpq5").symlink_to("/usr/share/doc/postgresql-common")
    return tmp_path


def test_dpkg_knows_the_package_its_source_and_its_licence(debian: Path) -> None:
    path = f"{debian}/usr/lib/x86_64-linux-gnu/libpq.so.5.15"
    assert owners([path], debian) == {
        path: Package(
            kind="deb",
            name="libpq5",
            version="15.18-0+deb12u1",
            architecture="amd64",
            namespace="debian",
            distro="debian-12",
            licence_files=(f"{debian}/usr/share/doc/postgresql-common/copyright",),
            source="postgresql-15@15.18-0+deb12u1",
        )
    }


def test_dpkg_tells_two_architectures_of_a_package_apart(debian: Path) -> None:
    path = f"{debian}/usr/lib/i386-linux-gnu/libpq.so.5.15"
    assert [(item.architecture, item.version) for item in owners([path], debian).values()] == [("i386", "15.17-1")]


@pytest.mark.parametrize("folder", ["lib", "usr/lib"])
def test_a_merged_usr_is_understood(debian: Path, folder: str) -> None:
    paths = [
        f"{debian}/{folder}/x86_64-linux-gnu/libcom_err.so.2.1",
        f"{debian}/{folder}/x86_64-linux-gnu/libpq.so.5.15",
    ]
    assert [package.name for package in owners(paths, debian).values()] == ["libcom-err2", "libpq5"]
    assert owners(paths, debian)[paths[0]].source == "e2fsprogs@1.47.0-2"


def test_what_nobody_owns_is_absent(debian: Path) -> None:
    paths = ["/opt/own/libown.so", f"{debian}/usr/lib/x86_64-linux-gnu/libgone.so.1", f"{debian}/usr/lib/libpq.so.5.15"]
    assert owners(paths, debian) == {}
    assert owners([], debian) == {}


def test_a_system_that_says_nothing_of_itself_still_answers(debian: Path) -> None:
    (debian / "etc/os-release").unlink()
    path = f"{debian}/usr/lib/x86_64-linux-gnu/libpq.so.5.15"
    package = owners([path], debian)[path]
    assert (package.namespace, package.distro) == ("debian", "")


@pytest.mark.parametrize("target", ["/usr/share/doc/libpq5", "../../../../../../etc/passwd", "missing"])
def test_links_of_documents_stay_inside_the_system(debian: Path, target: str) -> None:
    link = debian / "usr/share/doc/libpq5"
    link.unlink()
    link.symlink_to(target)
    path = f"{debian}/usr/lib/x86_64-linux-gnu/libpq.so.5.15"
    assert owners([path], debian)[path].licence_files == ()


def test_apk_knows_package_origin_and_licence(tmp_path: Path) -> None:
    write(tmp_path, {"lib/apk/db/installed": APK, "usr/lib/os-release": "ID=alpine\nVERSION_ID=3.20.0\n"})
    paths = [f"{tmp_path}/usr/lib/libpq.so.5.16", f"{tmp_path}/usr/lib/ld-musl-x86_64.so.1", f"{tmp_path}/none.so"]
    assert owners(paths, tmp_path) == {
        paths[0]: Package(
            kind="apk",
            name="libpq",
            version="16.3-r0",
            architecture="x86_64",
            namespace="alpine",
            distro="alpine-3.20.0",
            licence="PostgreSQL",
            source="postgresql16@16.3-r0",
        ),
        paths[1]: Package("apk", "musl", "1.2.5-r0", "x86_64", "alpine", "alpine-3.20.0", licence="MIT"),
    }


def conda_record(prefix: Path, name: str, **fields: object) -> None:
    write(prefix, {f"conda-meta/{name}.json": json.dumps({"name": name, "version": "1", **fields})})


def test_conda_knows_package_channel_and_licence_texts(tmp_path: Path) -> None:
    prefix, cache = tmp_path / "env", tmp_path / "pkgs" / "openssl"
    conda_record(
        prefix,
        "openssl",
        version="3.3.1",
        build="h4bc722e_2",
        channel="https://conda.example.org/conda-forge/linux-64",
        subdir="linux-64",
        license="Apache-2.0",
        files=["lib/libssl.so.3", "lib/libcrypto.so.3"],
        extracted_package_dir=str(cache),
    )
    conda_record(prefix, "other", files=["lib/libother.so"])
    conda_record(prefix, "plain", files=["lib/libplain.so"], channel="defaults")
    write(prefix, {"conda-meta/history": "", "conda-meta/broken.json": '{"files": ["lib/libssl.so.3"'})
    write(prefix, {"conda-meta/list.json": '["lib/libssl.so.3"]'})
    write(cache, {"info/licenses/LICENSE.txt": "Apache\n", "info/licenses/deep/NOTICE": "Notice\n"})
    paths = [str(prefix / "lib/libssl.so.3"), str(prefix / "lib/libplain.so"), str(prefix / "lib/libunknown.so")]
    assert owners(paths, tmp_path / "no-system") == {
        paths[0]: Package(
            kind="conda",
            name="openssl",
            version="3.3.1",
            architecture="linux-64",
            namespace="conda-forge",
            build="h4bc722e_2",
            licence="Apache-2.0",
            licence_files=(str(cache / "info/licenses/LICENSE.txt"), str(cache / "info/licenses/deep/NOTICE")),
        ),
        paths[1]: Package("conda", "plain", "1", namespace="defaults"),
    }


FAKE_RPM = """#!/bin/sh
printf '%s|' "$@" >> {log}
[ "$LC_ALL" = C ] || exit 9
printf 'P\\topenssl-libs\\t1\\t3.0.7\\t27.el9\\tx86_64\\tASL 2.0\\topenssl-3.0.7-27.el9.src.rpm\\n'
printf 'F\\t0\\t/usr/lib64/libssl.so.3.0.7\\nF\\t128\\t/usr/share/licenses/openssl-libs/LICENSE.txt\\n'
printf 'F\\t128\\t/usr/share/licenses/openssl-libs/gone.txt\\n'
echo 'file /usr/lib64/libx.so is not owned by any package'
printf 'P\\tlibgcc\\t(none)\\t11.4.1\\t2.el9\\tx86_64\\tGPLv3+\\t(none)\\nF\\t0\\t/lib64/libgcc_s.so.1\\n'
printf 'P\\tunasked\\t(none)\\t1\\t1\\tx86_64\\tMIT\\t(none)\\nF\\t0\\t/usr/lib64/other.so\\n'
exit 1
"""


@pytest.fixture
def fedora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    write(
        root, {"etc/os-release": "ID='almalinux'\nVERSION_ID=9.3\n", "usr/share/licenses/openssl-libs/LICENSE.txt": "A"}
    )
    write(root, {"var/lib/rpm/rpmdb.sqlite": ""})
    program = tmp_path / "bin" / "rpm"
    write(tmp_path, {"bin/rpm": FAKE_RPM.format(log=tmp_path / "log")})
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return root


def test_rpm_is_asked_once_for_all_files(fedora: Path) -> None:
    paths = [f"{fedora}/usr/lib64/{name}" for name in ("libssl.so.3.0.7", "libgcc_s.so.1", "libx.so")]
    assert owners(paths, fedora) == {
        paths[0]: Package(
            kind="rpm",
            name="openssl-libs",
            version="1:3.0.7-27.el9",
            architecture="x86_64",
            namespace="almalinux",
            distro="almalinux-9.3",
            licence="ASL 2.0",
            licence_files=(f"{fedora}/usr/share/licenses/openssl-libs/LICENSE.txt",),
            source="openssl@3.0.7-27.el9",
        ),
        paths[1]: Package("rpm", "libgcc", "11.4.1-2.el9", "x86_64", "almalinux", "almalinux-9.3", licence="GPLv3+"),
    }
    asked = (fedora.parent / "log").read_text("utf-8").split("|")
    assert asked[:4] == ["--dbpath", f"{fedora}/var/lib/rpm", "-q", "--queryformat"]
    assert asked[5:] == [
        "-f",
        *(f"{usr}/lib64/{Path(path).name}" for usr in ("", "/usr") for path in sorted(paths)),
        "",
    ]


def test_no_rpm_database_no_rpm_run(fedora: Path) -> None:
    (fedora / "var/lib/rpm/rpmdb.sqlite").unlink()
    assert owners([f"{fedora}/usr/lib64/libssl.so.3.0.7"], fedora) == {}
    assert not (fedora.parent / "log").exists()


def test_an_rpm_that_cannot_run_knows_nothing(fedora: Path) -> None:
    write(fedora.parent, {"bin/rpm": "#!/no/such/interpreter\n"})
    assert owners([f"{fedora}/usr/lib64/libssl.so.3.0.7"], fedora) == {}


def test_files_that_cannot_be_read_are_passed_over(debian: Path) -> None:
    broken = debian / "var/lib/dpkg/info/broken:amd64.list"
    broken.mkdir()
    path = f"{debian}/usr/lib/x86_64-linux-gnu/libpq.so.5.15"
    assert owners([path], debian)[path].name == "libpq5"


@pytest.mark.slow
def test_the_package_manager_of_this_system_agrees() -> None:
    """On a Debian system, compare with dpkg itself."""
    libraries = sorted(str(path) for path in Path("/usr/lib").glob("*-linux-gnu/lib*.so*") if not path.is_symlink())[
        :60
    ]
    if not libraries or not Path("/var/lib/dpkg/status").is_file():
        pytest.skip("needs a Debian system")
    found = owners(libraries)
    for path in libraries:
        names = {path, path.removeprefix("/usr")}
        said = [
            subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False).stdout for name in names
        ]
        owned = {line.rpartition(": ")[0].partition(":")[0] for text in said for line in text.splitlines()}
        assert ({found[path].name} if path in found else set()) <= owned
        assert (path in found) == bool(owned)


def test_a_formula_of_homebrew_owns_what_lies_in_its_cellar(tmp_path: Path) -> None:
    folder = tmp_path / "opt/homebrew/Cellar/libpq/16.3_1"
    texts = {"lib/libpq.5.16.dylib": "", "COPYRIGHT": "terms", "README.md": "", "LICENSE-MIT": "terms"}
    write(folder, texts)
    library = str(folder / "lib/libpq.5.16.dylib")
    package = owners([library])[library]
    assert (package.kind, package.name, package.version) == ("brew", "libpq", "16.3_1")
    assert package.licence_files == (str(folder / "COPYRIGHT"), str(folder / "LICENSE-MIT"))


def test_what_lies_beside_the_cellar_is_nobodys(tmp_path: Path) -> None:
    write(tmp_path, {"Cellar/libpq/libpq.dylib": "", "lib/libx.dylib": ""})
    assert owners([str(tmp_path / "Cellar/libpq/libpq.dylib"), str(tmp_path / "lib/libx.dylib")]) == {}
