"""Kills a process at one moment of its calls outside."""

import threading
from typing import Protocol

from local.host.gate import Call, Moment


class Victim(Protocol):
    """A process, by whatever means it was started."""

    def kill(self) -> None:
        """SIGKILL."""


class Killer:
    """The watcher of gates: it sees every call of a process, and kills it before or after the one it is armed for."""

    def __init__(self) -> None:
        self.victim: Victim | None = None
        self.at: tuple[int, Moment] | None = None
        self.seen: list[Call] = []
        self.killed = threading.Event()
        self._lock = threading.Lock()

    def arm(self, victim: Victim | None, at: tuple[int, Moment] | None) -> None:
        """From the next call on; ``at``: the number of the call, from 0, and when. None only watches."""
        self.victim, self.at, self.seen = victim, at, []
        self.killed.clear()

    def __call__(self, call: Call, moment: Moment) -> None:
        with self._lock:
            if call.path.partition("?")[0].endswith("/Tables"):
                return  # making the tables, which are there already, is not a step
            if moment == "before":
                self.seen.append(call)
            if self.victim is not None and self.at == (len(self.seen) - 1, moment):
                # A process of the forkserver is never joined here: the forkserver tells one thread only.
                self.victim.kill()
                self.killed.set()
