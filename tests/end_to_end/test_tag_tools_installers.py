"""What installers make of wheels with a fault in names, WHEEL or RECORD, before and after truewheel.

Each of pip, uv and installer lets other faults pass, so a wheel that one installs is no wheel that all install; and
what is installed in spite of a fault haunts its user: `pip check` complains, uv installs it again and again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from support import real_uv
from support.cache import kept
from support.cli import truewheel
from support.faulty_wheels import HEAD, TAG, faulty, hopeless, mendable
from support.programs import run
from support.retags import require_sound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from support.hello import Outcome

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
OFFLINE = ("--no-index", "--no-deps", "--root-user-action=ignore")
HAUNTS = {"foreign", "untagged", "hidden"}
"""Projects that are installed and are not for this system, says `pip check`: their WHEEL files say so, or nothing."""


def pip(*arguments: str | Path, into: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run pip, on another environment when one is named."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "COV"))}
    chosen = ["--python", str(into)] if into else []
    return subprocess.run([*PIP, *chosen, *map(str, arguments)], env=clean, capture_output=True, text=True, check=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return an empty environment, which pip fills from outside."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    return folder


def complaints(output: str) -> set[str]:
    """Return the projects that a check finds to be for another platform."""
    return {
        name.lower()
        for name in re.findall(
            r"^(?:The package `)?(\S+?)`? 1\.0 is not supported on this platform", output, re.MULTILINE
        )
    }


def installed(site: Path) -> set[str]:
    """Return the projects of an environment."""
    done = pip("list", "--format=json", into=site)
    return {item["name"].lower() for item in json.loads(done.stdout)}


def fixed(wheels: Iterable[Path], folder: Path) -> list[Path]:
    """Mend wheels with `check --fix`; return the paths that it prints."""
    outcome = truewheel("check", "--fix", "-w", folder, *wheels)
    assert outcome.code == 0, outcome.errors
    return [Path(line) for line in outcome.output.splitlines()]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return mendable(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def mended(faults: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return fixed(faults.values(), tmp_path_factory.mktemp("mended"))


def test_every_fault_is_an_error_or_a_warning_before_and_nothing_is_wrong_after(
    faults: dict[str, Path], mended: list[Path]
) -> None:
    for fault, wheel in faults.items():
        assert truewheel("check", "--strict", wheel).code == 1, fault
    assert len(mended) == len(faults)
    for wheel in mended:
        require_sound(wheel)
        assert truewheel("check", "--strict", wheel).code == 0


def test_pip_installs_all_that_were_mended_and_its_check_is_silent(mended: list[Path], site: Path) -> None:
    done = pip("install", *OFFLINE, "--no-compile", *mended, into=site)
    assert done.returncode == 0, done.stderr
    assert not list(site.rglob("*.dist-info/RECORD.*"))
    assert len(list(site.rglob("*.dist-info/RECORD"))) == len(mended)
    checked = pip("check", into=site)
    assert (checked.returncode, checked.stdout) == (0, "No broken requirements found.\n")


def test_pip_installs_most_of_the_faulty_ones_and_its_check_names_some(faults: dict[str, Path], site: Path) -> None:
    wheels = [wheel for fault, wheel in faults.items() if fault != "an empty tag"]
    done = pip("install", *OFFLINE, "--no-compile", *wheels, into=site)
    assert done.returncode == 0, done.stderr
    looks = Version(version("pip")) >= Version("24.2")  # from here on `pip check` looks at the tags
    assert complaints(pip("check", into=site).stdout) == (HAUNTS if looks else set())


def test_retag_alone_silences_the_check(faults: dict[str, Path], site: Path, tmp_path: Path) -> None:
    chosen = [wheel for wheel in faults.values() if wheel.name.partition("-")[0] in HAUNTS]
    outcome = truewheel("retag", "--platform-tag", "auto", "-w", tmp_path / "out", *chosen)
    assert outcome.code == 0, outcome.errors
    made = outcome.output.split()
    assert pip("install", *OFFLINE, "--no-compile", *made, into=site).returncode == 0
    assert installed(site) == HAUNTS
    assert pip("check", into=site).returncode == 0


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("a member twice", "archive"),
        ("another version of the format", "wheel-file"),
        ("another project in METADATA", "metadata"),
        ("another version in METADATA", "metadata"),
        ("a build that is none", "file-name"),
        ("no RECORD", "dist-info"),
        ("a local version in the name only", "dist-info"),
    ],
)
def test_what_no_relabelling_mends_is_an_error_with_its_reason(fault: str, rule: str, tmp_path: Path) -> None:
    wheel = hopeless(tmp_path)[fault]
    assert f"error: {rule}: " in truewheel("check", wheel).output
    outcome = truewheel("check", "--fix", "-w", tmp_path / "out", wheel)
    assert outcome.code == 1
    assert "left: error:" in outcome.errors


def test_a_file_name_for_another_system_is_known_to_reach_nobody_here_and_retag_mends_it(tmp_path: Path) -> None:
    wheel = faulty(tmp_path, "alien", HEAD + TAG, tag="cp27-none-win_ia64")
    target = "glibc-2.36 cp312 pip-26.3"
    assert truewheel("accepts", "--target", target, wheel).code == 1
    done = pip("install", *OFFLINE, "--target", tmp_path / "no", wheel)
    assert "is not a supported wheel on this platform" in done.stderr
    outcome = truewheel("retag", "--normalize", "--trust", "wheel", "-w", tmp_path / "out", wheel)
    made = outcome.output.strip()
    assert made.endswith("/alien-1.0-py3-none-any.whl")
    assert truewheel("accepts", "--target", target, made).code == 0
    assert pip("install", *OFFLINE, "--no-compile", "--target", tmp_path / "yes", made).returncode == 0


def test_older_names_are_what_pip_is_asked_for_by_other_systems(tmp_path: Path) -> None:
    """`pip download --platform manylinux2014_x86_64` does not look for `manylinux_2_17_x86_64`."""
    wheel = faulty(
        tmp_path, "old", HEAD + "Tag: py3-none-manylinux_2_17_x86_64\n", tag="py3-none-manylinux_2_17_x86_64"
    )
    command = ("download", "--no-index", "--no-deps", "--only-binary=:all:", "--platform", "manylinux2014_x86_64")
    assert pip(*command, "--find-links", tmp_path, "-d", tmp_path / "a", "old").returncode == 1
    assert truewheel("retag", "--legacy-aliases", "-w", tmp_path / "both", wheel).code == 0
    done = pip(*command, "--find-links", tmp_path / "both", "-d", tmp_path / "b", "old")
    assert done.returncode == 0, done.stderr


# Slow: uv and installer come from the package index.


@pytest.fixture(scope="module")
def uv() -> str:
    return str(kept("uv", real_uv.VERSION, real_uv.fetch) / "uv")


INSTALLER = "1.1.0"


@pytest.fixture(scope="module")
def installer() -> Path:
    def fetch(folder: Path) -> None:
        run([*PIP, "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", folder, f"installer=={INSTALLER}"])

    (wheel,) = kept("installer", INSTALLER, fetch).glob("*.whl")
    return wheel


class Environment:
    """An empty environment that uv fills."""

    def __init__(self, uv: str, folder: Path) -> None:
        """Make it."""
        self._uv = uv
        self.folder = folder
        run([uv, "venv", "--quiet", "--python", sys.executable, folder])

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `uv pip` in it."""
        offline = ["--offline", "--no-config", "--no-cache", "--python", str(self.folder)]
        command = [self._uv, "pip", *map(str, arguments), *offline]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def install(self, wheels: Sequence[Path]) -> subprocess.CompletedProcess[str]:
        """Install wheels."""
        return self("install", "--no-index", "--no-deps", *wheels)


