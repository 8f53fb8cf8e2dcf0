from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.fixtures import family
from support.hello import DIST_INFO, hello_wheel
from truewheel.archive.reader import WheelReader
from truewheel.bundler.plan import ElfEdit, LibraryCopy, RepairPlan
from truewheel.bundler.provenance import provenance_members

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

NEW_NAME = "hello-1.0-cp310-abi3-manylinux_2_17_x86_64.whl"
SBOMS = f"{DIST_INFO}/sboms"


def plan(reader: WheelReader, *sources: str) -> RepairPlan:
    copies = tuple(
        LibraryCopy(source, "libgreet.so.1", f"hello.libs/libgreet-{number}.so.1", f"{number:064}", 1)
        for number, source in enumerate(sources)
    )
    edits = tuple(ElfEdit(copy.member, copy.source, soname=copy.member.rpartition("/")[2]) for copy in copies)
    module = ElfEdit("hello/_hello.so", "hello/_hello.so", replace_needed=(("libgreet.so.1", "libgreet-0.so.1"),))
    return RepairPlan(
        reader.path.name,
        "0",
        NEW_NAME,
        ("manylinux_2_17_x86_64",),
        None,
        rewrites_metadata=True,
        libraries=copies,
        edits=(module, *edits),
    )


def dpkg_root(folder: Path, packages: Mapping[str, tuple[str, ...]]) -> Path:
    """Make a system whose packages own these files; each has its own copyright text."""
    status = ""
    info = folder / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    for name, files in packages.items():
        status += f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
        (info / f"{name}.list").write_text("".join(f"{file}\n" for file in files))
        document = folder / "usr/share/doc" / name / "copyright"
        document.parent.mkdir(parents=True)
        document.write_text(f"licence of {name}\n")
        for file in files:
            (folder / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            (folder / file[1:]).write_bytes(family("x86_64").greet.read_bytes())
    (folder / "var/lib/dpkg/status").write_text(status)
    return folder.resolve()


def made(wheel: Path, root: Path, *sources: str) -> dict[str, bytes]:
    with WheelReader.open(wheel) as reader:
        found = provenance_members(reader, plan(reader, *sources), root)
    contents = {member.name: member.content for member in found}
    assert len(contents) == len(found)
    return {name: content for name, content in contents.items() if isinstance(content, bytes)}


def test_the_bill_of_materials_and_the_licence_texts_are_added(tmp_path: Path) -> None:
    root = dpkg_root(
        tmp_path / "root", {"libgreet1": ("/usr/lib/a.so", "/usr/lib/b.so"), "libtone": ("/usr/lib/c.so",)}
    )
    found = made(hello_wheel(tmp_path, {}), root, *(f"{root}/usr/lib/{name}.so" for name in "abc"))
    texts = f"{DIST_INFO}/licenses/truewheel"
    assert list(found) == [
        f"{SBOMS}/truewheel.cdx.json",
        f"{texts}/libgreet1/copyright",
        f"{texts}/libtone/copyright",
    ]
    assert found[f"{texts}/libtone/copyright"] == b"licence of libtone\n"
    document = json.loads(found[f"{SBOMS}/truewheel.cdx.json"])
    assert [component["name"] for component in document["components"]] == ["libgreet1", "libgreet1", "libtone"]


def test_an_earlier_bill_of_materials_stays_beside_the_new_one(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {f"{SBOMS}/truewheel.cdx.json": b"{}", f"{SBOMS}/truewheel-2.cdx.json": b"{}"}
    assert list(made(hello_wheel(tmp_path, files), tmp_path, "/a")) == [f"{SBOMS}/truewheel-3.cdx.json"]


def test_a_licence_text_never_replaces_another_one(tmp_path: Path) -> None:
    root = dpkg_root(tmp_path / "root", {"libgreet1": ("/usr/lib/a.so",)})
    text = f"{DIST_INFO}/licenses/truewheel/libgreet1/copyright"
    files: dict[str, Path | bytes] = {text: b"an older text\n"}
    found = made(hello_wheel(tmp_path, files), root, f"{root}/usr/lib/a.so")
    assert found[f"{text}-2"] == b"licence of libgreet1\n"
    assert text not in found


def test_texts_of_one_name_and_package_come_along_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from truewheel.bundler.packages.installed import Package

    for folder, text in (("a", "one"), ("b", "two"), ("c", "one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "COPYING").write_text(text)
    texts = (*(str(tmp_path / folder / "COPYING") for folder in "abc"), str(tmp_path / "gone"))
    package = Package("rpm", "odd/../name", "1", licence_files=texts)
    monkeypatch.setattr("truewheel.bundler.packages.owners.owners", lambda _paths, _root: {"/a": package})
    found = made(hello_wheel(tmp_path, {}), tmp_path, "/a")
    folder = f"{DIST_INFO}/licenses/truewheel/odd_.._name"
    assert {name: text for name, text in found.items() if "licenses" in name} == {
        f"{folder}/COPYING": b"one",
        f"{folder}/COPYING-2": b"two",
    }
