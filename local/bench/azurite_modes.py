"""Azurite unchanged, and Azurite finding a row by its key: which part of a figure is the emulator's own scanning.

Azurite scans every row of a partition to find one; Azure Table Storage does not. See point_reads.cjs.
"""

import os
import signal
import time
from enum import StrEnum
from pathlib import Path

from local.azurite import Azurite, start_azurite
from local.processes import Processes

HOOK = Path(__file__).with_name("point_reads.cjs")
SWITCHED = 0.2  # seconds after which an idle Azurite has received the signal


class Mode(StrEnum):
    """How Azurite finds one row."""

    AS_IT_IS = "as it is"
    BY_KEY = "by key"


class SwitchableAzurite:
    """A running Azurite with a switchable lookup. It starts by key."""

    def __init__(self, processes: Processes) -> None:
        # Its Node gets the hook from the environment, because start_azurite has no options for a single caller.
        options = os.environ.get("NODE_OPTIONS")
        os.environ["NODE_OPTIONS"] = f'{options or ""} --require "{HOOK}"'.strip()
        try:
            self.azurite: Azurite = start_azurite(processes)
        finally:
            del os.environ["NODE_OPTIONS"]
            if options is not None:
                os.environ["NODE_OPTIONS"] = options
        self.mode = Mode.BY_KEY

    def switch(self, mode: Mode) -> None:
        """Find rows in this mode from now on."""
        if mode is not self.mode:
            self.azurite.process.send(signal.SIGUSR2)
            time.sleep(SWITCHED)
            self.mode = mode