@pytest.mark.slow
def test_uv_installs_all_that_were_mended_once_and_its_check_is_silent(
    uv: str, mended: list[Path], tmp_path: Path
) -> None:
    environment = Environment(uv, tmp_path / "venv")
    done = environment.install(mended)
    assert done.returncode == 0, done.stderr
    assert f"Installed {len(mended)} packages" in done.stderr
    checked = environment("check")
    assert (checked.returncode, "All installed packages are compatible" in checked.stderr) == (0, True), checked.stderr
    names = [wheel.name.partition("-")[0] for wheel in mended]
    again = environment("install", "--no-index", "--no-deps", "--find-links", mended[0].parent, *names)
    assert again.returncode == 0, again.stderr
    assert not re.search("Installed|Uninstalled", again.stderr), again.stderr


@pytest.mark.slow
def test_uv_installs_a_wheel_with_foreign_tags_again_and_again(
    uv: str, faults: dict[str, Path], tmp_path: Path
) -> None:
    """What the test above is for."""
    environment = Environment(uv, tmp_path / "venv")
    wheel = faults["foreign tags in WHEEL"]
    assert environment.install([wheel]).returncode == 0
    assert "built for a different platform" in environment("check").stderr
    again = environment("install", "--no-index", "--no-deps", "--find-links", wheel.parent, "foreign")
    assert "Uninstalled 1 package" in again.stderr
    assert environment.install([faults["a tag in capitals"]]).returncode != 0
    assert environment.install([faults["an empty tag"]]).returncode != 0


