"""The test loader runs published libraries for macOS, so that it may judge repaired ones: they give known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.mac_python import call, run_python, runs_mac_code
from support.mac_wheels import fetched, unpacked

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), runs_mac_code]

MARKUPSAFE, PILLOW, PSYCOPG2 = "markupsafe==3.0.4", "pillow==12.0.0", "psycopg2-binary==2.9.11"


@pytest.fixture(scope="module")
def pillow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(fetched(PILLOW), tmp_path_factory.mktemp("pillow"))


def test_an_extension_module_made_by_apples_linker(tmp_path: Path) -> None:
    site = unpacked(fetched(MARKUPSAFE), tmp_path)
    outcome = run_python(site, "from markupsafe import _speedups as s; print(s._escape_inner('<a>'), s.__file__)")
    (module,) = site.glob("markupsafe/_speedups.*-darwin.so")
    assert (outcome.output, outcome.errors) == (f"&lt;a&gt; {module}\n", "")


def test_checksums_of_pillows_libraries(pillow: Path) -> None:
    (zlib,), (lzma,) = pillow.glob("PIL/.dylibs/libz.*"), pillow.glob("PIL/.dylibs/liblzma.*")
    assert call(zlib, "crc32", "c_ulong", (0, b"123456789", 9)).output == f"{0xCBF43926}\n"
    assert call(lzma, "lzma_crc32", "c_uint32", (b"123456789", 9, 0)).output == f"{0xCBF43926}\n"


def test_pillow_writes_and_reads_pictures(pillow: Path) -> None:
    code = """
import io
from PIL import Image, _imaging
print(_imaging.__file__.rpartition("-")[2])
picture = Image.linear_gradient("L")
for kind in ("PNG", "TIFF", "JPEG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    read = Image.open(io.BytesIO(buffer.getvalue()))
    print(kind, read.size, abs(read.getpixel((9, 200)) - 200) < 3)
"""
    outcome = run_python(pillow, code)
    good = [f"{kind} (256, 256) True" for kind in ("PNG", "TIFF", "JPEG")]
    assert (outcome.output.splitlines(), outcome.errors) == (["darwin.so", *good], "")


def test_a_client_library_with_eight_more_below_it(tmp_path: Path) -> None:
    site = unpacked(fetched(PSYCOPG2), tmp_path)
    (libpq,) = site.glob("psycopg2/.dylibs/libpq.*")
    version = call(libpq, "PQlibVersion", "c_int")
    assert version.errors == ""
    assert 170000 <= int(version.output) < 190000
    outcome = run_python(site, "import psycopg2; print(psycopg2.extensions.libpq_version())")
    assert (outcome.output, outcome.errors) == (version.output, "")
    (libssl,) = site.glob("psycopg2/.dylibs/libssl.*")
    libssl.rename(tmp_path / "gone")
    assert "Library not loaded: @loader_path/libssl.3.dylib" in run_python(site, "import psycopg2").errors
