"""A worker is killed before and after each kind of call of a job. Its message comes again, and all is well."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from signal import SIGKILL

import pytest

from local.entra.people import PEOPLE
from local.parts import app_settings
from shared.admin.jobs import JobRequest
from shared.app.container import Bridge
from shared.rules.entra_connection import Scope
from shared.rules.job import Job, JobState, MakePlan, ProvisionPeople, Task
from shared.rules.run import Result
from shared.rules.store import Store
from shared.settings import Settings
from tests.conftest import Entra, ZohoOne
from tests.faults import job_steps
from tests.faults.call_kinds import moments
from tests.faults.cycle_scene import tables_url
from tests.faults.forked import PROCESSES
from tests.faults.job_steps import Doomed
from tests.faults.outside_calls import CallName, Kind, Wire
from tests.sync.reconciled import Reconciled

LEASE_SECONDS = 0.1
"""How long a person is a dead writer's: over before the message comes again, as in Azure."""
PERSON = next(person for person in PEOPLE if person.account_enabled)
KINDS = {"before": Kind.KILLED_BEFORE, "after": Kind.KILLED_AFTER}


@dataclass
class Scene:
    """A store that reads Entra, and workers that carry out its jobs."""

    reconciled: Reconciled
    settings: dict[str, str]
    wire: Wire

    def undisturbed(self, task: Task) -> tuple[Job, list[str]]:
        """A job that nobody disturbs, in a bridge as new as a worker's; and the kinds of its calls."""
        message = self._asked(task)
        with self.wire.watched():
            Bridge(Settings.model_validate(self.settings)).run_job(message.model_dump_json().encode())
        return self._job(message), list(self.wire.seen)

    def killed(self, task: Task, at: CallName, kind: Kind) -> Job:
        """A job whose first worker is killed, once the second has carried it out."""
        request = self._asked(task)
        message = request.model_dump_json().encode()
        process = PROCESSES.Process(
            target=job_steps.carry_out, args=(Doomed(self.settings, message, Wire(self.wire.gates), at, kind),)
        )
        process.start()
        process.join()
        assert process.exitcode == -SIGKILL, f"it was not {kind} {at}"
        time.sleep(LEASE_SECONDS)
        self.reconciled.lapse()
        self.reconciled.bridge.run_job(message)
        return self._job(request)

    def each(self, seen: list[str]) -> Iterator[tuple[CallName, Kind]]:
        """Where to kill, and how."""
        for at in moments(seen):
            yield CallName(at.kind, at.number), KINDS[at.moment]

    def _asked(self, task: Task) -> JobRequest:
        asked = self.reconciled.bridge.job_runner.ask(self.reconciled.store, task, "ada")
        return JobRequest(store=asked.store, errand=asked.id)

    def _job(self, request: JobRequest) -> Job:
        job = self.reconciled.bridge.jobs.get(request.store, request.errand)
        assert job is not None
        return job


@pytest.fixture
def scene(azurite: str, key: str, store: Store, entra: Entra, zoho_one: ZohoOne) -> Scene:
    settings = app_settings(azurite, key, zoho_one.parts) | {"BRIDGE_LEASE_SECONDS": str(LEASE_SECONDS)}
    settings |= {"BRIDGE_ENTRA_CERTIFICATE": entra.ready["certificate"]}
    reconciled = Reconciled.start(Bridge(Settings.model_validate(settings)), store, entra, zoho_one)
    reconciled.change(entra=entra.connection(scope=Scope.ALL_USERS))
    gates = {entra.ready["url"]: "graph", zoho_one.parts.url: "zoho", tables_url(settings): "tables"}
    return Scene(reconciled, settings, Wire(gates))


@pytest.mark.timeout(600)
def test_whoever_is_killed_while_provisioning_on_demand_leaves_it_to_the_next(
    scene: Scene, kills: Callable[[object], None]
) -> None:
    task = ProvisionPeople(object_ids=(PERSON.id,))
    assert scene.undisturbed(task)[0].state is JobState.DONE
    _move(scene, "undisturbed")
    job, seen = scene.undisturbed(task)
    assert job.reports[0].result is Result.DONE
    assert {kind.split()[0] for kind in seen} == {"tables", "zoho", "graph"}
    for number, (at, kind) in enumerate(scene.each(seen)):
        where = f"{kind}: {at}"
        _move(scene, f"Title {number}")
        job = scene.killed(task, at, kind)
        kills(at)
        assert job.state is JobState.DONE, where
        (report,) = job.reports
        assert report.result is Result.DONE, f"{where}: {report.steps[-1].told}"
        (account,) = scene.reconciled.zoho_one.users()
        assert account["title"] == f"Title {number}", where


@pytest.mark.timeout(600)
def test_whoever_is_killed_while_planning_leaves_it_to_the_next(scene: Scene, kills: Callable[[object], None]) -> None:
    scene.undisturbed(MakePlan())  # it fetches the access token that the others find
    _, seen = scene.undisturbed(MakePlan())
    for at, kind in scene.each(seen):
        job = scene.killed(MakePlan(), at, kind)
        kills(at)
        where = f"{kind}: {at}"
        assert job.state is JobState.DONE, where
        assert job.plan is not None
        assert job.plan.changes == len([person for person in PEOPLE if person.account_enabled]), where
        assert scene.reconciled.bridge.jobs.whole_plan(job, job.plan).counts == job.plan.counts, where
    assert scene.reconciled.zoho_one.users() == []


def _move(scene: Scene, title: str) -> None:
    scene.reconciled.entra.act({"do": "change", "id": PERSON.id, "values": {"jobTitle": title}})
