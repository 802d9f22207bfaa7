"""Kills a process at one moment of its calls outside."""

import threading
from collections import Counter
from typing import Protocol

from local.host.gate import Call, Moment
from tests.faults.call_kinds import At, kind_of


class Victim(Protocol):
    """A process, by whatever means it was started."""

    def kill(self) -> None:
        """SIGKILL."""


class Killer:
    """The watcher of gates: it sees every call of a process, and kills it at the moment that it is armed for."""

    def __init__(self) -> None:
        self.victim: Victim | None = None
        self.at: At | None = None
        self.seen: list[str] = []
        """The kind of each call."""
        self.killed = threading.Event()
        self._counts = Counter[str]()
        self._under_way: dict[int, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def arm(self, victim: Victim | None, at: At | None) -> None:
        """From the next call on. None only watches."""
        with self._lock:
            self.victim, self.at, self.seen = victim, at, []
            self._counts.clear()
            self._under_way.clear()
            self.killed.clear()

    def __call__(self, call: Call, moment: Moment) -> None:
        if call.path.partition("?")[0].endswith("/Tables"):
            return  # making the tables, which are there already, is not a step
        with self._lock:
            if moment == "before":
                kind = kind_of(call)
                self._under_way[id(call)] = kind, self._counts[kind]
                self._counts[kind] += 1
                self.seen.append(kind)
            elif id(call) not in self._under_way:
                return  # it began before the killer was armed
            if self.victim is not None and self.at == At(*self._under_way[id(call)], moment):
                # A process of the forkserver is never joined here: the forkserver tells one thread only.
                self.victim.kill()
                self.killed.set()
