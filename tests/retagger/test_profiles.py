"""What profiles add to the platform tags of a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.tags import mac_platforms

from truewheel.errors import UsageError
from truewheel.retagger.profiles import profiles

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.retagger.profiles import Profile


def profile(name: str, extra: Path | None = None) -> Profile:
    """Return the one profile of that name."""
    (found,) = profiles((name,), extra)
    return found


def sorted_name(*tags: str) -> str:
    return ".".join(sorted(tags))


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("python.org", ("macosx_10_6_intel",)),
        ("apple", ("macosx_10_9_intel",)),
        ("apple-10.10", ("macosx_10_10_intel",)),
        ("homebrew", ("macosx_10_9_x86_64",)),
        ("macports-10.8", ("macosx_10_8_x86_64",)),
        ("conda", ("macosx_10_5_x86_64",)),
        ("uv", ()),
    ],
)
def test_interpreters_have_exact_names(name: str, names: tuple[str, ...]) -> None:
    found = profile(name)
    assert (found.name, found.names, found.also) == (name, names, ())
    assert found.implied(("macosx_10_6_intel", "manylinux_2_17_x86_64")) == ()


def test_pip_1_5_gathers_the_names_of_interpreters() -> None:
    also = ("macosx_10_6_intel", "macosx_10_9_intel", "macosx_10_9_x86_64", "macosx_10_5_x86_64")
    assert profile("pip-1.5").also == also
    assert profile("pip-1.5").names == ()


@pytest.mark.parametrize(
    ("name", "before", "added"),
    [
        # What the published wheels of ninja and cmake are called.
        (
            "pip>=6",
            "macosx_10_9_universal2",
            ("macosx_10_9_x86_64", "macosx_11_0_arm64", "macosx_11_0_universal2"),
        ),
        ("pip>=21", "macosx_10_9_universal2", ("macosx_11_0_universal2",)),
        ("pip>=21", "macosx_12_0_universal2", ()),
        ("pip>=21", "macosx_11_0_x86_64", ("macosx_10_16_x86_64",)),
        ("pip>=21", "macosx_11_0_arm64", ()),
        ("pip>=21", "macosx_12_0_x86_64", ()),
        ("pip>=21", "macosx_11_0_universal2", ("macosx_10_16_universal2",)),
        ("pip>=6", "macosx_10_6_i386 macosx_10_6_x86_64", ("macosx_10_6_intel",)),
        ("pip>=6", "macosx_10_6_intel", ("macosx_10_6_x86_64",)),
        ("pip>=6", "macosx_10_9_x86_64", ()),
        ("pip>=6", "manylinux_2_17_x86_64", ("manylinux2014_x86_64",)),
        ("pip>=6", "manylinux_2_28_x86_64", ()),
        ("pip>=6", "manylinux_2_12_i686 any", ("manylinux2010_i686",)),
        ("pip>=21", "manylinux_2_17_x86_64", ()),
        ("pip>=6", "win_amd64", ()),
    ],
)
def test_installers_need_further_names(name: str, before: str, added: tuple[str, ...]) -> None:
    assert sorted_name(*profile(name).implied(before.split())) == sorted_name(*added)


MAC = st.builds(
    "macosx_{0[0]}_{0[1]}_{1}".format,
    st.sampled_from([(10, 6), (10, 9), (10, 15), (11, 0), (12, 0), (14, 0)]),
    st.sampled_from(["x86_64", "universal2", "intel", "i386"]),
) | st.sampled_from(["macosx_11_0_arm64", "macosx_13_0_arm64"])


@example({"macosx_11_0_x86_64", "macosx_12_0_universal2"}, "pip>=6")
@given(st.sets(MAC, min_size=1), st.sampled_from(["pip>=6", "pip>=21"]))
def test_what_installers_need_reaches_no_system_that_was_not_promised(tags: set[str], name: str) -> None:
    added = profile(name).implied(sorted(tags))
    for architecture, oldest in (("x86_64", (10, 4)), ("arm64", (11, 0))):
        versions = [(10, minor) for minor in range(4, 16)] + [(major, 0) for major in range(11, 16)]
        for version in versions:
            if version >= oldest:
                takes = set(mac_platforms(version, architecture))
                assert takes.isdisjoint(added) or not takes.isdisjoint(tags), (version, architecture)


def written(folder: Path, text: str) -> Path:
    path = folder / "profiles.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_of_your_own_adds_profiles_and_goes_first(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[profiles.fleet]\nnames = ["macosx_{version}_arm64"]\nversion = "13.0"\nalso = ["homebrew", "group"]\n'
        '[profiles.group]\nalso = ["uv"]\nnames = ["macosx_12_0_arm64"]\n'
        '[profiles.homebrew]\nnames = ["macosx_15_0_arm64"]\nfamilies = ["arm64"]\n',
    )
    fleet = profile("fleet", path)
    assert (fleet.names, fleet.also) == (("macosx_13_0_arm64",), ("macosx_15_0_arm64", "macosx_12_0_arm64"))
    assert profile("fleet-14.0", path).names == ("macosx_14_0_arm64",)
    assert profile("homebrew", path).names == ("macosx_15_0_arm64",)
    assert profile("homebrew", path).families == ("arm64",)
    assert profile("python.org", path).names == ("macosx_10_6_intel",)


@pytest.mark.parametrize("name", ["fedora", "python.org-10.9", "apple-10", "uv-1.0", ""])
def test_a_profile_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="there is no profile") as caught:
        profile(name)
    assert "python.org" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = ", "is not TOML"),
        ("[other]", "is no file of profiles"),
        ("profiles = 1", "is no file of profiles"),
        ("profiles.a = 1", "is not a table"),
        ("[profiles.a]\nname = 'x'", "'name' has no meaning"),
        ("[profiles.a]\nnames = 'x'", "names is not a list of strings"),
        ("[profiles.a]\nnames = [1]", "names is not a list of strings"),
        ("[profiles.a]\nlegacy_aliases = 1", "legacy_aliases is not true or false"),
        ("[profiles.a]\nversion = 10.9", "version is not a string"),
        ("[profiles.a]\nversion = '10'", "version '10' is no version of macOS"),
        ("[profiles.a]\nfamilies = ['intel', 'sparc']", "families has 'sparc', which no tag for macOS ends with"),
        ("[profiles.a]\nalso = ['b']", "there is no profile 'b'"),
        ("[profiles.a]\nalso = ['b']\n[profiles.b]\nalso = ['a']", "the profile 'a' names itself"),
    ],
)
def test_a_file_that_is_none_of_profiles_is_refused(text: str, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=what) as caught:
        profile("a", path)
    assert caught.value.where.startswith((str(path), "--for"))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        profile("a", tmp_path / "none.toml")
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not TOML"):
        profile("a", path)


def test_a_file_is_held_to_its_form_even_when_none_of_its_profiles_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "[profiles.a]\nlegacy_aliases = true\n")
    assert profiles((), path) == ()
    with pytest.raises(UsageError, match="is no file of profiles"):
        profiles((), written(tmp_path, "[other]"))


def test_names_that_no_installer_looks_for_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '[profiles.a]\nnames = ["macosx_13"]\n[profiles.b]\nalso = ["a"]\n')
    for name in ("a", "b"):
        with pytest.raises(UsageError, match="macosx_13 is no macOS tag") as caught:
            profiles((name,), path)
        assert caught.value.where == f"--for {name}"
