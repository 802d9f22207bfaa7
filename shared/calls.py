"""The number of outside calls that a piece of work makes, counted where they are made, in any of its threads."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import Literal

type Kind = Literal["graph", "zoho", "tables"]

_counts: ContextVar["Calls | None"] = ContextVar("calls", default=None)


class Calls:
    """The calls of one piece of work, by kind."""

    def __init__(self, part_of: "Calls | None" = None) -> None:
        """``part_of``: the enclosing piece of work, which counts the same calls."""
        self._part_of = part_of
        self._counter: Counter[str] = Counter()
        self._lock = Lock()

    def note(self, kind: Kind) -> None:
        """Count one more call."""
        with self._lock:
            self._counter[kind] += 1
        if self._part_of is not None:
            self._part_of.note(kind)

    def taken(self) -> dict[str, int]:
        """Return the calls counted since the previous call of this method."""
        with self._lock:
            taken, self._counter = dict(self._counter), Counter()
        return taken


@contextmanager
def counted() -> Iterator[Calls]:
    """Count the calls made within the block, by this thread and by those of ``in_parallel``."""
    calls = Calls(part_of=_counts.get())
    token = _counts.set(calls)
    try:
        yield calls
    finally:
        _counts.reset(token)


def note_call(kind: Kind) -> None:
    """Count a call that is about to be made."""
    if (calls := _counts.get()) is not None:
        calls.note(kind)


def in_context[T](work: Callable[[], T]) -> Callable[[], T]:
    """Return the work wrapped so that another thread's calls are counted here."""
    context = copy_context()
    return lambda: context.run(work)
