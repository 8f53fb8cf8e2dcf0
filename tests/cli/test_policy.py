"""A policy or a profile of the user's own on the command line: of every command that takes one, and told once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.batches import pure_wheel
from support.cli import truewheel
from support.fixtures import odd
from support.retags import linux_wheel

OWN = 'name = "acme"\nbase = "manylinux_2_17"\ntags = ["acme_img"]\n[symbols]\nGLIBC = "2.31"\n'
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
        (("retag", "--build", "1", "--policy", "own.toml"), BAD_BASE, "own.toml: the base 'manylinux_2_99' is no"),
        (("check", "--policy", "own.toml"), BAD_BASE, "own.toml: the base 'manylinux_2_99' is no policy"),
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


class TestTheConfiguration:
    """`policy` of `[tool.truewheel]` holds for all commands that know the option."""

    @pytest.fixture(autouse=True)
    def project(self) -> None:
        Path("own.toml").write_text(OWN)
        Path("pyproject.toml").write_text(
            '[tool.truewheel]\npolicy = "own.toml"\n[tool.truewheel.retag]\nplatform-tag = "auto"\n'
        )

    def test_retag_names_wheels_by_the_policy_and_check_finds_them_true(self, tmp_path: Path) -> None:
        done = truewheel("retag", "--json", linux_wheel(tmp_path))
        (made,) = json.loads(done.output)["retagged"]
        assert made["path"] == f"{tmp_path}/hello-1.0-cp310-abi3-acme_img_x86_64.whl"
        assert made["plan"]["grounds"] == [
            {"tag": "acme_img_x86_64", "basis": "proved", "by": [], "reasons": [], "policy": "acme", "given": []}
        ]
        checked = truewheel("check", made["path"])
        assert (checked.code, checked.output) == (0, "")
        unknown = truewheel("check", "--no-config", made["path"])
        assert (unknown.code, "index-tag" in unknown.output) == (1, True)

    def test_a_dry_run_tells_by_which_policy_a_tag_is_proved(self, tmp_path: Path) -> None:
        outcome = truewheel("retag", "-n", "-v", linux_wheel(tmp_path))
        assert "  acme_img_x86_64: proved by the policy acme\n" in outcome.output

    def test_what_does_not_keep_the_policy_is_refused_and_found(self, tmp_path: Path) -> None:
        wheel = linux_wheel(tmp_path, files={"hello/x.so": odd("glibc-2.38.so")})
        outcome = truewheel("retag", wheel)
        assert (outcome.code, outcome.output) == (1, "")
        assert "does not keep the policy acme" in outcome.errors
        assert "hello/x.so needs GLIBC_2.38 of libc.so.6" in outcome.errors
        forced = truewheel("retag", "--force", "--platform-tag", "acme_img_x86_64", wheel).output.strip()
        checked = truewheel("check", "--json", forced)
        assert checked.code == 1
        (finding,) = json.loads(checked.output)["wheels"][0]["findings"]
        assert (finding["rule"], finding["member"]) == ("own-policy", "hello/x.so")

    def test_a_plan_is_applied_without_the_file(self, tmp_path: Path) -> None:
        assert truewheel("retag", "--plan", "plan.json", linux_wheel(tmp_path)).code == 0
        (item,) = json.loads(Path("plan.json").read_text())["wheels"]
        assert item["evidence"] == ["acme_img_x86_64: proved by the policy acme"]
        Path("own.toml").unlink()
        outcome = truewheel("apply", "--no-config", "plan.json", "-w", "out")
        assert outcome.output == f"{tmp_path}/out/hello-1.0-cp310-abi3-acme_img_x86_64.whl\n"

    def test_accepts_tells_that_no_known_installer_looks_for_the_tag(self, tmp_path: Path) -> None:
        made = truewheel("retag", linux_wheel(tmp_path)).output.strip()
        outcome = truewheel("accepts", "--target", "ubuntu-22.04 cp312", made)
        assert outcome.code == 1
        assert "acme_img_x86_64" in outcome.output
