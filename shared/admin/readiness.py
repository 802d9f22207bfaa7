"""Whether Zoho One and Microsoft Graph answer, for each store, checked rarely however often the result is requested.

Several monitors probe a health page every few seconds. So the worker process caches each answer, and a check runs
beside the requests that need it, once for all of them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from shared.calls import in_context
from shared.logging import places
from shared.rules.store import Store
from shared.tables.errors import TablesBusy

ZOHO_ONE, GRAPH = "Zoho One", "Microsoft Graph"
REMEMBERED = timedelta(minutes=1)
"""How long an answer is cached, good or bad."""
OUTDATED = timedelta(minutes=5)
"""Age at which an answer that was not renewed is discarded."""
THREADS = 4
"""Number of simultaneous checks."""

_log = logging.getLogger("bridge.readiness")


@dataclass(frozen=True)
class Answer:
    """The result of a check."""

    reason: str | None
    """Why it does not work; None if it answers."""
    at: datetime


type Ask = Callable[[Store], str | None]
"""Returns why a service does not work for a store, or None. Raises TablesBusy."""
type Key = tuple[str, str]
type Answers = Mapping[str, Mapping[str, Answer | None]]
"""Answers by a store's id and the name of a service; None if unknown yet."""


class Readiness:
    """Checks, and caches the answers. Safe to share between threads."""

    def __init__(self, asks: Mapping[str, Ask], now: Callable[[], datetime]) -> None:
        """``asks``: the checks by the name of their service."""
        self._asks, self._now = asks, now
        self._known: dict[Key, Answer] = {}
        self._asking: dict[Key, Future[None]] = {}
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="readiness")

    def of(self, stores: Iterable[Store], seconds: float = 0) -> Answers:
        """Return the latest answer of each service.

        ``stores``: all stores of interest; answers of others are dropped. ``seconds``: how long to wait for running
        checks.
        """
        wanted = {(store.id, name): store for store in stores for name in self._services(store)}
        with self._lock:
            self._forget(wanted.keys())
            asking = [self._asked(key, store) for key, store in wanted.items() if not self._is_fresh(key)]
        if seconds and asking:
            wait(asking, seconds)
        with self._lock:
            found: dict[str, dict[str, Answer | None]] = {}
            for store_id, name in wanted:
                found.setdefault(store_id, {})[name] = self._known.get((store_id, name))
            return found

    def _services(self, store: Store) -> list[str]:
        return [name for name in self._asks if name != GRAPH or store.entra is not None]

    def _forget(self, wanted: Iterable[Key]) -> None:
        """The caller holds the lock."""
        kept, outdated = frozenset(wanted), self._now() - OUTDATED
        self._known = {key: answer for key, answer in self._known.items() if key in kept and answer.at > outdated}

    def _is_fresh(self, key: Key) -> bool:
        known = self._known.get(key)
        return known is not None and self._now() - known.at < REMEMBERED

    def _asked(self, key: Key, store: Store) -> Future[None]:
        """Return the running check, or start one. The caller holds the lock."""
        if key not in self._asking:
            self._asking[key] = self._pool.submit(in_context(partial(self._ask, key, store)))
        return self._asking[key]

    def _ask(self, key: Key, store: Store) -> None:
        try:
            reason = self._asks[key[1]](store)
        except TablesBusy as busy:
            reason = f"It could not be asked: {busy}."
        except Exception as error:  # otherwise every request would repeat the check
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            reason = "It could not be asked: the bridge has a defect."
        with self._lock:
            self._known[key] = Answer(reason, self._now())
            del self._asking[key]


def is_ready(answers: Answers) -> bool:
    """Return whether nothing is known to be wrong for any store."""
    each = (answer for of_store in answers.values() for answer in of_store.values())
    return all(answer is None or answer.reason is None for answer in each)