def validated(installer: Path, wheel: Path, folder: Path) -> Outcome:
    from support.hello import run as start

    arguments = ["-m", "installer", "--validate-record", "all", "--no-compile-bytecode", "--destdir", str(folder)]
    return start([sys.executable, *arguments, str(wheel)], {"PYTHONPATH": str(installer), "PATH": os.environ["PATH"]})


@pytest.mark.slow
def test_installer_installs_all_that_were_mended_with_every_hash_verified(
    installer: Path, mended: list[Path], tmp_path: Path
) -> None:
    for wheel in mended:
        outcome = validated(installer, wheel, tmp_path / wheel.stem)
        assert outcome.code == 0, outcome.errors


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["a wrong hash", "no hash", "a file that RECORD lacks", "a signature of RECORD"])
def test_installer_refuses_what_record_does_not_vouch_for(
    fault: str, installer: Path, faults: dict[str, Path], tmp_path: Path
) -> None:
    assert validated(installer, faults[fault], tmp_path).code == 1


@pytest.mark.slow
def test_pip_takes_the_wheel_of_best_rank_and_uv_another(uv: str, tmp_path: Path) -> None:
    """Of four wheels of one release: pip 26.3 and later prefer `linux_*`, which others put last but `any`."""
    platforms = ("any", "linux_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
    wheels = [
        faulty(tmp_path, "ranked", f"{HEAD}Tag: py3-none-{platform}\n", tag=f"py3-none-{platform}")
        for platform in platforms
    ]

    def best(tool: str) -> str:
        python = "cp{}{}".format(*sys.version_info)
        outcome = truewheel("accepts", "--json", "--target", f"glibc-2.31 {python} {tool}", *wheels)
        assert outcome.code == 0, outcome.errors
        told: list[dict[str, Any]] = json.loads(outcome.output)["wheels"]
        ranks: dict[str, int] = {item["file"]: item["answers"][0]["rank"] for item in told}
        return min(ranks, key=lambda name: ranks[name])

    report = tmp_path / "report.json"
    find = ("--no-index", "--no-deps", "--find-links", tmp_path)
    done = pip("install", "--dry-run", "--quiet", "--ignore-installed", "--report", report, *find, "ranked")
    assert done.returncode == 0, done.stderr
    (item,) = json.loads(report.read_text("utf-8"))["install"]
    assert item["download_info"]["url"].rpartition("/")[2] == best(f"pip-{version('pip')}")
    environment = Environment(uv, tmp_path / "venv")
    assert environment("install", *find, "ranked").returncode == 0
    (info,) = (tmp_path / "venv").glob("lib/python*/site-packages/ranked-1.0.dist-info/WHEEL")
    assert f"Tag: {best('uv').removeprefix('ranked-1.0-').removesuffix('.whl')}\n" in info.read_text("utf-8")
    with zipfile.ZipFile(wheels[3]) as archive:
        assert info.read_bytes() == archive.read("ranked-1.0.dist-info/WHEEL")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "takers"),
    [
        ("a member twice", {"pip", "uv"}),
        ("another version of the format", set()),
        ("another project in METADATA", {"installer"}),
        ("another version in METADATA", {"pip", "installer"}),
        ("a build that is none", {"installer"}),
        ("no RECORD", set()),
        ("a local version in the name only", {"pip", "uv", "installer"}),
    ],
)
def test_which_installer_takes_what_no_relabelling_mends(
    fault: str, takers: set[str], uv: str, installer: Path, site: Path, tmp_path: Path
) -> None:
    """Why each of these is an error: one refuses it at least, or it becomes another version than its name says.

    Of a wheel whose METADATA is of another project, releases of pip think differently.
    """
    wheel = hopeless(tmp_path / "wheels")[fault]
    by_hand: list[str | Path] = [
        sys.executable,
        "-m",
        "installer",
        "--no-compile-bytecode",
        "--destdir",
        str(tmp_path / "by-hand"),
        wheel,
    ]
    environment = Environment(uv, tmp_path / "venv")
    done: dict[str, subprocess.CompletedProcess[Any]] = {
        "pip": pip("install", *OFFLINE, "--no-compile", wheel, into=site),
        "uv": environment.install([wheel]),
        "installer": subprocess.run(
            by_hand, env={"PYTHONPATH": str(installer), "PATH": os.environ["PATH"]}, capture_output=True, check=False
        ),
    }
    varying = {"pip"} if fault == "another project in METADATA" else set()
    assert {name for name, outcome in done.items() if outcome.returncode == 0} - varying == takers


