"""Jobs: what a page asks for, and a worker that takes the message from the queue carries out.

Each has a lease from the moment it is asked for until it has ended. A tick asks again for those that no worker holds.
Tables, queue and log call a job an errand; those names are an interface.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ConfigDict

from shared.entra.errors import GraphError
from shared.logging import logged_with
from shared.model import Model
from shared.rules.job import (
    Job,
    MakePlan,
    Phase,
    PlanMade,
    ProvisionGroup,
    ProvisionPeople,
    RetryPerson,
    Task,
    beginning,
)
from shared.rules.on_demand import StepFound
from shared.rules.store import Store, StoreId
from shared.sync.dry_run import Preview
from shared.sync.on_demand.groups import GroupOnDemand
from shared.sync.on_demand.people import BEING_WRITTEN, CannotProvision, OnDemand
from shared.sync.progress import Progress
from shared.tables.by_time import new_id
from shared.tables.cycle_leases import JOBS
from shared.tables.errors import MappingUnusable, TablesBusy
from shared.tables.heartbeat import LASTS, Heartbeat
from shared.tables.jobs import Jobs
from shared.tables.leases import Leases
from shared.tables.stores import Stores
from shared.zoho.errors import ZohoError

SHOWN = 200
"""Changes of each kind of a plan that a page shows; the download has all."""
NEWS_EVERY = timedelta(seconds=1)
"""Between two words on the same phase: as often as a page asks."""
MOST_ATTEMPTS = 5
"""Number of times that a job is begun."""
WAITS = timedelta(minutes=1)
"""Time that a message may take to reach a worker, before it counts as lost."""
GIVEN_UP = "It failed again and again, and is not tried any more. Last: "
DIED = "Every process that worked on it ended before it did."
GONE = "The person is not in this directory store any more."

_log = logging.getLogger("bridge.errand")


class _StillWritten(Exception):
    """A person is held by a writer that died; the message comes again until its lease has ended."""

    def __init__(self) -> None:
        super().__init__("Somebody is still held by the earlier attempt, for a minute and a half at most")


class JobRequest(Model):
    """A message that asks for a job to be carried out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreId
    errand: str
    """Id of the job."""

    @property
    def lease(self) -> str:
        """Name of the job's lease."""
        return f"{JOBS}:{self.store}:{self.errand}"


@dataclass(frozen=True)
class JobRunner:
    """Takes jobs, and carries them out. Its methods raise TablesBusy."""

    stores: Stores
    jobs: Jobs
    leases: Leases
    dry_run: Callable[[Store, Progress], Preview]
    on_demand: OnDemand
    group_on_demand: GroupOnDemand
    now: Callable[[], datetime]

    def ask(self, store: Store, task: Task, asked_by: str) -> Job:
        """Write down what is asked for; the caller puts the message into the queue."""
        now = self.now()
        job = Job(id=new_id(now), store=store.id, task=task, asked_by=asked_by, asked=now)
        self.jobs.put(job)
        request = JobRequest(store=store.id, errand=job.id)
        self.leases.offer(request.lease, request.model_dump_json())
        return job

    def waiting(self) -> list[JobRequest]:
        """The jobs that no worker holds, though they have not ended. One round trip for a thousand."""
        now = self.now()
        leases = self.leases.of_kind(JOBS).values()
        # A job whose worker died has waited for the lease's end already; the message of any other may be on its way.
        free = (each for each in leases if not each.is_held(now) and (each.holder or now - each.ends >= WAITS))
        return [JobRequest.model_validate_json(each.note) for each in free]

    def carry_out(self, request: JobRequest) -> None:
        """Do what a job asks for; one that has ended, or that another worker holds, is left alone.

        What is raised makes its message come again, and so does a tick.
        """
        lease = self.leases.acquire(request.lease, LASTS, lambda _: request.model_dump_json())
        if lease is None:
            return
        with Heartbeat(self.leases, lease, self.now) as heart:
            job, store = self.jobs.get(request.store, request.errand), self.stores.read(request.store)
            if job is None or store is None or not job.is_open:
                heart.remove()
                return
            record = _JobRecord(self, job)
            try:
                with logged_with(errand=job.id):
                    self._carry_out(store, job, record)
            finally:
                if record.job.is_open:
                    heart.release(lease.note)
                else:
                    heart.remove()

    def _carry_out(self, store: Store, job: Job, record: "_JobRecord") -> None:
        started, last = time.perf_counter(), job.attempts + 1 >= MOST_ATTEMPTS
        if job.attempts >= MOST_ATTEMPTS:
            record.put(job.failed(GIVEN_UP + (job.failure or DIED), self.now()))
            return
        try:
            record.put(job.begun(self.now()))
            record.put(self._free(self._done(store, job.task, record), last=last))
        except (GraphError, ZohoError, MappingUnusable, CannotProvision) as failure:
            record.put(record.job.failed(str(failure), self.now()))
        except Exception as failure:
            why = f"{failure}." if isinstance(failure, TablesBusy | _StillWritten) else _defect(failure)
            ended = record.job.failed if last else record.job.stumbled
            record.put(ended(GIVEN_UP + why if last else why, self.now()))
            raise
        finally:
            _log.info(
                "errand store=%s kind=%s state=%s attempts=%d seconds=%.1f",
                store.id,
                job.task.kind,
                record.job.state.value,
                record.job.attempts,
                time.perf_counter() - started,
            )

    def _done(self, store: Store, task: Task, record: "_JobRecord") -> Job:
        """The job as it is when it is done."""
        match task:
            case MakePlan():
                return self._plan(store, record)
            case ProvisionPeople(object_ids=people):
                run, reports = self.on_demand.provision(store, people, record.job.asked_by, record)
            case ProvisionGroup(object_id=group, members=people):
                run, reports = self.group_on_demand.provision(store, group, people, record.job.asked_by, record)
            case RetryPerson(identity=identity):
                try:
                    run, reports = self.on_demand.retry(store, identity, record.job.asked_by, record)
                except KeyError:
                    raise CannotProvision(GONE) from None
        return record.job.with_run(run.id, reports, self.now())

    def _free(self, done: Job, *, last: bool) -> Job:
        """The same. Raises _StillWritten where somebody waits for a writer that may be an earlier attempt."""
        waits = any(report.steps and report.steps[-1].told == BEING_WRITTEN for report in done.reports)
        if waits and done.attempts > 1 and not last:
            raise _StillWritten
        return done

    def _plan(self, store: Store, record: "_JobRecord") -> Job:
        found = self.dry_run(store, record)
        shown = beginning(found.plan, SHOWN)
        self.jobs.put_plan(record.job.id, found.plan, shown)
        return record.job.with_plan(PlanMade.of(found.plan, found.breaches, found.troubles, shown), self.now())


@dataclass
class _JobRecord:
    """Keeps what is heard of one job, for the page that looks on."""

    parts: JobRunner
    job: Job

    def put(self, job: Job) -> None:
        """It stands like this now. One round trip."""
        self.job = job
        self.parts.jobs.put(job)

    def step(self, person: str, found: StepFound) -> None:
        """A person's step is done."""
        self.put(self.job.with_step(person, found, self.parts.now()))

    def tell(self, step: str, done: int = 0, of: int = 0) -> None:
        """So much of a phase is done; not every word on it is written down."""
        now, before = self.parts.now(), self.job
        known = before.phase is not None and before.phase.name == step
        if not known or before.heard is None or now - before.heard >= NEWS_EVERY:
            self.put(before.in_phase(Phase(name=step, done=done, of=of), now))


def _defect(failure: Exception) -> str:
    return f"A defect of the bridge: {type(failure).__name__}."
