"""Requests to the workers: messages that the function which answers the page puts into the queues."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.admin.jobs import JobRequest
from shared.rules.job import Job
from shared.sync.cycle_note import CycleRequest


@dataclass(frozen=True)
class Queued:
    """Messages by queue."""

    cycles: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)


_asked = ContextVar[Queued]("asked")


@contextmanager
def collected() -> Iterator[Queued]:
    """Collect the messages that are sent within the block."""
    messages = Queued()
    token = _asked.set(messages)
    try:
        yield messages
    finally:
        _asked.reset(token)


def request_cycle(request: CycleRequest) -> None:
    """Request a cycle, which begins as soon as a worker is free. Raises LookupError outside ``collected``."""
    _asked.get().cycles.append(request.model_dump_json())


def request_job(job: Job) -> None:
    """Request a job, which begins as soon as a worker is free. Raises LookupError outside ``collected``."""
    _asked.get().jobs.append(JobRequest(store=job.store, errand=job.id).model_dump_json())
