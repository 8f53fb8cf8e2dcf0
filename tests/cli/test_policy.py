"""A policy or a profile of the user's own on the command line: of every command that takes one, and told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.batches import pure_wheel
from support.cli import truewheel

BAD_BASE = 'name = "acme"\nbase = "manylinux_2_99"\n'
BAD_PROFILES = "[other]\n"
BAD_NAMES = '[profiles.fleet]\nnames = ["macosx_13"]\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pure_wheel(tmp_path, "a")
    pure_wheel(tmp_path, "b")


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (("retag", "--for", "bogus"), "", "--for: there is no profile 'bogus' (there are python.org, "),
        (("retag", "--for", "uv", "--profiles", "own.toml"), BAD_PROFILES, "own.toml: is no file of profiles"),
        (("retag", "--build", "1", "--profiles", "own.toml"), BAD_PROFILES, "own.toml: is no file of profiles"),
        (("retag", "--build", "1", "--profiles", "gone.toml"), "", "gone.toml: cannot be read: No such file"),
        (("retag", "--for", "fleet", "--profiles", "own.toml"), BAD_NAMES, "--for fleet: macosx_13 is no macOS tag"),
        (("show", "--policy", "own.toml"), BAD_BASE, "own.toml: the base 'manylinux_2_99' is no policy"),
        (("repair", "--policy", "own.toml"), BAD_BASE, "own.toml: the base 'manylinux_2_99' is no policy"),
        (("repair", "--policy", "gone.toml"), "", "gone.toml: cannot be read: No such file"),
    ],
)
def test_a_wrong_file_or_name_is_told_once_before_any_wheel_is_opened(
    arguments: tuple[str, ...], content: str, said: str
) -> None:
    Path("own.toml").write_text(content)
    wheels = sorted(path.name for path in Path().glob("*.whl"))
    outcome = truewheel(*arguments, *wheels, "damaged.whl")
    assert (outcome.code, outcome.output) == (2, "")
    assert outcome.errors.startswith(f"error: {said}")
    assert outcome.errors.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == [*wheels, "own.toml"]
