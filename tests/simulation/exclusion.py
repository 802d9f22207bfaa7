"""Who is at what: two workers of the bridge that write one account at once, or that both believe to hold a lease."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.observed import AtOnce
from tests.simulation.outside import Outside
from tests.simulation.schedule import Task

EXCUSED = 150.0
"""Seconds after a failed call about leases within which one may end while its holder works."""
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass
class Exclusion:
    """Hears of each write to Zoho One while it lasts, and of each write of a lease."""

    outside: Outside
    broken: list[AtOnce] = field(default_factory=list)
    _writers: dict[tuple[str, str], Task] = field(default_factory=dict)
    _holders: dict[str, tuple[str, Task]] = field(default_factory=dict)
    """By lease: the holder's token, and who acquired it."""

    @contextmanager
    def writing(self, method: str, collection: str, account: str | None, name: str) -> Iterator[None]:
        """A call to Zoho One, from its beginning until its answer is there."""
        task, about = self.outside.schedule.current, (collection, account or name.casefold())
        if method not in WRITES or collection not in ("Users", "Groups") or task is None:
            yield
            return
        if _works(self._writers.get(about), task):
            self._tell(f"{'user' if collection == 'Users' else 'group'} {about[1]}")
        self._writers[about] = task
        try:
            yield
        finally:
            if self._writers.get(about) is task:
                del self._writers[about]

    def lease(self, name: str, holder: str) -> None:
        """A lease was written; without a holder: it was given back."""
        task, before = self.outside.schedule.current, self._holders.get(name)
        if not holder:
            self._holders.pop(name, None)
        elif task is not None and (before is None or before[0] != holder):
            if before is not None and _works(before[1], task) and not self._is_excused():
                self._tell(f"lease {name}")
            self._holders[name] = holder, task

    def _is_excused(self) -> bool:
        now = self.outside.schedule.seconds
        return any(" leases" in what and now - at < EXCUSED for what, at in self.outside.cut_at.items())

    def _tell(self, what: str) -> None:
        self.broken.append(AtOnce(self.outside.schedule.now(), what))


def _works(other: Task | None, task: Task) -> bool:
    """Whether somebody else is at it, and alive."""
    return other is not None and other is not task and not other.done and other.process.alive
