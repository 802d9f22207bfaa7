"""Waiting for another request that is writing the same person."""

import random
import time
from collections.abc import Callable

from shared.scim.errors import ServiceUnavailableException
from shared.sync.errors import BeingWritten
from shared.tables.errors import Stale

WAIT = 5.0
"""Seconds a request waits for another's lease before Entra is asked to send it again."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5


def until_free[T](write: Callable[[], T], *, wait: float = WAIT) -> T:
    """Do a write that reads first, again and again while another request writes the same person."""
    ends, pause = time.monotonic() + wait, _FIRST_PAUSE
    while True:
        try:
            return write()
        except (BeingWritten, Stale):
            if time.monotonic() + pause > ends:
                raise ServiceUnavailableException(
                    "Another request is writing this person; send the request again", round(WAIT)
                ) from None
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, guards nothing
        pause = min(pause * 2, _LONGEST_PAUSE)
