"""Real projects whose extension modules link to libraries of this machine: built here from their sources, unrepaired.

Each comes with a script that uses the libraries, not only imports the module, and prints `works` at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import cache, programs

FLAGS = "-O0 -g0"  # what is proved does not depend on the optimiser; lxml builds in a sixth of the time


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its exact version, what it links to (names for pkg-config), and how to use it."""

    name: str
    version: str
    links: tuple[str, ...]
    missing: str
    """The library whose absence the loader reports when the wheel is not repaired."""
    use: str


PSYCOPG2 = Project(
    "psycopg2",
    "2.9.12",
    ("libpq",),
    "libpq.so.5",
    """
import psycopg2
from psycopg2 import extensions
assert extensions.libpq_version() >= 150000
assert extensions.parse_dsn("host=example dbname='a b'") == {"host": "example", "dbname": "a b"}
assert extensions.encrypt_password("secret", "user", algorithm="md5").startswith("md5")  # OpenSSL's digest
try:
    psycopg2.connect("host=/nowhere user=nobody")
except psycopg2.OperationalError as error:
    assert "/nowhere/.s.PGSQL.5432" in str(error), error
print("works")
""",
)

LXML = Project(
    "lxml",
    "6.1.3",
    ("libxml-2.0", "libxslt"),
    "libxslt.so.1",
    """
from lxml import etree
document = etree.fromstring("<names><name>Ada</name><name>Zo\\u00eb</name></names>")
sheet = etree.XSLT(etree.fromstring('''
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:str="http://exslt.org/strings">
  <xsl:output method="text"/>
  <xsl:template match="name">[<xsl:value-of select="str:align(., '------', 'right')"/>]</xsl:template>
</xsl:stylesheet>'''))
assert str(sheet(document)) == "[---Ada][---Zo\\u00eb]", str(sheet(document))
assert document.xpath("string(//name[2])") == "Zo\\u00eb"
encoded = "<?xml version='1.0' encoding='windows-1252'?><name>Zo\\u00eb</name>".encode("windows-1252")
assert etree.fromstring(encoded).text == "Zo\\u00eb"
print("works")
""",
)

PILLOW = Project(
    "pillow",
    "12.3.0",
    ("libjpeg", "libtiff-4", "libwebp", "freetype2"),
    "libtiff.so.6",
    """
import io
from PIL import Image, ImageDraw, ImageFont
picture = Image.new("RGB", (160, 40), "white")
ImageDraw.Draw(picture).text((5, 5), "truewheel", fill="black", font=ImageFont.load_default(size=24))  # FreeType
assert picture.getextrema()[0] == (0, 255)
for form, options in (("JPEG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}), ("PNG", {})):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    again = Image.open(io.BytesIO(buffer.getvalue()))
    assert (again.format, again.size) == (form, picture.size)
    assert form == "JPEG" or again.convert("RGB").tobytes() == picture.tobytes(), form
print("works")
""",
)

PYCAIRO = Project(
    "pycairo",
    "1.29.2",
    ("cairo",),
    "libcairo.so.2",
    """
import io
import cairo
surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, 8, 8)
context = cairo.Context(surface)
context.set_source_rgb(1, 0, 0)
context.rectangle(2, 2, 4, 4)
context.fill()
buffer = io.BytesIO()
surface.write_to_png(buffer)
again = cairo.ImageSurface.create_from_png(io.BytesIO(buffer.getvalue()))
pixel = bytes(again.get_data()[4 * again.get_stride() + 4 * 4:][:4])  # row 4, column 4
assert sorted(pixel) == [0, 0, 255, 255], pixel
page = io.BytesIO()
with cairo.PDFSurface(page, 72, 72) as paper:
    cairo.Context(paper).paint()
assert page.getvalue().startswith(b"%PDF")
print("works")
""",
)


def build(project: Project, python: str) -> Path:
    """Return the wheel of the project for a Python version such as `3.11`; the first call builds it."""
    interpreter = find_python(python)
    absent = [
        name for name in project.links if subprocess.run([programs.need("pkg-config"), name], check=False).returncode
    ]
    if absent:
        pytest.skip(f"building {project.name} needs the development files of {', '.join(absent)}")

    def make(folder: Path) -> None:
        source = f"{project.name}=={project.version}"
        flags = ("--no-deps", "--no-binary", project.name, "--no-cache-dir", "--use-pep517", "--wheel-dir", folder)
        programs.run([interpreter, "-m", "pip", "wheel", *flags, source], environment={"CFLAGS": FLAGS})

    name = f"{project.name}-{project.version}-py{python}"
    (wheel,) = cache.kept(name, (project.links, FLAGS, libraries_of_this_machine(project)), make).glob("*.whl")
    return wheel


def libraries_of_this_machine(project: Project) -> str:
    """Return the versions of what the project links to: with others it is built anew."""
    return programs.run([programs.need("pkg-config"), "--modversion", *project.links])


def find_python(version: str) -> Path:
    """Return an interpreter of exactly this version that can build extension modules: on PATH or among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = shutil.which(f"python{version}")
    candidates = [
        *([Path(on_path)] if on_path else []),
        *sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")),
    ]
    test = "import pip, sysconfig, pathlib; assert pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists()"
    for candidate in candidates:
        if subprocess.run([candidate, "-c", test], capture_output=True, check=False).returncode == 0:
            return candidate
    pytest.skip(f"needs Python {version} with its headers and pip, on PATH or from pyenv")