@pytest.mark.slow
def test_of_one_release_the_highest_build_is_taken_but_a_better_tag_comes_first(uv: str, tmp_path: Path) -> None:
    def offer(folder: Path, name: str, build: str, tag: str) -> Path:
        lines = HEAD + (f"Build: {build}\n" if build else "") + f"Tag: {tag}\n"
        return faulty(folder, name, lines, tag=tag, stem=f"{name}-1.0-{build}" if build else "")

    builds = [offer(tmp_path / "a", "many", build, "py3-none-any") for build in ("", "1", "10", "2zz")]
    own = "py{}{}-none-any".format(*sys.version_info)
    tags = [offer(tmp_path / "b", "best", "9", "py3-none-any"), offer(tmp_path / "b", "best", "", own)]
    for name, wheels, taken in (("many", builds, builds[2]), ("best", tags, tags[1])):
        find = ("--no-index", "--no-deps", "--find-links", taken.parent)
        report = tmp_path / f"{name}.json"
        done = pip("install", "--dry-run", "--quiet", "--ignore-installed", "--report", report, *find, name)
        assert done.returncode == 0, done.stderr
        (item,) = json.loads(report.read_text("utf-8"))["install"]
        assert item["download_info"]["url"].rpartition("/")[2] == taken.name
        assert Environment(uv, tmp_path / name)("install", *find, name).returncode == 0
        (info,) = (tmp_path / name).glob(f"lib/python*/site-packages/{name}-1.0.dist-info/WHEEL")
        with zipfile.ZipFile(taken) as archive:
            assert info.read_bytes() == archive.read(f"{name}-1.0.dist-info/WHEEL")
        for wheel in wheels:
            assert truewheel("check", wheel).code == 0, wheel.name
