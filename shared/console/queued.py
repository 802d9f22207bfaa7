"""What pages ask workers for: messages, which the function that answers the request puts into the queues."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.admin.jobs import JobRequest
from shared.rules.job import Job
from shared.sync.cycle_note import CycleRequest


@dataclass(frozen=True)
class Queued:
    """Messages by their queue."""

    cycles: list[str] = field(default_factory=list)
    errands: list[str] = field(default_factory=list)


_asked = ContextVar[Queued]("asked")


@contextmanager
def collected() -> Iterator[Queued]:
    """The messages that are asked for within the block."""
    messages = Queued()
    token = _asked.set(messages)
    try:
        yield messages
    finally:
        _asked.reset(token)


def ask_cycle(request: CycleRequest) -> None:
    """Let a cycle begin as soon as a worker is free. Raises LookupError where nobody collects."""
    _asked.get().cycles.append(request.model_dump_json())


def ask_errand(errand: Job) -> None:
    """Let an errand be carried out as soon as a worker is free. Raises LookupError where nobody collects."""
    _asked.get().errands.append(JobRequest(store=errand.store, errand=errand.id).model_dump_json())
