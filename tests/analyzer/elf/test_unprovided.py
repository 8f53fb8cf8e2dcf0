from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.images import image, member
from truewheel.analyzer.elf.image import Dependency, DependencyKind
from truewheel.analyzer.elf.resolve import build_graph
from truewheel.analyzer.elf.unprovided import find_unprovided
from truewheel.analyzer.search_options import SearchOptions

if TYPE_CHECKING:
    from truewheel.analyzer.elf.resolve import Member

_GLIBC = {"x86_64": ("/lib/libc.so.6", "/lib/libm.so.6")}
_EXPORTS: dict[str, set[str]] = {
    "/lib/libc.so.6": {"malloc", "puts"},
    "/lib/libm.so.6": {"sin"},
    "liba.so": {"a", "shared"},
    "libb.so": {"b"},
}


class _Asked:
    """Stands for the files; remembers every question."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, str]] = []

    def __call__(self, name: str, names: frozenset[str]) -> frozenset[str]:
        self.questions += [(name, each) for each in names]
        return names & _EXPORTS.get(name, set())


def _unprovided(*members: Member, exclude: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    found = build_graph(members, SearchOptions(system=False, exclude=exclude))
    asked = _Asked()
    result = find_unprovided(found.graph, found.libc, _GLIBC, asked)
    assert len(asked.questions) == len(set(asked.questions))
    return result


def _module(*needed: str, wants: tuple[str, ...]) -> Member:
    return member("mod.so", image(*needed, rpath=("$ORIGIN",), wants=wants, module=True))


_A = member("liba.so", image(soname="liba.so"))
_B = member("libb.so", image(soname="libb.so"))


def test_names_that_nothing_defines_are_told_sorted() -> None:
    assert _unprovided(_module("liba.so", wants=("z", "a", "q")), _A) == {"mod.so": ("q", "z")}


def test_the_process_gives_the_c_library_to_every_module() -> None:
    assert _unprovided(_module(wants=("malloc", "sin"))) == {}


@pytest.mark.parametrize("name", ["PyList_New", "_PyObject_New", "PyInit_x"])
def test_pythons_own_functions_are_the_interpreters(name: str) -> None:
    assert _unprovided(_module(wants=(name,))) == {}


def test_what_is_needed_by_a_needed_library_counts() -> None:
    liba = member("liba.so", image("libb.so", soname="liba.so"))
    assert _unprovided(_module("liba.so", wants=("b",)), liba, _B) == {}


def test_a_library_that_is_there_but_not_needed_does_not_count() -> None:
    user = member("user.so", image("liba.so", rpath=("$ORIGIN",), module=True))
    assert _unprovided(_module(wants=("a",)), user, _A) == {"mod.so": ("a",)}


def test_a_file_may_use_what_those_who_load_it_bring_along() -> None:
    wanting = member("libb.so", image(soname="libb.so", wants=("a", "lost")))
    both = _module("liba.so", "libb.so", wants=())
    assert _unprovided(both, _A, wanting) == {"libb.so": ("lost",)}
    alone = member("alone.so", image("libb.so", rpath=("$ORIGIN",), module=True))
    assert _unprovided(both, alone, _A, wanting) == {"libb.so": ("a", "lost")}


def test_an_entry_is_judged_alone_even_if_another_loads_it() -> None:
    entry = member("mod2.so", image(soname="mod2.so", wants=("a",), module=True))
    other = member("other.so", image("liba.so", "mod2.so", rpath=("$ORIGIN",), module=True))
    assert _unprovided(other, entry, _A) == {"mod2.so": ("a",)}


@pytest.mark.parametrize("exclude", [(), ("liblost*",)])
def test_nothing_is_said_when_a_library_was_not_read(exclude: tuple[str, ...]) -> None:
    assert _unprovided(_module("liblost.so", wants=("q",)), exclude=exclude) == {}
    liba = member("liba.so", image("liblost.so", soname="liba.so"))
    assert _unprovided(_module("liba.so", wants=("q",)), liba, exclude=exclude) == {}


def test_nothing_is_said_of_a_file_whose_loader_needs_an_unread_library() -> None:
    wanting = member("libb.so", image(soname="libb.so", wants=("q",)))
    assert _unprovided(_module("liblost.so", "libb.so", wants=()), wanting) == {}


def test_the_loader_and_the_interpreter_hide_nothing() -> None:
    module = _module("libpython3.so", "ld-linux-x86-64.so.2", wants=("q",))
    assert _unprovided(module) == {"mod.so": ("q",)}


def test_an_auxiliary_library_may_be_missing() -> None:
    module = _module(wants=("q",))
    needed = (Dependency("libaux.so", DependencyKind.AUXILIARY),)
    assert _unprovided(module._replace(image=module.image._replace(needed=needed))) == {"mod.so": ("q",)}
    needed = (Dependency("libfilter.so", DependencyKind.FILTER),)
    assert _unprovided(module._replace(image=module.image._replace(needed=needed))) == {}


def test_nothing_is_said_without_the_c_library_of_the_architecture() -> None:
    foreign = member("mod.so", image(wants=("q",), architecture="aarch64", module=True))
    assert _unprovided(foreign) == {}


def test_libraries_that_need_each_other_are_no_trouble() -> None:
    ring1 = member("libr1.so", image("libr2.so", soname="libr1.so", rpath=("$ORIGIN",), wants=("a", "q")))
    ring2 = member("libr2.so", image("libr1.so", "liba.so", soname="libr2.so", rpath=("$ORIGIN",)))
    assert _unprovided(ring1, ring2, _A) == {"libr1.so": ("q",)}


def test_many_large_wants_are_asked_once_each() -> None:
    modules = [
        member(f"m{number}.so", image("liba.so", rpath=("$ORIGIN",), wants=("a", "shared"), module=True))
        for number in range(50)
    ]
    found = build_graph([*modules, _A], SearchOptions(system=False))
    asked = _Asked()
    assert find_unprovided(found.graph, found.libc, _GLIBC, asked) == {}
    assert sorted(asked.questions) == [("liba.so", "a"), ("liba.so", "shared")]
