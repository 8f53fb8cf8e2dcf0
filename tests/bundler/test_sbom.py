from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from truewheel import __version__
from truewheel.bundler.packages.owners import Package
from truewheel.bundler.plan import LibraryCopy
from truewheel.bundler.sbom import package_url, sbom

WHEEL = "Hello_World-1.0+local.1-cp310-abi3-manylinux_2_17_x86_64.whl"
WHEEL_URL = f"pkg:pypi/hello-world@1.0%2Blocal.1?file_name={WHEEL.replace('+', '%2B')}"
STDCXX = LibraryCopy(
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30",
    "libstdc++.so.6",
    "hello.libs/libstdc++-11111111.so.6",
    "1" * 64,
    2_000_000,
    "deadbeef",
)
OWN = LibraryCopy("/home/me/lib own.so", "lib own.so", "hello.libs/lib_own-22222222.so", "2" * 64, 10)
PACKAGE = Package(
    "deb",
    "libstdc++6",
    "12.2.0-14+deb12u1",
    "amd64",
    "debian",
    "debian-12",
    licence="GPL-3.0 with exception",
    source="gcc-12@12.2.0-14+deb12u1",
)
NEEDS = {"hello/_hello.abi3.so": ("lib_own-22222222.so", "libc.so.6"), OWN.member: ("libstdc++-11111111.so.6",)}


def made(*libraries: LibraryCopy, needs: dict[str, tuple[str, ...]] | None = None) -> tuple[bytes, dict[str, Any]]:
    packages = {STDCXX.source: PACKAGE}
    content = sbom(WHEEL, "Hello_World", "1.0+local.1", libraries, packages, NEEDS if needs is None else needs)
    return content, json.loads(content)


@pytest.mark.parametrize("libraries", [(), (OWN,), (STDCXX, OWN)])
def test_it_keeps_to_the_published_schema(libraries: tuple[LibraryCopy, ...]) -> None:
    content, _ = made(*libraries)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) is None


def test_it_is_about_the_wheel_and_says_who_wrote_it() -> None:
    _, document = made(STDCXX)
    assert document["metadata"]["component"] == {
        "type": "library",
        "bom-ref": WHEEL_URL,
        "name": "Hello_World",
        "version": "1.0+local.1",
        "purl": WHEEL_URL,
    }
    assert document["metadata"]["tools"]["components"] == [
        {"type": "application", "name": "truewheel", "version": __version__}
    ]


def test_a_library_of_a_package_is_described_by_it() -> None:
    _, document = made(OWN, STDCXX)
    assert document["components"][1] == {
        "type": "library",
        "bom-ref": "file:hello.libs/libstdc++-11111111.so.6",
        "name": "libstdc++6",
        "version": "12.2.0-14+deb12u1",
        "licenses": [{"license": {"name": "GPL-3.0 with exception"}}],
        "purl": "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
        "hashes": [{"alg": "SHA-256", "content": "1" * 64}],
        "evidence": {"occurrences": [{"location": "hello.libs/libstdc++-11111111.so.6"}]},
        "properties": [
            {"name": "truewheel:build-id", "value": "deadbeef"},
            {"name": "truewheel:soname", "value": "libstdc++.so.6"},
            {"name": "truewheel:source-package", "value": "gcc-12@12.2.0-14+deb12u1"},
            {"name": "truewheel:source-path", "value": "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"},
        ],
    }


def test_a_library_that_no_package_owns_is_told_by_its_content() -> None:
    _, document = made(OWN)
    (component,) = document["components"]
    assert component["purl"] == f"pkg:generic/lib%20own.so?checksum=sha256:{'2' * 64}"
    assert "version" not in component


def test_the_graph_says_who_needs_whom() -> None:
    _, document = made(STDCXX, OWN)
    own, stdcxx = f"file:{OWN.member}", f"file:{STDCXX.member}"
    assert document["dependencies"] == [
        {"ref": WHEEL_URL, "dependsOn": [own]},
        {"ref": own, "dependsOn": [stdcxx]},
        {"ref": stdcxx},
    ]


def test_what_nobody_needs_by_name_is_needed_by_the_wheel() -> None:
    _, document = made(STDCXX, needs={})
    assert document["dependencies"][0] == {"ref": WHEEL_URL, "dependsOn": [f"file:{STDCXX.member}"]}


def test_the_same_facts_give_the_same_bytes_and_other_facts_another_serial_number() -> None:
    assert made(STDCXX, OWN)[0] == made(OWN, STDCXX)[0]
    assert made(STDCXX)[1]["serialNumber"] != made(OWN)[1]["serialNumber"]


def test_a_path_that_is_not_text_can_be_written() -> None:
    content, _ = made(LibraryCopy("/opt/lib\udcff.so", "lib\udcff.so", "hello.libs/lib_-22222222.so", "2" * 64, 10))
    assert b"lib%FF.so" in content


@pytest.mark.parametrize(
    ("package", "parts"),
    [
        (PACKAGE, ("deb", "debian", "libstdc++6", "12.2.0-14+deb12u1", {"arch": "amd64", "distro": "debian-12"})),
        (
            Package("rpm", "openssl-libs", "1:3.0.7-27.el9~1", "x86_64", "almalinux", "almalinux-9.3"),
            (
                "rpm",
                "almalinux",
                "openssl-libs",
                "3.0.7-27.el9~1",
                {"arch": "x86_64", "distro": "almalinux-9.3", "epoch": "1"},
            ),
        ),
        (
            Package("apk", "libpq", "16.3-r0", "x86_64", "alpine", "alpine-3.20.0"),
            ("apk", "alpine", "libpq", "16.3-r0", {"arch": "x86_64", "distro": "alpine-3.20.0"}),
        ),
        (
            Package("conda", "openssl", "3.3.1", "linux-64", "conda-forge", build="h4bc722e_2"),
            ("conda", "", "openssl", "3.3.1", {"build": "h4bc722e_2", "channel": "conda-forge", "subdir": "linux-64"}),
        ),
        (Package("deb", "a b%c", "2:1.0%", "", ""), ("deb", "", "a b%c", "2:1.0%", {})),
    ],
)
def test_package_urls_are_spelled_as_the_reference_implementation_does(
    package: Package, parts: tuple[str, str, str, str, dict[str, str]]
) -> None:
    kind, namespace, name, version, qualifiers = parts
    expected = PackageURL(kind, namespace or None, name, version, qualifiers).to_string()
    assert package_url(package) == expected
