"""The template as it would be deployed: what `bicep snapshot` evaluates, and the fingerprint of what it was made from.

infra/bicep/*.snapshot.json are committed, so that the checks read what Azure would get and not the template's text, on
machines without the compiler too. `python -m tools.infra.evaluated` writes them anew, and needs `bicep`.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.processes import ROOT
from tools.infra.compiler import CompileError, snapshot

BICEP = ROOT / "infra/bicep"
SAMPLES = ("main", "private")
"""The parameter files that are evaluated."""
LOADED = ("roles.json", "regions.json", "workbook.json")
FINGERPRINT = BICEP / "snapshot.sha256"
NAMES: Mapping[str, str] = json.loads((ROOT / "infra/checks/names.json").read_text())["names"]

type Resource = Mapping[str, Any]


ODD = (
    *({"environmentName": name, "location": "ukwest"} for name in ("Prod_1", "a.b", "___", "x" * 64)),
    {"environmentName": "(zoho.one.bridge)_for-everybody.in-2026", "location": "westus3"},
)
"""Environments as people name them, in regions with and without zones."""


class Evaluated:
    """What one parameter file would deploy."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.resources: list[Resource] = content["predictedResources"]
        self.outputs: Mapping[str, str] = content["outputs"]

    def of(self, kind: str) -> list[Resource]:
        """The resources of a type."""
        return [resource for resource in self.resources if resource["type"] == kind]

    def one(self, kind: str) -> Resource:
        """The only resource of a type."""
        (found,) = self.of(kind)
        return found

    def settings(self) -> Mapping[str, str]:
        """The app settings."""
        settings: Mapping[str, str] = self.one("Microsoft.Web/sites/config")["properties"]
        return settings

    def misnamed(self) -> Iterator[str]:
        """Names that Azure would refuse, each with its type."""
        for resource in self.resources:
            rule = NAMES.get(resource["type"])
            if rule and not re.fullmatch(rule, resource["name"]):
                yield f"{resource['type']} {resource['name']}"


def evaluated(sample: str) -> Evaluated:
    """As it is committed."""
    return Evaluated(json.loads((BICEP / f"{sample}.snapshot.json").read_text()))


def sources() -> Iterator[Path]:
    """The files that the compiler reads."""
    for file in sorted(BICEP.rglob("*")):
        if file.suffix in (".bicep", ".bicepparam", ".kql") or file.name in (
            "roles.json",
            "regions.json",
            "workbook.json",
        ):
            yield file


def fingerprint() -> str:
    """Of all sources: another one means that the snapshots are of another template."""
    digest = hashlib.sha256()
    for file in sources():
        digest.update(f"{file.relative_to(BICEP)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def main() -> None:
    """Write the snapshots and their fingerprint."""
    for sample in SAMPLES:
        content = json.loads(snapshot(BICEP / f"{sample}.bicepparam"))
        (BICEP / f"{sample}.snapshot.json").write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    FINGERPRINT.write_text(fingerprint() + "\n")


if __name__ == "__main__":
    try:
        main()
    except CompileError as error:
        raise SystemExit(str(error)) from None
