"""Trying again while another writer is there."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.sync.errors import BeingWritten
from shared.tables.errors import Stale


@dataclass(frozen=True)
class Patience:
    """How long a write is tried again."""

    seconds: float
    first_pause: float
    """Seconds before the second try, on average; twice as long each time."""
    longest_pause: float
    waits_for_leases: bool = True
    """Whether another writer's lease is waited for; otherwise only a write that lost a race is tried again."""


FOR_A_REQUEST = Patience(seconds=5, first_pause=0.05, longest_pause=0.5)
"""A SCIM request's: then Entra is asked to send it again."""
FOR_A_GROUP = Patience(seconds=2, first_pause=0.2, longest_pause=0.8)
"""A group's turn in a cycle, or after a person was written: a later cycle, or the minute timer, finds it again."""
FOR_A_READING = Patience(seconds=0.3, first_pause=0.02, longest_pause=0.08, waits_for_leases=False)
"""A person's turn while everybody is read: it has to be short, and the next cycle comes back to it."""


def until_free[T](write: Callable[[], T], patience: Patience) -> T:
    """Do a write that reads first, again while another writer is there.

    Raises BeingWritten or Stale, whichever was last, when the patience is over.
    """
    ends, pause = time.monotonic() + patience.seconds, patience.first_pause
    again = (BeingWritten, Stale) if patience.waits_for_leases else (Stale,)
    while True:
        try:
            return write()
        except again:
            if time.monotonic() + pause > ends:
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, guards nothing
        pause = min(pause * 2, patience.longest_pause)
