"""Words of a command line become wheels: folders, patterns and lists, in a settled order."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from truewheel.batch.inputs import expand, listed
from truewheel.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("dist/b.whl", "dist/a.whl", "dist/a.tar.gz", "dist/.hidden.whl", "dist/deep/c.whl", "more/B.whl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "dist" / "folder.whl").mkdir()
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_a_folder_stands_for_the_wheels_directly_in_it() -> None:
    assert expand(["dist"]) == ("dist/a.whl", "dist/b.whl")


def test_the_order_of_a_folder_is_that_of_names_not_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    in_order = Path.iterdir

    def backwards(folder: Path) -> object:
        return iter(sorted(in_order(folder), reverse=True))

    monkeypatch.setattr(Path, "iterdir", backwards)
    assert expand(["dist"]) == ("dist/a.whl", "dist/b.whl")


@pytest.mark.parametrize(
    ("pattern", "wheels"),
    [
        ("dist/*.whl", ("dist/a.whl", "dist/b.whl")),
        ("dist/?.whl", ("dist/a.whl", "dist/b.whl")),
        ("dist/[b-z].whl", ("dist/b.whl",)),
        ("dist/a*", ("dist/a.whl",)),
        ("[dm]*", ("dist/a.whl", "dist/b.whl", "more/B.whl")),
        ("**/c.whl", ("dist/deep/c.whl",)),
    ],
)
def test_a_pattern_stands_for_what_it_matches(pattern: str, wheels: tuple[str, ...]) -> None:
    if pattern == "dist/*.whl":
        Path("dist/folder.whl").rmdir()
    assert expand([pattern]) == wheels


def test_a_whole_path_may_be_a_pattern(here: Path) -> None:
    assert expand([f"{here}/more/*.whl"]) == (f"{here}/more/B.whl",)


def test_words_keep_their_order_and_paths_come_once() -> None:
    assert expand(["more", "dist/b.whl", "dist"]) == ("more/B.whl", "dist/b.whl", "dist/a.whl")


def test_a_file_whose_name_looks_like_a_pattern_is_itself() -> None:
    Path("x[1].whl").touch()
    Path("x1.whl").touch()
    assert expand(["x[1].whl"]) == ("x[1].whl",)


def test_what_is_not_there_is_left_to_whoever_opens_it() -> None:
    assert expand(["gone.whl", "dist/a.tar.gz", "dist/.hidden.whl"]) == (
        "gone.whl",
        "dist/a.tar.gz",
        "dist/.hidden.whl",
    )


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("empty", "the folder holds no wheel"),
        ("empt*", "the pattern matches no wheel"),
        ("nothing/*.whl", "the pattern matches no wheel"),
        ("dist/*.gz", "the pattern matches no wheel"),
    ],
)
def test_what_stands_for_nothing_is_wrong_usage(word: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand(["dist", word])
    assert (caught.value.where, caught.value.what) == (word, what)


def test_a_list_has_one_path_a_line(here: Path) -> None:
    (here / "list").write_bytes(b"dist/a.whl\r\n\n  spaced.whl\nb\xe9.whl")
    assert listed("list") == ("dist/a.whl", "spaced.whl", os.fsdecode(b"b\xe9.whl"))


def test_a_list_from_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one.whl\ntwo.whl\n")))
    assert listed("-") == ("one.whl", "two.whl")


@pytest.mark.parametrize(("name", "what"), [("gone", "gone: cannot be read: "), ("bare", "bare: names no wheel")])
def test_a_list_of_nothing_is_wrong_usage(name: str, what: str, here: Path) -> None:
    (here / "bare").write_text("\n\n")
    with pytest.raises(UsageError) as caught:
        listed(name)
    assert caught.value.where == "--from-file"
    assert caught.value.what.startswith(what)


def test_a_list_as_editors_and_people_write_it(here: Path) -> None:
    (here / " odd.whl ").touch()
    (here / "list").write_bytes(b"\xef\xbb\xbfdist/a.whl\r\n  dist/b.whl \t\n \n odd.whl \n")
    assert listed("list") == ("dist/a.whl", "dist/b.whl", " odd.whl ")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_told(encoding: str, here: Path) -> None:
    (here / "list").write_bytes("\ufeffdist/a.whl\n".encode(encoding))
    with pytest.raises(UsageError, match="list: is UTF-16"):
        listed("list")
