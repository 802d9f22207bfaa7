"""What the parts of the app take from outside the process, with what they take where nobody says otherwise."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests
from azure.data.tables import TableServiceClient

from shared.outgoing import OutgoingSession


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Outside:
    """Tables, time and network: a test in memory, or a simulation, gives its own."""

    service: TableServiceClient | None = None
    """The tables; None: those of the storage account that the settings name."""
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    """Waits, in seconds."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds, from a clock that nobody sets."""
    zoho_session: Callable[[], requests.Session] = OutgoingSession
    entra_session: Callable[[Path | None], requests.Session] = OutgoingSession
    """With the file that the class describes."""
