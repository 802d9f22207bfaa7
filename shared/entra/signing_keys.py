"""Entra's published signing keys: one request for them at a time, and a failure is remembered."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import jwt
import requests

from shared.entra.errors import GraphBusy

KEYS_SECONDS = 3600
"""Age at which keys are read again."""
STALE_SECONDS = 24 * 3600
"""Age up to which keys are used while they cannot be read again: Entra publishes a new key long before it uses it."""
UNKNOWN_KEY_SECONDS = 60.0
"""Shortest time between two requests for Entra's keys on unknown keys, which anybody can make up."""
FAILURE_SECONDS = 20
"""Seconds without a further request after one that failed."""
TIMEOUT = 5


@dataclass
class _Published:
    """What is known of one tenant's keys; times are on a clock that nobody sets."""

    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    read: float = -math.inf
    """Last successful request."""
    searched: float = -math.inf
    """Last request for an unknown key."""
    failed: float = -math.inf
    """Last failed request."""
    lock: Lock = field(default_factory=Lock)
    """Held by the one thread that asks."""


class SigningKeys:
    """The keys by address. Threads may share it: while one asks, the others are told at once to come back."""

    def __init__(self, session: requests.Session, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._monotonic = monotonic
        self._published: dict[str, _Published] = {}

    def find(self, url: str, key_id: str) -> jwt.PyJWK | None:
        """Return a key, or None where Entra publishes none with this id. Raises GraphBusy. One request at most."""
        known = self._published.setdefault(url, _Published())
        if self._is_due(known, key_id):
            if known.lock.acquire(blocking=False):
                try:
                    if self._is_due(known, key_id):  # another thread may have asked meanwhile
                        self._read(url, known)
                finally:
                    known.lock.release()
            elif key_id not in known.keys:
                raise GraphBusy("Entra's signing keys are being read")
        now = self._monotonic()
        if now - known.read >= STALE_SECONDS or (key_id not in known.keys and now - known.failed < FAILURE_SECONDS):
            raise GraphBusy("Entra's signing keys are out of reach")
        return known.keys.get(key_id)

    def _is_due(self, known: _Published, key_id: str) -> bool:
        now = self._monotonic()
        if now - known.failed < FAILURE_SECONDS:
            return False
        is_unknown = key_id not in known.keys and now - known.searched >= UNKNOWN_KEY_SECONDS
        return now - known.read >= KEYS_SECONDS or is_unknown

    def _read(self, url: str, known: _Published) -> None:
        now = self._monotonic()
        if now - known.read < KEYS_SECONDS:
            known.searched = now
        try:
            answer = self._session.get(url, timeout=(TIMEOUT, TIMEOUT))
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        except (requests.RequestException, jwt.PyJWTError, ValueError, AttributeError):
            known.failed = self._monotonic()
            return
        known.keys, known.read = {str(key.key_id): key for key in keys}, now
