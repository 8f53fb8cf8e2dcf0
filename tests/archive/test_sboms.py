"""Bills of materials name the wheel's own file; after a change of name they name the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from support.hello import DIST_INFO, hello_wheel
from support.wheels import build_wheel
from truewheel.archive.reader import WheelReader
from truewheel.archive.sboms import renamed_sboms, sboms

if TYPE_CHECKING:
    from pathlib import Path

NEW_NAME = "hello-1.0-cp310-abi3-manylinux_2_17_x86_64.whl"
SBOMS = f"{DIST_INFO}/sboms"


def test_bills_of_materials_are_the_files_of_their_folder(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {f"{SBOMS}/": b"", f"{SBOMS}/b.json": b"", f"{SBOMS}/a.xml": b"", "sboms/c": b""}
    with WheelReader.open(hello_wheel(tmp_path, files)) as reader:
        assert sboms(reader) == (f"{SBOMS}/b.json", f"{SBOMS}/a.xml")


def renamed(wheel: Path, output_name: str) -> dict[str, bytes | Path]:
    with WheelReader.open(wheel) as reader:
        found = renamed_sboms(reader, wheel.name, output_name)
        return {each.name: bytes(each.bytes()) for each in found}


def test_bills_of_materials_name_the_new_file(tmp_path: Path) -> None:
    old = "hello-1.0-cp310-abi3-linux_x86_64.whl"
    files: dict[str, Path | bytes] = {
        f"{SBOMS}/a.json": f"pkg:pypi/hello@1.0?file_name={old} {old}".encode(),
        f"{SBOMS}/b.xml": f"file_name={old}&amp;file_name={old}".encode(),
        f"{SBOMS}/c.json": b"file_name=other-1.0-py3-none-any.whl",
        "hello/d.json": f"file_name={old}".encode(),
    }
    assert renamed(hello_wheel(tmp_path, files), NEW_NAME) == {
        f"{SBOMS}/a.json": f"pkg:pypi/hello@1.0?file_name={NEW_NAME} {old}".encode(),
        f"{SBOMS}/b.xml": f"file_name={NEW_NAME}&amp;file_name={NEW_NAME}".encode(),
    }


def test_names_with_a_local_version_are_encoded_as_they_were(tmp_path: Path) -> None:
    old, new = "foo-1.0+cu12-py3-none-any.whl", "foo-1.0+cu12-py3-none-linux_x86_64.whl"
    folder = "foo-1.0+cu12.dist-info"
    content = f"file_name={quote(old)} file_name={old}".encode()
    wheel = build_wheel(tmp_path, {f"{folder}/sboms/a.json": content}, filename=old, dist_info=folder)
    assert list(renamed(wheel, new).values()) == [f"file_name={quote(new)} file_name={new}".encode()]


def test_bills_of_materials_stay_when_the_name_stays(tmp_path: Path) -> None:
    old = "hello-1.0-cp310-abi3-linux_x86_64.whl"
    assert renamed(hello_wheel(tmp_path, {f"{SBOMS}/a.json": f"file_name={old}".encode()}), old) == {}
