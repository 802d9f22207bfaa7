"""How many calls outside a piece of work makes: counted where they are made, in whatever thread that is."""

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
        """``part_of``: the work that this is a part of, whose calls these are too."""
        self._part_of = part_of
        self._counter: Counter[str] = Counter()
        self._lock = Lock()

    def note(self, kind: Kind) -> None:
        """One more."""
        with self._lock:
            self._counter[kind] += 1
        if self._part_of is not None:
            self._part_of.note(kind)

    def taken(self) -> dict[str, int]:
        """What was counted since this was asked last."""
        with self._lock:
            taken, self._counter = dict(self._counter), Counter()
        return taken


@contextmanager
def counted() -> Iterator[Calls]:
    """Count the calls made within, by this thread and by those of ``in_parallel``."""
    calls = Calls(part_of=_counts.get())
    token = _counts.set(calls)
    try:
        yield calls
    finally:
        _counts.reset(token)


def note_call(kind: Kind) -> None:
    """A call is about to be made."""
    if (calls := _counts.get()) is not None:
        calls.note(kind)


def in_context[T](work: Callable[[], T]) -> Callable[[], T]:
    """The work, to be done in another thread but counted here."""
    context = copy_context()
    return lambda: context.run(work)
