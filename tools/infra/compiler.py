"""Microsoft's compiler of the template, `bicep`, where it is on the path: one static binary of
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
"""Client id 1, subscription 2 and tenant a of evaluations: nobody's."""
NEEDED = ("--subscription-id", ANYBODY.format(2), "--tenant-id", ANYBODY.format("a"), "--location", "westeurope")


class CompileError(Exception):
    """The message is what the compiler said."""


class NoCompilerError(CompileError):
    """There is no compiler, or it has not got the modules that the template names."""


def bicep(*arguments: str) -> str:
    """What a command prints. Raises CompileError where it complains of anything, a warning included."""
    program = shutil.which("bicep")
    if program is None:
        raise NoCompilerError("the compiler `bicep` is not on the path: https://github.com/Azure/bicep/releases")
    environment = {**os.environ, "SIGN_IN_CLIENT_ID": ANYBODY.format(1)}
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if "BCP190" in done.stderr or "BCP192" in done.stderr:
        raise NoCompilerError("the modules of the template are not at hand: bicep restore infra/bicep/main.bicep")
    if done.returncode != 0 or done.stderr.strip():
        raise CompileError((done.stdout + done.stderr).strip())
    return done.stdout


def build() -> str:
    """The template as Azure Resource Manager takes it."""
    return bicep("build", str(TEMPLATE), "--stdout")


def lint() -> None:
    """Every rule of infra/bicep/bicepconfig.json, on the template and its samples."""
    bicep("lint", str(TEMPLATE))
    for file in sorted(TEMPLATE.parent.glob("*.bicepparam")):
        bicep("build-params", str(file), "--stdout")


def unformatted() -> list[str]:
    """Files that the compiler would write otherwise."""
    files = [file for file in sorted(TEMPLATE.parent.rglob("*.bicep*")) if file.suffix != ".json"]
    return [file.name for file in files if bicep("format", str(file), "--stdout") != file.read_text()]


def validate(parameters: Path) -> None:
    """Raises CompileError with the differences where the snapshot beside the file is of another template."""
    bicep("snapshot", str(parameters), "--mode", "validate", *NEEDED, "--deployment-name", "prod")


def snapshot(parameters: Path) -> str:
    """The evaluated deployment of a parameter file, as JSON."""
    bicep("snapshot", str(parameters), "--mode", "overwrite", *NEEDED, "--deployment-name", "prod")
    written = parameters.with_suffix(".snapshot.json")
    return written.read_text()


def snapshot_of(parameters: Mapping[str, object]) -> str:
    """The evaluated deployment of other parameters than the samples'."""
    with tempfile.TemporaryDirectory(prefix="bridge-bicep-") as folder:
        file = Path(folder) / "odd.bicepparam"
        lines = [f"using '{os.path.relpath(TEMPLATE, folder)}'"]
        lines += [f"param {name} = {json.dumps(value).replace('"', "'")}" for name, value in parameters.items()]
        file.write_text("\n".join(lines) + "\n")
        return snapshot(file)
