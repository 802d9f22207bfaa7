"""A lease that is kept while the work under it goes on, and that ends soon after its process does.

A thread renews it, so that no step of the work is too long for it, and a process that is killed stops renewing: that is
how others find out. A step that is stuck keeps its lease; the platform's time-out for functions ends such a process.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from shared.calls import in_context
from shared.tables.errors import TablesBusy
from shared.tables.leases import Lease, LeaseLost, Leases

LASTS = timedelta(seconds=75)
"""Time until others take the work for abandoned: longer than one renewal may take, the SDK's own retries included."""
EVERY = timedelta(seconds=15)
"""Time between two renewals."""

type Look = Callable[[], str | None]
"""Says why the work has to end, a sentence, or None. May raise TablesBusy, which says nothing."""


class Heartbeat:
    """Keeps one lease from ``with`` to the end of the block. Threads may share it."""

    def __init__(
        self,
        leases: Leases,
        lease: Lease,
        now: Callable[[], datetime],
        look: Look = lambda: None,
        every: timedelta = EVERY,
    ) -> None:
        """``look``: asked at each renewal, in the heartbeat's thread."""
        self._leases, self._lease, self._now, self._look, self._every = leases, lease, now, look, every
        self._lock, self._ended, self._renewed = Lock(), Event(), now()
        self._lost: LeaseLost | None = None
        self._why: str | None = None
        self._thread = Thread(target=in_context(self._run), name=f"heartbeat {lease.name}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def must_end(self) -> str | None:
        """Why the work has to end, as it was looked up at the last renewal; None: it goes on."""
        return self._why

    def beat(self) -> None:
        """Renew the lease if that is due. Raises LeaseLost and TablesBusy."""
        if self._lost is not None:
            raise self._lost
        if self._now() - self._renewed >= self._every:
            self._renew()
            self._why = self._look()

    def write(self, note: str) -> None:
        """Renew the lease with another note. One round trip. Raises LeaseLost and TablesBusy."""
        self._renew(note)

    def release(self, note: str) -> None:
        """Give the lease back, with a note for the next holder. Raises LeaseLost and TablesBusy."""
        self._ended.set()
        with self._lock:
            self._leases.release(self._lease, note)

    def remove(self) -> None:
        """Take the lease away: nothing is left to be done under it. Raises LeaseLost and TablesBusy."""
        self._ended.set()
        with self._lock:
            self._leases.remove(self._lease)

    def _renew(self, note: str | None = None) -> None:
        """Renew the lease unless it was given back; with its own note, or another."""
        with self._lock:
            if self._ended.is_set():
                return
            self._lease = self._leases.renew(self._lease, LASTS, note)
            self._renewed = self._now()

    def _run(self) -> None:
        while not self._ended.wait(self._every.total_seconds()):
            try:
                self._renew()
                self._why = self._look()
            except TablesBusy:
                continue  # the lease lasts longer than a pause of the tables, or another takes it
            except LeaseLost as lost:
                self._lost = lost
                return
