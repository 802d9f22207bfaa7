"""Cycles that pages ask for: messages for the queue, which the function that answers the request puts there."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.directory.run import RunKind
from shared.provisioning.one_cycle import CycleRequest

_asked = ContextVar[list[str]]("asked")


@contextmanager
def collected() -> Iterator[list[str]]:
    """The messages that are asked for within the block."""
    messages = list[str]()
    token = _asked.set(messages)
    try:
        yield messages
    finally:
        _asked.reset(token)


def ask(store: str, kind: RunKind, asked_by: str) -> None:
    """Let a cycle begin as soon as a worker is free. Raises LookupError where nobody collects."""
    _asked.get().append(CycleRequest(store=store, kind=kind, asked_by=asked_by).model_dump_json())
