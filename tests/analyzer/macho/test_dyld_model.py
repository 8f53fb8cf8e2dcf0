"""Random heaps of libraries: the search against a second, simple telling of dyld's rules."""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from support.dyld_model import Dyld, Image
from support.macho_images import bundle, member, part, put
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.resolve import build_macho_graph
from truewheel.analyzer.search_options import SearchOptions

if TYPE_CHECKING:
    from truewheel.analyzer.macho.resolve import MachoMember

NAMES = tuple(f"lib{letter}.dylib" for letter in "abcd")
FOLDERS = ("d0", "d1", "d2")
MODULE = "d0/mod.so"
INSIDE = "wheel:platlib/"

_names = st.sampled_from(NAMES)
_folders = st.sampled_from(FOLDERS)
_arches = st.sampled_from(("arm64", "arm64", "arm64", "arm64", "x86_64"))


class Library(NamedTuple):
    """A library of a random heap; `TOP` in its texts stands for the folder of the whole heap."""

    install_name: str
    needed: tuple[str, ...]
    rpaths: tuple[str, ...]
    arch: str


def _texts(*shapes: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda shape, folder, name: shape.format(folder=folder, name=name), st.sampled_from(shapes), _folders, _names
    )


_needed = _texts(
    "@rpath/{name}",
    "@rpath/{name}",
    "@rpath/../{folder}/{name}",
    "@loader_path/{name}",
    "@loader_path/../{folder}/{name}",
    "TOP/{folder}/{name}",
    "TOP/{folder}/{name}",
    "{name}",
    "@executable_path/{name}",
)
_rpaths = st.lists(
    _texts(
        "@loader_path", "@loader_path/", "@loader_path/../{folder}", "TOP/{folder}", "TOP/{folder}/", "{folder}", "@x"
    ),
    max_size=3,
).map(tuple)
_libraries = st.builds(
    Library,
    _texts("@rpath/{name}", "TOP/{folder}/{name}", "{name}"),
    st.lists(_needed, max_size=4).map(tuple),
    _rpaths,
    _arches,
)
_places = st.builds("{}/{}".format, _folders, _names)
_heaps = st.dictionaries(_places, _libraries, min_size=2, max_size=9)
_modules = st.builds(
    Library, st.just(""), st.lists(_needed, min_size=1, max_size=4).map(tuple), _rpaths, st.just("arm64")
)


def _image(library: Library, top: str) -> Image:
    return Image(
        install_name=library.install_name.replace("TOP", top) or None,
        needed=tuple(each.replace("TOP", top) for each in library.needed),
        rpaths=tuple(each.replace("TOP", top) for each in library.rpaths),
        loadable=library.arch == "arm64",
    )


def _member(place: str, library: Library, top: str) -> MachoMember:
    image = _image(library, top)
    if not image.install_name:
        return member(place, bundle(*image.needed, rpaths=image.rpaths, arch=library.arch))
    return member(place, part(*image.needed, name=image.install_name, rpaths=image.rpaths, arch=library.arch))


@settings(max_examples=200, deadline=None)
@given(heap=_heaps, module=_modules)
def test_a_wheel_that_holds_all_its_libraries(heap: dict[str, Library], module: Library) -> None:
    everything = {place: _without_outside_paths(each) for place, each in {**heap, MODULE: module}.items()}
    images = {INSIDE + place: _image(library, "/build") for place, library in everything.items()}
    files = [_member(place, library, "/build") for place, library in everything.items()]
    found = build_macho_graph([files[-1], *files[:-1]], SearchOptions(system=False), modules=[MODULE])
    processes = [
        Dyld(images, posixpath.normpath).open(INSIDE + entry)
        for entry in found.entries
        if images[INSIDE + entry].loadable
    ]
    for node, edges in found.graph.edges.items():
        for number, edge in enumerate(edges):
            answers = {each[INSIDE + node][number] for each in processes if INSIDE + node in each}
            by_path = None if edge.lookup.rule is SearchRule.IN_WHEEL else edge.lookup.found
            if answers and all(_complete(each) for each in processes):
                assert (by_path and INSIDE + by_path) in answers, edge
            elif processes == [processes[0]] and node == MODULE:
                assert {by_path and INSIDE + by_path} == answers, edge
                if answers == {None}:
                    return  # where dyld gives up we go on with what lies in the wheel, and know more names from there


def _without_outside_paths(library: Library) -> Library:
    """Leave out what a wheel's search tries after all places of the wheel, where dyld takes them in turn."""
    return library._replace(rpaths=tuple(each for each in library.rpaths if not each.startswith("TOP")))


def _complete(answers: dict[str, list[str | None]]) -> bool:
    return all(found is not None for each in answers.values() for found in each)


class Heap(NamedTuple):
    libraries: dict[str, Library]
    links: dict[str, str]
    module: Library
    library_path: tuple[str, ...]
    fallback: tuple[str, ...]


_links = st.dictionaries(_places, st.builds("../{}".format, _places), max_size=3)
_some_folders = st.lists(_folders, max_size=2).map(tuple)
_one_folder = st.lists(_folders, min_size=1, max_size=2).map(tuple)


@settings(max_examples=80, deadline=None)
@given(heap=st.builds(Heap, _heaps, _links, _modules, _some_folders, _one_folder))
def test_a_module_whose_libraries_all_lie_outside(heap: Heap) -> None:
    top = tempfile.mkdtemp()
    try:
        _compare(heap, os.path.realpath(top))
    finally:
        shutil.rmtree(top)


def _compare(heap: Heap, top: str) -> None:
    images = {INSIDE + MODULE: _image(heap.module, top)}
    for folder in FOLDERS:
        Path(top, folder).mkdir()
    for place, library in heap.libraries.items():
        image = images[f"{top}/{place}"] = _image(library, top)
        put(Path(top, place), *image.needed, name=image.install_name, rpaths=image.rpaths, arches=(library.arch,))
    for place, target in heap.links.items():
        if place not in heap.libraries:
            Path(top, place).symlink_to(target)
    library_path = tuple(f"{top}/{each}" for each in heap.library_path)
    fallback = tuple(f"{top}/{each}" for each in heap.fallback)
    answers = Dyld(images, _real_path, library_path, fallback).open(INSIDE + MODULE)
    options = SearchOptions(
        library_path=tuple(map(Path, library_path)), fallback_path=tuple(map(Path, fallback)), sysroot=Path("/")
    )
    graph = build_macho_graph([_member(MODULE, heap.module, top)], options, modules=[MODULE]).graph
    for node in graph.nodes:
        found = [edge.lookup.found for edge in graph.edges[node]]
        assert found == answers[INSIDE + node if node == MODULE else node], node
    assert {node.name for node in graph.externals()} == answers.keys() - {INSIDE + MODULE}


def _real_path(path: str) -> str | None:
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return None
