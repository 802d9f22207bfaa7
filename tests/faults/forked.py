"""Processes to be killed: forked from one that has the imports, so that a death does not cost a start of Python."""

import json
import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from local.host import server

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        *(
            f"tests.faults.{steps}"
            for steps in ("connection_steps", "cycle_steps", "job_steps", "mail_steps", "forked")
        ),
        "azure_functions_runtime",
        "shared.app.console",
    ]
)


def start_forked_host(environment: dict[str, str], log: Path) -> tuple[BaseProcess, dict[str, Any]]:
    """Start what `python -m local.host --port 0 --no-timers --one-process` starts; what it says when it is ready."""
    reader, writer = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_serve, args=(environment, writer, log), daemon=True)
    process.start()
    writer.close()
    with reader, os.fdopen(os.dup(reader.fileno())) as output:
        line = output.readline()
    assert line, f"the host did not start:\n{log.read_text()}"
    return process, json.loads(line)


def _serve(environment: dict[str, str], output: Connection, log: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with log.open("wb") as errors:
        os.dup2(output.fileno(), 1)
        os.dup2(errors.fileno(), 2)
    output.close()
    os.environ.update(environment)
    sys.argv = ["local.host", "--port", "0", "--no-timers", "--one-process"]
    server.main()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
