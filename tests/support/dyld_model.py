"""A second telling of how dyld loads libraries, short and slow, to hold the package's search against.

It follows the text of `dyld/Loader.cpp` and `dyld/JustInTimeLoader.cpp` of Apple's dyld line by line and shares nothing
with the package. A missing library does not end the load, so that every name gets an answer.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Image:
    """A file that can be mapped. loadable: whether the process takes it as a library."""

    install_name: str | None
    needed: tuple[str, ...] = ()
    rpaths: tuple[str, ...] = ()
    loadable: bool = True


@dataclass
class Dyld:
    """One process.

    files: by real path. real_path: resolves links; None when nothing is there. library_path, fallback: the folders of
    the variables. answers: for each file that was loaded, what each of its names ended at.
    """

    files: Mapping[str, Image]
    real_path: Callable[[str], str | None]
    library_path: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    loaded: list[str] = field(default_factory=list)
    answers: dict[str, list[str | None]] = field(default_factory=dict)

    def open(self, path: str) -> dict[str, list[str | None]]:
        """Open a module that nothing else has opened."""
        self.loaded.append(path)
        self.load_dependents(path, (path,))
        return self.answers

    def load_dependents(self, path: str, chain: tuple[str, ...]) -> None:
        """Load the first level, then each of these. chain: the file itself, who loaded it, and so on."""
        if path in self.answers:
            return
        self.answers[path] = []
        for name in self.files[path].needed:
            found = self.already_loaded(name) if name.startswith("/") else None
            self.answers[path].append(found or self.get_loader(name, chain))
        for found in self.answers[path]:
            if found is not None:
                self.load_dependents(found, (found, *chain))

    def already_loaded(self, path: str) -> str | None:
        """Return the image with that path or that install name."""
        for each in self.loaded:
            if path in (each, self.files[each].install_name):
                return each
        return None

    def get_loader(self, name: str, chain: tuple[str, ...]) -> str | None:
        """Find one image, loading it if need be."""
        if name.startswith("@rpath/") and (held := self.already_loaded(name)):
            return held
        for path in self.possible_paths(name, chain):
            if held := self.already_loaded(path):
                return held
            real = self.real_path(path) if path.startswith(("/", "wheel:")) else None
            if real is None or real not in self.files or not self.files[real].loadable:
                continue
            if real not in self.loaded:
                self.loaded.append(real)
            return real
        return None

    def possible_paths(self, name: str, chain: tuple[str, ...]) -> Iterator[str]:
        """Yield the paths to try: the variable, the name with its `@` expanded, the fallback."""
        leaf = posixpath.basename(name)
        yield from (f"{folder}/{leaf}" for folder in self.library_path)
        if name.startswith("@loader_path/"):
            yield self.beside(chain[0], name)
        elif name.startswith("@rpath/"):
            tail = name[len("@rpath/") :]
            for image in chain:
                for rpath in self.files[image].rpaths:
                    folder = rpath.removesuffix("/")  # concatenatePaths writes one slash between the two
                    if rpath == "@loader_path" or rpath.startswith("@loader_path/"):
                        yield f"{self.beside(image, folder)}/{tail}"
                    elif rpath.startswith("/"):
                        yield f"{folder}/{tail}"
        elif not name.startswith("@"):
            yield name
        yield from (f"{folder}/{leaf}" for folder in self.fallback)

    @staticmethod
    def beside(image: str, text: str) -> str:
        """Put the image's folder for `@loader_path`."""
        return posixpath.dirname(image) + text[len("@loader_path") :]
