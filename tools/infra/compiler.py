"""Microsoft's compiler of the template, `bicep`, if it is on the path: one static binary of
https://github.com/Azure/bicep/releases.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.processes import ROOT

TEMPLATE = ROOT / "infra/bicep/main.bicep"
ANYBODY = "00000000-0000-4000-8000-00000000000{}"
"""Client id 1, subscription 2 and tenant a in evaluations: nobody's."""
NEEDED = ("--subscription-id", ANYBODY.format(2), "--tenant-id", ANYBODY.format("a"), "--location", "westeurope")


class CompileError(Exception):
    """The message is the compiler's."""


class NoCompilerError(CompileError):
    """There is no compiler, or the modules that the template names are missing."""


def bicep(*arguments: str) -> str:
    """Return what a command prints. Raises CompileError for any complaint, including warnings."""
    program = shutil.which("bicep")
    if program is None:
        raise NoCompilerError("the compiler `bicep` is not on the path: https://github.com/Azure/bicep/releases")
    environment = {**os.environ, "SIGN_IN_CLIENT_ID": ANYBODY.format(1)}
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if "BCP190" in done.stderr or "BCP192" in done.stderr:
        raise NoCompilerError("the modules of the template are missing: run bicep restore infra/bicep/main.bicep")
    if done.returncode != 0 or done.stderr.strip():
        raise CompileError((done.stdout + done.stderr).strip())
    return done.stdout


def build() -> str:
    """Return the template as Azure Resource Manager accepts it."""
    return bicep("build", str(TEMPLATE), "--stdout")


def lint() -> None:
    """Check every rule of infra/bicep/bicepconfig.json on the template and its samples."""
    bicep("lint", str(TEMPLATE))
    for file in sorted(TEMPLATE.parent.glob("*.bicepparam")):
        bicep("build-params", str(file), "--stdout")


def unformatted() -> list[str]:
    """Return the files that the compiler would format differently."""
    files = [file for file in sorted(TEMPLATE.parent.rglob("*.bicep*")) if file.suffix != ".json"]
    return [file.name for file in files if bicep("format", str(file), "--stdout") != file.read_text()]


def validate(parameters: Path) -> None:
    """Raise CompileError with the differences if the snapshot beside the file does not match the template."""
    bicep("snapshot", str(parameters), "--mode", "validate", *NEEDED, "--deployment-name", "prod")


def snapshot(parameters: Path) -> str:
    """Return the evaluated deployment of a parameter file, as JSON."""
    bicep("snapshot", str(parameters), "--mode", "overwrite", *NEEDED, "--deployment-name", "prod")
    written = parameters.with_suffix(".snapshot.json")
    return written.read_text()


def snapshot_of(parameters: Mapping[str, object]) -> str:
    """Return the evaluated deployment of other parameters than the samples'."""
    with tempfile.TemporaryDirectory(prefix="bridge-bicep-") as folder:
        file = Path(folder) / "odd.bicepparam"
        lines = [f"using '{os.path.relpath(TEMPLATE, folder)}'"]
        lines += [f"param {name} = {json.dumps(value).replace('"', "'")}" for name, value in parameters.items()]
        file.write_text("\n".join(lines) + "\n")
        return snapshot(file)
