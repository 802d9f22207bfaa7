"""What the parts of the app take from outside the process, with what they take where nobody says otherwise."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests
from azure.data.tables import TableServiceClient

from shared.entra.session import new_session as new_entra_session
from shared.zoho.scim_calls import new_session as new_zoho_session


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
    zoho_session: Callable[[], requests.Session] = new_zoho_session
    entra_session: Callable[[Path | None], requests.Session] = new_entra_session
    """``new_session`` of shared/entra/session.py, with its argument."""
