"""What the package hello says when all its libraries are found, and its unrepaired wheel for any platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.hello import PACKAGE, hello_wheel

if TYPE_CHECKING:
    from pathlib import Path

SAY: Final = "import hello; print(hello.greet())"
SAID: Final = "hello from libgreet 1, libtone 2\n"
MISSING: Final = "libgreet.so.1"


def wheel(extension: Path, platform: str, folder: Path) -> Path:
    """Write a wheel for `linux_<platform>` around an extension module named _hello; return its path."""
    files: dict[str, Path | bytes] = {"hello/__init__.py": PACKAGE, "hello/_hello.abi3.so": extension}
    return hello_wheel(folder, files, tag=f"cp310-abi3-linux_{platform}")
