"""The checks, by name. Each gives what it found, or raises CheckFailedError."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from local.processes import ROOT
from local.store import new_key
from tools.infra import compiler
from tools.infra.evaluated import ODD, SAMPLES, Evaluated, evaluated
from tools.infra.package import LIBRARIES, build_package
from tools.infra.queries import BICEP, queries

ARM_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
CHECKS = ROOT / "infra/checks"
START_SECONDS = 1.5
"""Of the processor, until the app is imported: what a start costs on an instance that does nothing else."""
STARTS = 5


class CheckFailedError(Exception):
    """The message is what the tool said."""


def checks(tools: Path, folder: Path) -> Mapping[str, Callable[[], str]]:
    """``tools``: the virtual environment of the tools. ``folder``: an empty one, for the package."""
    package = folder / "package"
    return {
        "the compiler finds nothing wrong with the template": _compiles,
        "the compiler would format each file like this": _is_formatted,
        "the template deploys what the snapshots say": _is_evaluated,
        "Azure takes the names of odd environments": _odd_names_are_taken,
        "checkov's rules hold, or are left out with a reason": partial(_scan, tools, folder / "arm"),
        "Microsoft's parser of KQL understands each query": partial(_queries_are_understood, tools),
        "azure-functions-doctor finds nothing wrong": partial(_doctor, tools),
        "the package is imported with its own libraries alone": partial(_imports_alone, package),
        "the worker library finds its functions": partial(_is_indexed, package),
        f"it starts within {START_SECONDS:g} s": partial(_starts_soon, package),
    }


def _run(command: list[str], **options: object) -> str:
    """What a command prints. Raises CheckFailedError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise CheckFailedError((done.stdout + done.stderr).strip())
    return str(done.stdout)


def _compiles() -> str:
    compiler.lint()
    return f"{len(json.loads(compiler.build())['resources'])} resources and modules, every rule of bicepconfig.json"


def _is_formatted() -> str:
    if files := compiler.unformatted():
        raise CheckFailedError(f"bicep format would change {', '.join(files)}")
    return "as it is"


def _is_evaluated() -> str:
    for sample in SAMPLES:
        compiler.validate(BICEP / f"{sample}.bicepparam")
    return ", ".join(f"{len(evaluated(sample).resources)} resources for {sample}" for sample in SAMPLES)


def _odd_names_are_taken() -> str:
    redundancies = set()
    for odd in ODD:
        template = Evaluated(json.loads(compiler.snapshot_of({**odd, "signInClientId": compiler.ANYBODY.format(1)})))
        if wrong := list(template.misnamed()):
            raise CheckFailedError(f"{odd['environmentName']} makes {', '.join(wrong)}")
        sku = template.one("Microsoft.Storage/storageAccounts")["sku"]["name"]
        redundancies.add((odd["location"], sku))
    if redundancies != {("ukwest", "Standard_LRS"), ("westus3", "Standard_ZRS")}:
        raise CheckFailedError(f"the redundancy is not what the region has: {redundancies}")
    return f"{len(ODD)} environments"


def _scan(tools: Path, folder: Path) -> str:
    """checkov reads no parameters, so it gets the evaluated deployments."""
    folder.mkdir()
    for sample in SAMPLES:
        resources = [_given(resource) for resource in evaluated(sample).resources]
        template = {"$schema": ARM_SCHEMA, "contentVersion": "1.0.0.0", "resources": resources}
        (folder / f"{sample}.json").write_text(json.dumps(template, indent=2))
    command = [
        str(tools / "bin/checkov"),
        "--config-file",
        str(ROOT / "infra/checkov.yaml"),
        "--directory",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # A rule that breaks off counts as neither passed nor failed, so its complaint does.
    if done.returncode != 0 or "Failed to run check" in done.stderr or "Passed checks: 0" in done.stdout:
        raise CheckFailedError((done.stdout + done.stderr).strip())
    return next(line for line in done.stdout.splitlines() if line.startswith("Passed checks"))


def _given(value: Any) -> Any:
    """Without what is null: to Azure that is as if it were not there, and checkov breaks off on it."""
    if isinstance(value, dict):
        return {name: _given(each) for name, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, list) else value


def _queries_are_understood(tools: Path) -> str:
    parser = tools / "node_modules/@kusto/language-service-next"
    command = ["node", str(CHECKS / "kql.js"), str(parser), str(CHECKS / "tables.json")]
    _run(command, input=json.dumps(queries()))
    return f"{len(queries())} queries"


def _doctor(tools: Path) -> str:
    command = [str(tools / "bin/azure-functions-doctor"), "doctor", "--path", str(ROOT), "--profile", "deploy"]
    said = _run(command, env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"})
    return next(line.strip() for line in said.splitlines() if "fails," in line)


def _imports_alone(package: Path) -> str:
    paths = build_package(package)
    shutil.rmtree(package / ".python_packages", ignore_errors=True)
    _run([str(ROOT / "infra/scripts/package.sh"), "--into", str(package)])
    _import(package)
    sizes = {file: file.stat().st_size for file in package.rglob("*.*") if "__pycache__" not in file.parts}
    own = sum(size for file, size in sizes.items() if ".python_packages" not in file.parts)
    return f"{len(paths)} files, {own / 1024:.0f} KiB, and libraries of {(sum(sizes.values()) - own) / 2**20:.0f} MiB"


def _import(package: Path) -> None:
    """In a Python that sees no package but those of the folder, as Azure's does."""
    code = f"import sys; sys.path[:0] = [{str(package)!r}, {str(package / LIBRARIES)!r}]; import function_app"
    _run([sys.executable, "-I", "-S", "-c", code], cwd=package, env=_settings())


def _settings() -> dict[str, str]:
    """What the app needs to start, and nothing of this machine's."""
    return {
        "PATH": os.environ["PATH"],
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "BRIDGE_ENCRYPTION_KEYS": new_key(),
    }


def _is_indexed(package: Path) -> str:
    command = [sys.executable, "-m", "tools.infra.index", str(package)]
    found = json.loads(_run(command, cwd=ROOT, env=_settings()))
    if found["app"] != str(package):
        raise CheckFailedError(f"what was indexed is not the package but {found['app']}")
    if not found["functions"]:
        raise CheckFailedError("no function was found")
    return ", ".join(found["functions"])


def _starts_soon(package: Path) -> str:
    _import(package)  # for the first time everything is compiled
    seconds, processor = [], []
    for _ in range(STARTS):
        begun, used = time.perf_counter(), _processor_seconds()
        _import(package)
        seconds.append(time.perf_counter() - begun)
        processor.append(_processor_seconds() - used)
    if min(processor) > START_SECONDS:
        raise CheckFailedError(f"{min(processor):.2f} s of the processor")
    return f"{min(processor):.2f} s of the processor, {min(seconds):.2f} s by the clock on this machine"


def _processor_seconds() -> float:
    """That the children of this process have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
