"""`[tool.truewheel]` sets defaults of options; the command line wins, and what has no meaning is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.batches import pure_wheel
from support.cli import truewheel
from support.fixtures import family, unrepaired_wheel
from support.retags import mac_wheel
from truewheel.configuration import Kind, Setting, load, nearest, sets_anything
from truewheel.errors import UsageError

COMMANDS = {
    "repair": {
        "exclude": Setting("exclude", Kind.TEXTS),
        "lib-path": Setting("lib_path", Kind.TEXTS, is_path=True),
        "include": Setting("include", Kind.TEXTS, may_be_path=True),
        "jobs": Setting("jobs", Kind.NUMBER),
        "strip": Setting("strip", Kind.FLAG),
        "wheel-dir": Setting("wheel_dir", Kind.TEXT, is_path=True),
        "archs": Setting("archs", Kind.TEXT, separator=","),
    },
    "show": {"exclude": Setting("exclude", Kind.TEXTS), "jobs": Setting("jobs", Kind.NUMBER)},
}


def loaded(folder: Path, text: str) -> dict[str, dict[str, object]]:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return load(path, COMMANDS)


def test_shared_settings_reach_every_command_that_has_them(tmp_path: Path) -> None:
    text = '[tool.truewheel]\nexclude = ["a*"]\nstrip = true\n'
    assert loaded(tmp_path, text) == {"repair": {"exclude": ("a*",), "strip": True}, "show": {"exclude": ("a*",)}}


def test_what_means_different_things_to_commands_is_set_for_each(tmp_path: Path) -> None:
    commands = {
        "retag": {"index": Setting("index", Kind.TEXT, is_path=True)},
        "check": {"index": Setting("index", Kind.TEXT)},
    }
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.truewheel]\nindex = "none"\n')
    with pytest.raises(UsageError, match="`index` does not mean the same to all commands") as caught:
        load(path, commands)
    assert caught.value.hint == "it can be set in [tool.truewheel.retag], [tool.truewheel.check]"
    path.write_text('[tool.truewheel.check]\nindex = "none"\n')
    assert load(path, commands)["check"] == {"index": "none"}


def test_one_text_need_not_be_in_a_list(tmp_path: Path) -> None:
    text = '[tool.truewheel.repair]\nexclude = "a*"\nlib-path = "lib"\ninclude = "lib/libx.so"\n'
    assert loaded(tmp_path, text)["repair"] == {
        "exclude": ("a*",),
        "lib_path": (f"{tmp_path}/lib",),
        "include": (f"{tmp_path}/lib/libx.so",),
    }


@pytest.mark.parametrize("value", ['"x86_64,arm64"', '["x86_64", "arm64"]'])
def test_a_text_of_several_parts_may_be_a_list(value: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, f"[tool.truewheel.repair]\narchs = {value}\n")["repair"] == {"archs": "x86_64,arm64"}


def test_a_table_of_a_command_goes_first(tmp_path: Path) -> None:
    text = "[tool.truewheel]\njobs = 1\n[tool.truewheel.repair]\njobs = 2\n"
    assert loaded(tmp_path, text) == {"repair": {"jobs": 2}, "show": {"jobs": 1}}


def test_paths_are_seen_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = (
        '[tool.truewheel.repair]\nlib-path = ["lib", "/abs"]\nwheel-dir = "../out"\n'
        'include = ["libx.so", "lib/liby.so"]\n'
    )
    assert loaded(tmp_path, text)["repair"] == {
        "lib_path": (f"{tmp_path}/lib", "/abs"),
        "wheel_dir": f"{tmp_path}/../out",
        "include": ("libx.so", f"{tmp_path}/lib/liby.so"),
    }


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[project\n", "# truewheel\n[tool.other]\nx = 1\n"])
def test_a_file_without_the_table_sets_nothing(text: str, tmp_path: Path) -> None:
    assert not any(loaded(tmp_path, text).values())


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[tool.truewheel]\nexlude = []\n", "[tool.truewheel] has no `exlude`", "did you mean `exclude`?"),
        ("[tool.truewheel]\njson = true\n", "[tool.truewheel] cannot set `json`", "it is an option of one run: write"),
        ("[tool.truewheel.repair]\nforce = true\n", "[tool.truewheel.repair] cannot set `force`", "write --force on"),
        ("[tool.truewheel.repair]\nlib_path = []\n", "has no `lib_path`", "did you mean `lib-path`?"),
        ("[tool.truewheel.show]\nstrip = true\n", "[tool.truewheel.show] has no `strip`", "it can be exclude, jobs"),
        ("[tool.truewheel.repare]\njobs = 1\n", "has no `repare`", "did you mean `repair`?"),
        ("[tool.truewheel]\nrepair = 1\n", "repair is no table", "write [tool.truewheel.repair]"),
        ("[tool]\ntruewheel = 1\n", "truewheel is no table", ""),
        ("[tool.truewheel]\nexclude = 1\n", "`exclude` of [tool.truewheel] is a text or a list of texts, not 1", ""),
        ("[tool.truewheel]\nexclude = [1]\n", "is a text or a list of texts, not [1]", ""),
        ("[tool.truewheel]\narchs = [1]\n", "is a text or a list of texts, not [1]", ""),
        ("[tool.truewheel]\nwheel-dir = ['a']\n", "is a text, not ['a']", ""),
        ("[tool.truewheel]\njobs = true\n", "is a number, not True", ""),
        ("[tool.truewheel]\nstrip = 1\n", "is true or false, not 1", ""),
        ("[tool.truewheel]\nwheel-dir = 1\n", "is a text, not 1", ""),
        ("[tool.truewheel\n", "is no TOML: ", ""),
    ],
)
def test_what_has_no_meaning_is_told(text: str, what: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, text)
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.where == str(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    "text",
    ["[tool]\ntruewheel = {jobs = 2}\n", "[ 'tool' . \"truewheel\" ]\njobs = 2\n", "tool.truewheel.jobs = 2\n"],
)
def test_the_table_may_be_written_in_any_way(text: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, text)["show"] == {"jobs": 2}


def test_a_file_that_is_not_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"[tool.truewheel]\n# \xff")
    with pytest.raises(UsageError, match="is no TOML"):
        load(tmp_path / "x", COMMANDS)
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        load(tmp_path / "y", COMMANDS)


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert nearest(deep) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / "pyproject.toml").touch()
    assert nearest(deep) == tmp_path / "a" / "pyproject.toml"


def test_there_may_be_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    assert nearest(tmp_path) is None


class TestTheProgram:
    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        pure_wheel(tmp_path, "a")

    def write(self, text: str, name: str = "pyproject.toml") -> None:
        Path(name).write_text(text)

    def test_takes_its_defaults_from_the_project(self) -> None:
        self.write('[tool.truewheel]\nwheel-dir = "release"\nsums = true\n')
        assert truewheel("repair", "a-1.0-py3-none-any.whl").code == 0
        assert sorted(path.name for path in Path("release").iterdir()) == [
            "SHA256SUMS",
            "a-1.0-py3-none-any.whl",
            "names.json",
        ]

    def test_from_below_the_project_too(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.write('[tool.truewheel.repair]\nwheel-dir = "release"\n')
        (tmp_path / "deep").mkdir()
        monkeypatch.chdir("deep")
        outcome = truewheel("repair", "../a-1.0-py3-none-any.whl")
        assert outcome.output == f"{tmp_path}/release/a-1.0-py3-none-any.whl\n"

    def test_the_command_line_wins(self, tmp_path: Path) -> None:
        self.write('[tool.truewheel]\nwheel-dir = "release"\n')
        outcome = truewheel("repair", "-w", "out", "a-1.0-py3-none-any.whl")
        assert outcome.output == f"{tmp_path}/out/a-1.0-py3-none-any.whl\n"

    def test_the_environment_goes_before_the_file(self, tmp_path: Path) -> None:
        libraries = family("x86_64").folder
        self.write(f'[tool.truewheel.repair]\nplat = "linux"\nonly-plat = true\nlib-path = ["{libraries}"]\n')
        wheel = unrepaired_wheel("x86_64")
        plain = truewheel("repair", "-w", "1", wheel)
        assert plain.output == f"{tmp_path}/1/hello-1.0-cp310-abi3-linux_x86_64.whl\n"
        other = truewheel("repair", "-w", "2", wheel, TRUEWHEEL_PLAT="manylinux_2_28")
        assert other.output == f"{tmp_path}/2/hello-1.0-cp310-abi3-manylinux_2_28_x86_64.whl\n"

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_another_file_can_be_named(self, place: str, tmp_path: Path) -> None:
        self.write("[tool.truewheel]\nnonsense = 1\n")
        self.write('[tool.truewheel]\nwheel-dir = "other"\n', "release.toml")
        named = ["--config", "release.toml"]
        arguments = [*named, "a-1.0-py3-none-any.whl"] if place == "before" else ["a-1.0-py3-none-any.whl", *named]
        assert truewheel("repair", *arguments).output == f"{tmp_path}/other/a-1.0-py3-none-any.whl\n"

    def test_a_file_that_was_named_must_be_there(self) -> None:
        outcome = truewheel("show", "--config", "gone.toml", "a-1.0-py3-none-any.whl")
        assert (outcome.code, outcome.errors) == (2, "error: gone.toml: cannot be read: No such file or directory\n")

    @pytest.mark.parametrize("named", [[], ["--config", "pyproject.toml"]])
    def test_no_file_need_count(self, named: list[str]) -> None:
        self.write("[tool.truewheel]\nnonsense = 1\n")
        assert truewheel("show", "a-1.0-py3-none-any.whl").code == 2
        assert truewheel("show", *named, "--no-config", "a-1.0-py3-none-any.whl").code == 0

    @pytest.mark.parametrize("key", ["force", "dry-run", "json", "verbose", "plan", "from-file", "config", "help"])
    def test_what_is_of_one_run_cannot_be_set(self, key: str) -> None:
        self.write(f"[tool.truewheel.repair]\n{key} = true\n")
        outcome = truewheel("repair", "a-1.0-py3-none-any.whl")
        assert outcome.code == 2
        assert f"[tool.truewheel.repair] cannot set `{key}`" in outcome.errors

    def test_a_value_that_the_option_does_not_take_is_told(self) -> None:
        self.write("[tool.truewheel]\njobs = 0\n")
        outcome = truewheel("repair", "a-1.0-py3-none-any.whl")
        assert outcome.code == 2
        assert "'--jobs'" in outcome.errors

    def test_an_option_that_must_be_given_may_stand_in_the_file(self) -> None:
        self.write('[tool.truewheel.thin]\narch = "arm64"\n')
        outcome = truewheel("thin", "--json", "a-1.0-py3-none-any.whl")
        assert json.loads(outcome.output)["failed"][0]["error"].endswith("not for macOS")

    def test_the_example_of_the_documentation_is_understood(self) -> None:
        page = (Path(__file__).resolve().parents[1] / "docs" / "configuration.md").read_text()
        text = page.split("one line:\n")[1].split("and then")[0]
        self.write("\n".join(line.removeprefix("    ") for line in text.splitlines()))
        assert truewheel("accepts", "--name", "a-1.0-py3-none-any.whl").code == 0

    def test_one_platform_tag_need_not_be_in_a_list(self, tmp_path: Path) -> None:
        self.write('[tool.truewheel.retag]\nplatform-tag = "+win32"\n')
        outcome = truewheel("retag", "a-1.0-py3-none-any.whl")
        assert outcome.output == f"{tmp_path}/a-1.0-py3-none-any.win32.whl\n"

    @pytest.mark.parametrize(("archs", "code"), [('["x86_64"]', 0), ('["x86_64", "arm64"]', 1)])
    def test_the_architectures_that_are_required_may_be_a_list(self, archs: str, code: int, tmp_path: Path) -> None:
        self.write(f"[tool.truewheel]\nrequire-archs = {archs}\n")
        wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_11_0_x86_64", x86_64="11.0")
        assert truewheel("repair", wheel).code == code

    def test_where_findings_are_written_is_of_one_run(self) -> None:
        self.write('[tool.truewheel.check]\nsarif = "x"\n')
        outcome = truewheel("check", "a-1.0-py3-none-any.whl")
        assert outcome.code == 2
        assert "cannot set `sarif`" in outcome.errors


@pytest.mark.parametrize("text", ['wheel-dir = ""', 'exclude = ["a", ""]', 'include = ""'])
def test_an_empty_text_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"of \[tool.truewheel.repair\] is empty"):
        loaded(tmp_path, f"[tool.truewheel.repair]\n{text}\n")


@pytest.mark.parametrize(
    "text",
    [
        "tool = {truewheel = {jobs = 2}}",
        "tool = { 'truewheel' = { jobs = 2 } }",
        "tool.truewheel.jobs = 2",
        "[tool]\ntruewheel = {jobs = 2}",
        "[tool]\ntruewheel.jobs = 2",
        "[ tool . 'truewheel' ]\njobs = 2",
        '[tool."true\\u0077heel"]\njobs = 2',
        '["t\\U0000006fol"."true\\U00000077heel"]\njobs = 2',
    ],
)
def test_the_table_is_found_however_it_is_written(text: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, f"{text}\n")["show"] == {"jobs": 2}
    assert sets_anything(tmp_path / "pyproject.toml")


def test_a_project_that_only_needs_truewheel_sets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[dependency-groups]\nrelease = ["truewheel==1"]\n[tool.poetry.dependencies]\ntruewheel = "^1"\n')
    assert not sets_anything(path)
