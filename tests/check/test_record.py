"""What a check says of RECORD, and of the files that repeat what it says."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from support.checks import INFO, RECORD, WHEEL, findings, messages, rules, wheel
from support.wheels import RawMember, raw_zip, record_row, wheel_files
from truewheel.archive.reader import WheelReader
from truewheel.check.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

INIT = "foo/__init__.py"


def rows(**changed: str | None) -> bytes:
    """Return the RECORD of a sound wheel with other rows for `init`, or more of them as `more`."""
    sound = wheel_files({INIT: b""})
    kept = {"init": record_row(INIT, b""), "more": None, **changed}
    others = [record_row(name, content) for name, content in sound.items() if name not in {INIT, RECORD}]
    return "".join(
        f"{row}\n" for row in (kept["init"], *others, kept["more"], f"{RECORD},,") if row is not None
    ).encode()


def recorded(directory: Path, record: bytes, **files: bytes) -> Path:
    text = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n"
    return wheel(directory, files={RECORD: record, **files}, lines=text)


def test_the_rows_of_a_sound_wheel_are_sound(tmp_path: Path) -> None:
    assert rules(recorded(tmp_path, rows())) == []


def digest(algorithm: str, content: bytes) -> str:
    value = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    return f"{algorithm}={value}"


@pytest.mark.parametrize(
    ("changed", "rule", "said"),
    [
        ({"init": record_row(INIT, b"x")}, "record-hash", "RECORD has sha256"),
        ({"init": record_row(INIT, b"")[:-1] + "7"}, "record-hash", "RECORD has size 7, the file has 0 bytes"),
        ({"init": record_row(INIT, b"")[:-1]}, "record-hash", "RECORD has no size, the file has 0 bytes"),
        ({"init": f"{INIT},{digest('md5', b'')},0"}, "record-weak-hash", "its row has the weak hash md5"),
        ({"init": f"{INIT},,0"}, "record-weak-hash", "its row has no hash; sha256 or better is demanded"),
        ({"init": None}, "record-unlisted", "RECORD does not list it"),
        ({"more": "foo/gone.py,sha256=x,1"}, "record-absent", "RECORD lists it, but it is not in the wheel"),
        ({"more": ""}, "record-rows", "line 4 is empty"),
        ({"more": record_row(INIT, b"")}, "record-rows", "line 4 lists it again"),
        ({"init": f"{INIT},{digest('sha256', b'')}"}, "record-rows", "line 1 has 2 columns, not 3"),
        ({"more": f"{RECORD}.jws,,"}, "record-signature", "RECORD lists its own signature, which it cannot know"),
    ],
)
def test_one_wrong_row(tmp_path: Path, changed: dict[str, str | None], rule: str, said: str) -> None:
    found = findings(recorded(tmp_path, rows(**changed)))
    assert [(finding.rule, finding.severity, finding.fixable) for finding in found] == [(rule, Severity.ERROR, True)]
    assert found[0].message.startswith(said)


def test_better_hashes_than_sha256_are_fine(tmp_path: Path) -> None:
    assert rules(recorded(tmp_path, rows(init=f"{INIT},{digest('sha512', b'')},0"))) == []


def test_record_lists_itself(tmp_path: Path) -> None:
    own = rows().replace(f"{RECORD},,\n".encode(), b"")
    assert messages(recorded(tmp_path, own)) == ["RECORD does not list itself"]


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    assert rules(recorded(tmp_path, b"\xff")) == ["record"]
    assert rules(recorded(tmp_path, b'"a')) == ["record"]


def test_a_signature_of_record_is_only_a_warning(tmp_path: Path) -> None:
    (finding,) = findings(recorded(tmp_path, rows(), **{f"{RECORD}.p7s": b"x"}))
    assert (finding.rule, finding.severity, finding.member) == ("record-signature", Severity.WARNING, f"{RECORD}.p7s")


def test_a_damaged_member(tmp_path: Path) -> None:
    files = wheel_files({INIT: b"", "foo/a.py": b"text"})
    members = [RawMember(name.encode(), content) for name, content in files.items()]
    members[1] = RawMember(b"foo/a.py", b"text", central={"crc": 1}, local={"crc": 1})
    path = tmp_path / "foo-1.0-py3-none-any.whl"
    path.write_bytes(raw_zip(*members))
    (finding,) = findings(path)
    assert (finding.rule, finding.member, finding.fixable) == ("record-hash", "foo/a.py", False)
    assert finding.message == "cannot be unpacked: it has another CRC-32 than the archive says"


def test_every_row_is_judged_whatever_the_number_of_threads(tmp_path: Path) -> None:
    files = {f"foo/{number}.py": bytes(number) for number in range(40)}
    path = wheel(tmp_path, files=files)
    assert rules(path, jobs=4) == rules(path, jobs=1) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("foo-1.0-py3-none-any.whl", []),
        ("foo-1.0-py3-none-win32.whl", ["it calls the wheel foo-1.0-py3-none-win32.whl, which is not its name"]),
        ("FOO-1.0-py3-none-win32.whl", ["it calls the wheel FOO-1.0-py3-none-win32.whl, which is not its name"]),
        ("bar-1.0-py3-none-win32.whl", []),
        ("foo-1.0%2Bcpu-py3-none-win32.whl", []),
    ],
)
def test_bills_of_materials_name_the_file(tmp_path: Path, name: str, said: list[str]) -> None:
    bill = f'{{"purl": "pkg:pypi/foo@1.0?file_name={name}"}}'.encode()
    path = wheel(tmp_path, files={f"{INFO}/sboms/a.cdx.json": bill})
    assert messages(path) == said


def test_the_wheel_file_may_be_damaged_too(tmp_path: Path) -> None:
    files = wheel_files({INIT: b""})
    members = [RawMember(name.encode(), content) for name, content in files.items() if name != WHEEL]
    path = tmp_path / "foo-1.0-py3-none-any.whl"
    path.write_bytes(raw_zip(*members, RawMember(WHEEL.encode(), b"text", central={"crc": 1}, local={"crc": 1})))
    assert rules(path) == ["wheel-file", "record-hash"]


def test_a_file_listed_many_times_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = record_row("a", b"x").encode() + b"\n"
    seen: list[str] = []
    view = WheelReader.view

    def counted(reader: WheelReader, name: str) -> Any:  # noqa: ANN401 - as WheelReader has it
        seen.append(name)
        return view(reader, name)

    monkeypatch.setattr(WheelReader, "view", counted)
    path = wheel(tmp_path, files={"a": b"x", RECORD: row * 50})
    assert sum("lists it again" in message for message in messages(path, "record-rows", "record-hash")) == 49
    assert seen == ["a"]
