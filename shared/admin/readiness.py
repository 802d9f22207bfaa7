"""Whether Zoho One and Microsoft Graph answer, for each store, asked seldom however often somebody wants to know.

Probes of a health page come every few seconds, from several watchers. So an answer is remembered by the worker process,
and what has to be asked is asked beside the request that wants to know, once for all who want to.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from shared.logging import places
from shared.rules.store import Store
from shared.tables.errors import TablesBusy

ZOHO_ONE, GRAPH = "Zoho One", "Microsoft Graph"
REMEMBERED = timedelta(minutes=1)
"""An answer, good or bad."""
OUTDATED = timedelta(minutes=5)
"""From then on an answer that was not renewed is none."""
THREADS = 4
"""That ask at the same time."""

_log = logging.getLogger("bridge.readiness")


@dataclass(frozen=True)
class Answer:
    """What came of asking."""

    reason: str | None
    """Why it does not work; None where it answers."""
    at: datetime


type Ask = Callable[[Store], str | None]
"""Says why a service does not work for a store, or None. Raises TablesBusy."""
type Key = tuple[str, str]
type Said = Mapping[str, Mapping[str, Answer | None]]
"""By a store's id, and the name of a service; None where nobody knows yet."""


class Readiness:
    """Asks, and remembers. Threads may share it."""

    def __init__(self, asks: Mapping[str, Ask], now: Callable[[], datetime]) -> None:
        """``asks``: by the name of each service."""
        self._asks, self._now = asks, now
        self._known: dict[Key, Answer] = {}
        self._asking: dict[Key, Future[None]] = {}
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="readiness")

    def of(self, stores: Iterable[Store], seconds: float = 0) -> Said:
        """What each service said last.

        ``stores``: all whose answers matter; of others nothing is remembered. ``seconds``: how long to wait for what
        has to be asked.
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
        """With the lock held."""
        kept, outdated = frozenset(wanted), self._now() - OUTDATED
        self._known = {key: said for key, said in self._known.items() if key in kept and said.at > outdated}

    def _is_fresh(self, key: Key) -> bool:
        known = self._known.get(key)
        return known is not None and self._now() - known.at < REMEMBERED

    def _asked(self, key: Key, store: Store) -> Future[None]:
        """The asking that is under way, or a new one. With the lock held."""
        if key not in self._asking:
            self._asking[key] = self._pool.submit(self._ask, key, store)
        return self._asking[key]

    def _ask(self, key: Key, store: Store) -> None:
        try:
            reason = self._asks[key[1]](store)
        except TablesBusy as busy:
            reason = f"It could not be asked: {busy}."
        except Exception as error:  # or the same would be asked for by everybody who wants to know
            _log.error("defect error=%s at %s", type(error).__name__, places(error))
            reason = "It could not be asked: the bridge has a defect."
        with self._lock:
            self._known[key] = Answer(reason, self._now())
            del self._asking[key]


def is_ready(said: Said) -> bool:
    """Whether nothing is known to be wrong for any store."""
    answers = (answer for of_store in said.values() for answer in of_store.values())
    return all(answer is None or answer.reason is None for answer in answers)
