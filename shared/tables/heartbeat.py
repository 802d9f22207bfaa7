"""A lease that is kept alive while the work under it goes on, and that expires soon after its process ends.

A thread renews it, so that no step of the work is too long for it. A killed process stops renewing, which is how others
find out. A stuck step keeps its lease; the platform's time-out for functions ends such a process.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread

from shared.calls import in_context
from shared.tables.errors import TablesBusy
from shared.tables.leases import Lease, LeaseLost, Leases

LASTS = timedelta(seconds=75)
"""Time until others take over abandoned work: longer than one renewal may take, the SDK's retries included."""
EVERY = timedelta(seconds=15)
"""Time between two renewals."""

type Look = Callable[[], str | None]
"""Returns why the work has to end, a sentence, or None. May raise TablesBusy, which means nothing."""


class Heartbeat:
    """Keeps one lease alive from ``with`` to the end of the block. Threads may share it."""

    def __init__(
        self,
        leases: Leases,
        lease: Lease,
        now: Callable[[], datetime],
        look: Look = lambda: None,
        every: timedelta = EVERY,
    ) -> None:
        """``look``: called at each renewal, in the heartbeat's thread."""
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
        """Why the work has to end, as looked up at the last renewal; None: it goes on."""
        return self._why

    def beat(self) -> None:
        """Renew the lease if a renewal is due. Raises LeaseLost and TablesBusy."""
        if self._lost is not None:
            raise self._lost
        if self._now() - self._renewed >= self._every:
            self._renew()
            self._why = self._look()

    def write(self, note: str) -> None:
        """Renew the lease with another note. One round trip. Raises LeaseLost and TablesBusy."""
        self._renew(note)

    def release(self, note: str) -> None:
        """Release the lease, with a note for the next holder. Raises LeaseLost and TablesBusy."""
        self._ended.set()
        with self._lock:
            self._leases.release(self._lease, note)

    def remove(self) -> None:
        """Delete the lease, because no work is left under it. Raises LeaseLost and TablesBusy."""
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
                continue  # the lease outlives a pause of the tables, or another process takes it
            except LeaseLost as lost:
                self._lost = lost
                return
