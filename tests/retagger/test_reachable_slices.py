"""No tag that the evidence calls true is contradicted by any slice that is reached, whatever the graph of a wheel.

The oracle walks the graph itself, and takes the architectures of a tag's name from the specification.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import event, given
from hypothesis import strategies as st

from support.macho_analyses import BuiltMac, version
from truewheel.platforms.macos.judge import judge_macos
from truewheel.retagger.macos_evidence import mac_reasons_against
from truewheel.retagger.macos_tags import smallest_set

FAMILIES = {
    "arm64": {"arm64"},
    "x86_64": {"x86_64"},
    "i386": {"i386"},
    "universal2": {"arm64", "x86_64"},
    "intel": {"i386", "x86_64"},
}
TAG = re.compile(r"macosx_(\d+)_(\d+)_(\w+)")
MINIMA = st.dictionaries(
    st.sampled_from(["arm64", "x86_64", "i386"]),
    st.sampled_from(["10.4", "10.6", "10.9", "10.12.4", "10.15", "10.16", "11.0", "11.3", "12.0", "14.2", "26.0"]),
    min_size=1,
)
FILES = ("a.so", "b.so", "libc.dylib", "libd.dylib", "libe.dylib")


class Wheel(NamedTuple):
    """Files with the minimum system of each slice, and which slice needs which file; a need may find no slice."""

    files: dict[str, dict[str, str]]
    needs: set[tuple[str, str, str]]

    def built(self) -> BuiltMac:
        made = BuiltMac()
        for name, minima in self.files.items():
            (made.module if name.endswith(".so") else made.library)(name, dict(minima))
        for needer, needed, architecture in sorted(self.needs):
            if architecture in self.files[needed]:
                made.need(needer, needed, architecture)
            else:
                made.missing(needer, f"@rpath/{needed}", architecture)
        return made

    def reached(self, architecture: str) -> set[str]:
        """Return every file that a process of that architecture loads, whether it can or not."""
        found: set[str] = set()
        waiting = [name for name in self.files if name.endswith(".so")]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [needed for needer, needed, kind in self.needs if (needer, kind) == (name, architecture)]
        return found

    def contradicted(self, tag: str) -> bool:
        """Whether some slice that is reached is missing, or asks for a newer system than the tag names."""
        match = TAG.fullmatch(tag)
        assert match
        named = (int(match[1]), int(match[2]))
        for architecture in FAMILIES[match[3]]:
            system = max(named, (11, 0)) if architecture == "arm64" else named
            for name in self.reached(architecture):
                needed = self.files[name].get(architecture)
                if needed is None or version("11.0" if needed == "10.16" else needed) > (*system, 0):
                    return True
        return False


@st.composite
def wheels(draw: st.DrawFn) -> Wheel:
    names = [FILES[0], *draw(st.sets(st.sampled_from(FILES[1:])).map(sorted))]
    files = {name: draw(MINIMA) for name in names}
    libraries = [name for name in names if name.endswith(".dylib")]
    possible = [
        (needer, needed, architecture)
        for needer, minima in files.items()
        for architecture in sorted(minima)
        for needed in libraries
        if needed != needer
    ]
    return Wheel(files, draw(st.sets(st.sampled_from(possible))) if possible else set())


@given(wheels())
def test_no_tag_of_the_evidence_is_contradicted_by_a_slice_that_is_reached(wheel: Wheel) -> None:
    tags = [str(tag) for tag in smallest_set(judge_macos(wheel.built().analysis()).kept_minimums())]
    event(f"{len(tags)} tags")
    for tag in tags:
        assert not wheel.contradicted(tag), tag


@given(
    wheels(),
    st.sampled_from(["10_6", "10_9", "10_13", "11_0", "12_0", "15_0", "26_0"]),
    st.sampled_from(sorted(FAMILIES)),
)
def test_a_tag_is_refused_exactly_when_a_slice_that_is_reached_contradicts_it(
    wheel: Wheel, system: str, family: str
) -> None:
    tag = f"macosx_{system}_{family}"
    reasons = mac_reasons_against(judge_macos(wheel.built().analysis()), tag)
    assert reasons is not None
    event("true" if not reasons else "not true")
    assert bool(reasons) is wheel.contradicted(tag)


@given(wheels(), st.sampled_from(sorted(FAMILIES)))
def test_a_newer_tag_than_a_true_one_is_true(wheel: Wheel, family: str) -> None:
    verdict = judge_macos(wheel.built().analysis())
    systems = ("10_4", "10_6", "10_9", "10_13", "10_15", "11_0", "12_0", "14_0", "15_0", "26_0", "27_0")
    truth = [not mac_reasons_against(verdict, f"macosx_{system}_{family}") for system in systems]
    assert truth == sorted(truth)
