"""The bill of materials of a repaired wheel: which libraries came along, and what each of them is.

Follows CycloneDX 1.6 (JSON), the package-URL specification, and PEP 770, which says where a wheel keeps such files.
The same wheel gives the same bytes: no clock, and a serial number that follows from the content.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from truewheel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truewheel.bundler.packages.installed import Package
    from truewheel.bundler.plan import LibraryCopy


def sbom(
    wheel_name: str,
    distribution: str,
    version: str,
    libraries: Sequence[LibraryCopy],
    packages: Mapping[str, Package],
    needs: Mapping[str, Iterable[str]],
) -> bytes:
    """Return the bill of materials.

    wheel_name: the file name of the repaired wheel; distribution and version: as in that name.
    packages: by the libraries' sources, as `packages.owners` finds them.
    needs: for each changed or bundled member of the wheel, the names of the bundled libraries that it needs.
    """
    wheel = _purl("pypi", "", _normalized(distribution), version, {"file_name": wheel_name})
    ordered = sorted(libraries, key=lambda copy: copy.member)
    references = {copy.member: f"file:{copy.member}" for copy in ordered}
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "truewheel", "version": __version__}]},
            "component": {
                "type": "library",
                "bom-ref": wheel,
                "name": distribution,
                "version": version,
                "purl": wheel,
            },
        },
        "components": [_component(copy, packages.get(copy.source), references[copy.member]) for copy in ordered],
        "dependencies": _dependencies(wheel, references, needs),
    }
    return _with_serial_number(document)


def _with_serial_number(document: dict[str, Any]) -> bytes:
    from uuid import NAMESPACE_URL, uuid5

    wheel = document["metadata"]["component"]["purl"]
    serial = uuid5(uuid5(NAMESPACE_URL, wheel), json.dumps(document, sort_keys=True))
    document["serialNumber"] = f"urn:uuid:{serial}"
    return json.dumps(document, indent=2).encode() + b"\n"


def _component(copy: LibraryCopy, package: Package | None, reference: str) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "library", "bom-ref": reference}
    if package is None:
        component |= {
            "name": copy.name,
            "purl": _purl("generic", "", copy.name, "", {"checksum": f"sha256:{copy.sha256}"}),
        }
    else:
        component |= {"name": package.name, "version": package.version}
        if package.licence:
            component["licenses"] = [{"license": {"name": package.licence}}]
        component["purl"] = package_url(package)
    component["hashes"] = [{"alg": "SHA-256", "content": copy.sha256}]
    component["evidence"] = {"occurrences": [{"location": copy.member}]}
    properties = {
        "truewheel:build-id": copy.build_id,
        "truewheel:source-package": package.source if package else None,
        "truewheel:source-path": copy.source,
        "truewheel:soname": copy.name,
    }
    component["properties"] = [{"name": name, "value": value} for name, value in sorted(properties.items()) if value]
    return component


def _dependencies(
    wheel: str, references: Mapping[str, str], needs: Mapping[str, Iterable[str]]
) -> list[dict[str, Any]]:
    """Return the graph: the wheel needs what its own files need, or what nobody needs by name."""
    by_name: dict[str, list[str]] = {}
    for member, reference in references.items():
        by_name.setdefault(member.rpartition("/")[2], []).append(reference)
    edges: dict[str, set[str]] = {wheel: set(), **{reference: set() for reference in references.values()}}
    for member, names in needs.items():
        targets = {reference for name in names for reference in by_name.get(name, ())}
        edges[references.get(member, wheel)] |= targets
    edges[wheel] |= set(references.values()).difference(*edges.values())
    return [{"ref": ref, "dependsOn": sorted(targets)} if targets else {"ref": ref} for ref, targets in edges.items()]


def package_url(package: Package) -> str:
    """Return the package URL of an installed package."""
    if package.kind == "conda":
        qualifiers = {"build": package.build, "channel": package.namespace, "subdir": package.architecture}
        return _purl("conda", "", package.name, package.version, qualifiers)
    epoch, version = "", package.version
    if package.kind == "rpm" and ":" in version:
        epoch, _, version = version.partition(":")
    qualifiers = {"arch": package.architecture, "distro": package.distro, "epoch": epoch}
    return _purl(package.kind, package.namespace, package.name, version, qualifiers)


def _purl(kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]) -> str:
    """Join the parts of a package URL; empty ones are left out and qualifiers are sorted."""
    path = "/".join(_encoded(part) for part in (namespace, name) if part)
    pairs = "&".join(f"{key}={_encoded(value)}" for key, value in sorted(qualifiers.items()) if value)
    return f"pkg:{kind}/{path}" + (f"@{_encoded(version)}" if version else "") + (f"?{pairs}" if pairs else "")


def _encoded(text: str) -> str:
    """Encode by percent all but what the package-URL specification lets stand: letters, digits, `.-_~` and `:`."""
    return quote(text, safe=":", errors="surrogateescape")


def _normalized(distribution: str) -> str:
    """Return a name of the package index, as the package-URL type pypi spells it."""
    return distribution.lower().replace("_", "-")
