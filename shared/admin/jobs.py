"""Errands: what a page asks for, and a worker that takes the message from the queue carries out.

Each has a lease from the moment it is asked for until it has ended. A tick asks again for those that no worker holds.
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
from shared.sync.cycle import Report
from shared.sync.on_demand.groups import GroupOnDemand
from shared.sync.on_demand.people import BEING_WRITTEN, CannotProvision, OnDemand
from shared.sync.plan.dry_run import Preview
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
"""Number of times that an errand is begun."""
WAITS = timedelta(minutes=1)
"""Time that a message may take to reach a worker, before it is taken for lost."""
GIVEN_UP = "It failed again and again, and is not tried any more. Last: "
DIED = "Every process that worked on it ended before it did."
GONE = "The person is not in this directory store any more."

_log = logging.getLogger("bridge.errand")


class _StillWritten(Exception):
    """Somebody is held by a writer who died; the message comes again until his lease has ended."""

    def __init__(self) -> None:
        super().__init__("Somebody is still held by the earlier attempt, for a minute and a half at most")


class JobRequest(Model):
    """A message that asks for an errand to be carried out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreId
    errand: str

    @property
    def lease(self) -> str:
        """Name of the errand's lease."""
        return f"{JOBS}:{self.store}:{self.errand}"


@dataclass(frozen=True)
class JobRunner:
    """Takes errands, and carries them out. Its methods raise TablesBusy."""

    stores: Stores
    errands: Jobs
    leases: Leases
    dry_run: Callable[[Store, Report], Preview]
    on_demand: OnDemand
    group_on_demand: GroupOnDemand
    now: Callable[[], datetime]

    def ask(self, store: Store, task: Task, asked_by: str) -> Job:
        """Write down what is asked for; whoever calls puts the message into the queue."""
        now = self.now()
        errand = Job(id=new_id(now), store=store.id, task=task, asked_by=asked_by, asked=now)
        self.errands.put(errand)
        request = JobRequest(store=store.id, errand=errand.id)
        self.leases.offer(request.lease, request.model_dump_json())
        return errand

    def waiting(self) -> list[JobRequest]:
        """The errands that no worker holds, though they have not ended. One round trip for a thousand."""
        now = self.now()
        leases = self.leases.of_kind(JOBS).values()
        free = (each for each in leases if not each.is_held(now) and now - each.ends >= WAITS)
        return [JobRequest.model_validate_json(each.note) for each in free]

    def carry_out(self, request: JobRequest) -> None:
        """Do what an errand asks for; one that has ended, or that another worker holds, is left alone.

        What is raised makes its message come again, and so does a tick.
        """
        lease = self.leases.acquire(request.lease, LASTS, lambda _: request.model_dump_json())
        if lease is None:
            return
        with Heartbeat(self.leases, lease, self.now) as heart:
            errand, store = self.errands.get(request.store, request.errand), self.stores.read(request.store)
            if errand is None or store is None or not errand.is_open:
                heart.remove()
                return
            news = _News(self, errand)
            try:
                with logged_with(errand=errand.id):
                    self._carry_out(store, errand, news)
            finally:
                if news.errand.is_open:
                    heart.release(lease.note)
                else:
                    heart.remove()

    def _carry_out(self, store: Store, errand: Job, news: "_News") -> None:
        started, last = time.perf_counter(), errand.attempts + 1 >= MOST_ATTEMPTS
        if errand.attempts >= MOST_ATTEMPTS:
            news.tell(errand.failed(GIVEN_UP + (errand.failure or DIED), self.now()))
            return
        try:
            news.tell(errand.begun(self.now()))
            news.tell(self._free(self._done(store, errand.task, news), last=last))
        except (GraphError, ZohoError, MappingUnusable, CannotProvision) as failure:
            news.tell(news.errand.failed(str(failure), self.now()))
        except Exception as failure:
            why = f"{failure}." if isinstance(failure, TablesBusy | _StillWritten) else _defect(failure)
            ended = news.errand.failed if last else news.errand.stumbled
            news.tell(ended(GIVEN_UP + why if last else why, self.now()))
            raise
        finally:
            _log.info(
                "errand store=%s kind=%s state=%s attempts=%d seconds=%.1f",
                store.id,
                errand.task.kind,
                news.errand.state.value,
                news.errand.attempts,
                time.perf_counter() - started,
            )

    def _done(self, store: Store, task: Task, news: "_News") -> Job:
        """The errand as it is when it is done."""
        match task:
            case MakePlan():
                return self._plan(store, news)
            case ProvisionPeople(object_ids=people):
                run, reports = self.on_demand.provision(store, people, news.errand.asked_by, news.step)
            case ProvisionGroup(object_id=group, members=people):
                run, reports = self.group_on_demand.provision(store, group, people, news.errand.asked_by, news.step)
            case RetryPerson(identity=identity):
                try:
                    run, reports = self.on_demand.retry(store, identity, news.errand.asked_by, news.step)
                except KeyError:
                    raise CannotProvision(GONE) from None
        return news.errand.with_run(run.id, reports, self.now())

    def _free(self, done: Job, *, last: bool) -> Job:
        """The same. Raises _StillWritten where somebody waits for a writer who is taken for an earlier attempt's."""
        waits = any(report.steps and report.steps[-1].told == BEING_WRITTEN for report in done.reports)
        if waits and done.attempts > 1 and not last:
            raise _StillWritten
        return done

    def _plan(self, store: Store, news: "_News") -> Job:
        found = self.dry_run(store, news.phase)
        shown = beginning(found.plan, SHOWN)
        self.errands.put_plan(news.errand.id, found.plan, shown)
        return news.errand.with_plan(PlanMade.of(found.plan, found.breaches, found.troubles, shown), self.now())


@dataclass
class _News:
    """Writes down what is heard of one errand."""

    parts: JobRunner
    errand: Job

    def tell(self, errand: Job) -> None:
        """It stands like this now."""
        self.errand = errand
        self.parts.errands.put(errand)

    def step(self, person: str, found: StepFound) -> None:
        """A person's step is done."""
        self.tell(self.errand.with_step(person, found, self.parts.now()))

    def phase(self, name: str, done: int, of: int) -> None:
        """So much of a phase is done; not every word on it is written down."""
        now, before = self.parts.now(), self.errand
        known = before.phase is not None and before.phase.name == name
        if not known or before.heard is None or now - before.heard >= NEWS_EVERY:
            self.tell(before.in_phase(Phase(name=name, done=done, of=of), now))


def _defect(failure: Exception) -> str:
    return f"A defect of the bridge: {type(failure).__name__}."
