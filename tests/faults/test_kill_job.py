"""A worker is killed before and after each step of an errand. The message comes again, and all is as if nothing was."""

import multiprocessing
from signal import SIGKILL

from local.entra.people import PEOPLE
from local.host.gate import Moment
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
from tests.faults.job_steps import Doomed
from tests.sync.reconciled import Reconciled

SHORT = {"BRIDGE_LEASE_SECONDS": "0.1"}
"""How long a person is a dead writer's: over before the message comes again, as in Azure."""
MOMENTS: tuple[Moment, Moment] = ("before", "after")
WORDS = 7
"""An errand for one person says: begun, five steps, done."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.job_steps"])


def test_whoever_is_killed_while_provisioning_on_demand_leaves_it_to_the_next(
    azurite: str, key: str, store: Store, entra: Entra, zoho_one: ZohoOne
) -> None:
    reconciled, settings = _reading(azurite, key, store, entra, zoho_one)
    for number in range(WORDS):
        for moment in MOMENTS:
            person = PEOPLE[number % 3 * 2 + (moment == "after")]
            errand = _killed(reconciled, settings, ProvisionPeople(object_ids=(person.id,)), (number, moment))
            where = f"killed {moment} word {number}"
            assert errand.state is JobState.DONE, where
            (report,) = errand.reports
            assert report.result is Result.DONE, f"{where}: {report.steps[-1].told}"
            begun, ended = (number, moment) != (0, "before"), (number, moment) == (WORDS - 1, "after")
            assert errand.attempts == begun + (not ended), where
            assert [user["userName"] for user in zoho_one.users()].count(person.user_principal_name) == 1, where


def test_whoever_is_killed_while_planning_leaves_it_to_the_next(
    azurite: str, key: str, store: Store, entra: Entra, zoho_one: ZohoOne
) -> None:
    reconciled, settings = _reading(azurite, key, store, entra, zoho_one)
    for number in range(3):
        errand = _killed(reconciled, settings, MakePlan(), (number, "before"))
        assert errand.plan is not None
        assert errand.plan.changes == len([person for person in PEOPLE if person.account_enabled])
        assert reconciled.bridge.reconciler.errands.whole_plan(errand, errand.plan).counts == errand.plan.counts
    assert zoho_one.users() == []


def _reading(
    azurite: str, key: str, store: Store, entra: Entra, zoho_one: ZohoOne
) -> tuple[Reconciled, dict[str, str]]:
    settings = app_settings(azurite, key, zoho_one.parts) | SHORT
    settings |= {"BRIDGE_ENTRA_CERTIFICATE": entra.ready["certificate"]}
    reconciled = Reconciled.start(Bridge(Settings.model_validate(settings)), store, entra, zoho_one)
    reconciled.change(entra=entra.connection(scope=Scope.ALL_USERS))
    return reconciled, settings


def _killed(reconciled: Reconciled, settings: dict[str, str], task: Task, at: tuple[int, Moment]) -> Job:
    """An errand whose first worker is killed, once the second has carried it out."""
    job_runner = reconciled.bridge.reconciler.job_runner
    asked = job_runner.ask(reconciled.store, task, "ada")
    message = JobRequest(store=asked.store, errand=asked.id).model_dump_json().encode()
    process = _processes.Process(target=job_steps.carry_out, args=(Doomed(settings, message, at),))
    process.start()
    process.join()
    assert process.exitcode == -SIGKILL, f"it was not killed at {at}"
    reconciled.lapse()
    reconciled.bridge.run_errand(message)
    errand = reconciled.bridge.reconciler.errands.get(asked.store, asked.id)
    assert errand is not None
    return errand
