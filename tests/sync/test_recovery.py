"""A cycle or a job whose process ended is gone on with, and everything says so meanwhile."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.entra.people import PEOPLE
from shared.admin.jobs import WAITS, JobRequest
from shared.rules.job import MakePlan
from shared.rules.run import Result, RunKind, RunState
from shared.rules.schedule import LOOK_AGAIN_AFTER, RETRY_AFTER
from shared.sync.cycle import GIVEN_UP, MOST_INTERRUPTIONS
from shared.sync.cycle_note import HANDED_ON, CycleRequest
from shared.sync.cycles import NotNow
from shared.sync.errors import BeingWritten
from shared.sync.push.people import Push
from shared.tables.heartbeat import LASTS
from shared.zoho.scim_client import ZohoUsers
from tests.console.conftest import pages_of
from tests.sync.reconciled import Hears, Reconciled

ENABLED = [person.id for person in PEOPLE if person.account_enabled]
RECOVERED_WITHIN = timedelta(minutes=3)


class Dies(BaseException):
    """What ends a process, as far as its code can see."""


def _cut_off(reconciled: Reconciled, after: int = 3, request: CycleRequest | None = None) -> None:
    """A cycle whose process ends when so many people are done: it writes nothing more, its lease included."""
    reconciled.change(zoho=reconciled.store.zoho.model_copy(update={"parallel_calls": 1}))

    def hook(step: str, done: int, of: int) -> None:
        if step == "applying" and done >= after:
            raise Dies

    with pytest.raises(Dies):
        reconciled.cycles().run(request or reconciled.asked(), Hears(hook))


def _due(reconciled: Reconciled, at: timedelta = timedelta()) -> list[CycleRequest]:
    """What a tick asks for, so much later."""
    later = lambda: datetime.now(UTC) + at  # noqa: E731 - a clock
    due = reconciled.cycles(now=later).due(reconciled.bridge.stores.started())
    return [request for request in due.requests if request.store == reconciled.store_id]


def test_a_tick_goes_on_with_a_cycle_that_was_cut_off_within_three_minutes(reconciled: Reconciled) -> None:
    _cut_off(reconciled)
    made = len(reconciled.active())
    assert 0 < made < len(ENABLED)
    assert _due(reconciled) == [], "its process may be alive"
    assert LASTS + timedelta(minutes=1) < RECOVERED_WITHIN, "the lease, and the tick after its end"
    (request,) = _due(reconciled, LASTS)
    reconciled.lapse()
    run = reconciled.cycles().run(request).run
    assert (run.state, run.interruptions) == (RunState.DONE, 1)
    assert run.id == request.goes_on
    (only,) = reconciled.bridge.runs.newest(reconciled.store_id)
    assert only.results == {Result.DONE: len(ENABLED)}, "what was done before the end is counted"
    assert len(reconciled.bridge.runs.changes(reconciled.store_id, run.id)) == len(ENABLED)
    reconciled.assert_as_in_entra()
    assert _due(reconciled, LASTS) == [], "it is done"


def test_a_message_that_finds_the_dead_cycles_lease_loses_nothing(reconciled: Reconciled) -> None:
    """The queue gives the message back after 30 seconds, before the lease has ended, and then forgets it."""
    _cut_off(reconciled)
    for request in (CycleRequest(store=reconciled.store_id), reconciled.asked()):
        with pytest.raises(NotNow):
            reconciled.cycles().run(request)
    reconciled.lapse()
    (request,) = _due(reconciled)
    reconciled.cycles().run(request)
    reconciled.assert_as_in_entra()


def test_the_same_message_twice_runs_one_cycle(reconciled: Reconciled) -> None:
    asked = reconciled.bridge.cycles.ask(reconciled.store, RunKind.CYCLE, "ada")
    run = reconciled.cycles().run(asked).run
    assert run.id == asked.id
    with pytest.raises(NotNow):
        reconciled.cycles().run(asked)
    with pytest.raises(NotNow):
        reconciled.cycles().run(asked.going_on(run.id))


def test_what_somebody_asked_for_while_another_cycle_ran_follows_it(reconciled: Reconciled) -> None:
    _cut_off(reconciled)
    asked = reconciled.bridge.cycles.ask(reconciled.store, RunKind.FULL_CYCLE, "ada")
    with pytest.raises(NotNow):
        reconciled.cycles().run(asked)
    reconciled.lapse()
    first = reconciled.cycles().run(asked).run
    assert (first.asked_by, first.interruptions) == ("test", 1), "first what was cut off"
    (again,) = _due(reconciled)
    second = reconciled.cycles().run(again).run
    assert (second.id, second.asked_by, second.kind) == (asked.id, "ada", RunKind.FULL_CYCLE)
    assert _due(reconciled) == []


def test_nobody_can_ask_for_a_cycle_of_a_store_that_is_stopped(reconciled: Reconciled) -> None:
    reconciled.bridge.switch.stop(reconciled.store)
    with pytest.raises(NotNow, match="stopped"):
        reconciled.bridge.cycles.ask(reconciled.store, RunKind.CYCLE, "ada")
    pages = pages_of(reconciled.bridge)
    sent = pages.post(f"/stores/{reconciled.store_id}/runs", kind="cycle")
    assert "No cycle was requested. Provisioning is stopped" in pages.client.get(sent.headers["Location"]).text
    assert pages.asked.cycles == []


def test_a_message_that_goes_on_and_is_lost_is_replaced(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=4)
    first = reconciled.hurried(reconciled.asked())
    assert first.goes_on is not None
    assert _due(reconciled) == [], "it is in the queue"
    assert _due(reconciled, HANDED_ON) == [first.goes_on]


def test_a_run_that_ends_every_process_is_ended(reconciled: Reconciled) -> None:
    for _ in range(MOST_INTERRUPTIONS):
        _cut_off(reconciled, 0)
        reconciled.lapse()
    run = reconciled.cycle()
    assert (run.state, run.errors[-1]) == (RunState.FAILED, GIVEN_UP)
    assert reconciled.cycle().state is RunState.DONE
    reconciled.assert_as_in_entra()


def test_pages_say_that_a_cycle_was_interrupted_and_what_it_did(reconciled: Reconciled) -> None:
    pages, path = pages_of(reconciled.bridge), f"/stores/{reconciled.store_id}"
    _cut_off(reconciled, 4)
    (run,) = reconciled.bridge.runs.newest(reconciled.store_id)
    assert "interrupted" not in pages.get(path).text, "it may be alive"
    reconciled.lapse()
    assert "A cycle was interrupted." in pages.get(path).text
    assert "continues within three minutes" in pages.get(f"{path}/runs/{run.id}").text
    assert "interrupted</span>" in pages.get(f"{path}/runs").text
    assert "impaired" in pages.client.get("/health?ready").text
    assert sum(run.planned.values()) == len(ENABLED), "the plan is shown while it is carried out"
    reconciled.cycle()
    assert "interrupted" not in pages.get(path).text
    assert "interrupted once, and continued" in pages.get(f"{path}/runs/{run.id}").text


def test_a_run_that_nobody_goes_on_with_is_told_to_the_alert(
    reconciled: Reconciled, caplog: pytest.LogCaptureFixture
) -> None:
    _cut_off(reconciled)
    with caplog.at_level(logging.ERROR, "bridge.cycle"):
        _due(reconciled, LASTS)
        assert not caplog.records
        _due(reconciled, timedelta(minutes=13))
    told = [record.getMessage() for record in caplog.records if reconciled.store_id in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"interrupted store={reconciled.store_id} cycle=")


def test_a_cycle_that_could_not_try_everybody_is_not_done_and_goes_on_soon(reconciled: Reconciled) -> None:
    flow = reconciled.bridge.flow
    hurried = replace(flow.settlement, lease=timedelta(seconds=2))
    people_applier = replace(flow.people_applier, settlement=hurried)
    reconciled.change(zoho=reconciled.store.zoho.model_copy(update={"parallel_calls": 2}))
    reconciled.zoho_one.fail(method="POST", path="/Users", latency=0.8, times=4)
    run = reconciled.cycles(people_applier=people_applier).run(reconciled.asked()).run
    left = run.results.get(Result.NOT_TRIED, 0)
    assert left > 0
    assert run.state is RunState.FAILED
    assert any(f"{left} changes could not be tried" in error for error in run.errors)
    assert _due(reconciled) == []
    (request,) = _due(reconciled, RETRY_AFTER)
    reconciled.cycles().run(request.model_copy(update={"asked_by": "test"}))
    reconciled.assert_as_in_entra()


def test_whoever_a_dead_process_was_writing_is_looked_for_within_two_minutes(reconciled: Reconciled) -> None:
    """Their own lease may outlast the dead cycle's: the run that goes on leaves them out, and they cannot wait for the
    next interval.
    """
    reconciled.cycle()
    ada = ENABLED[0]
    reconciled.entra.act({"do": "change", "id": ada, "values": {"jobTitle": "Countess"}})
    _cut_off(reconciled, 0)
    flow, stored = reconciled.bridge.flow, reconciled.bridge.identities.find_object(reconciled.store_id, ada)
    assert stored is not None
    leased = flow.settlement.leased(reconciled.store, stored.identity)
    (held,) = flow.admission.begin(reconciled.store, [(stored, leased)]).leased
    reconciled.lapse()
    assert reconciled.cycle().state is RunState.DONE
    assert "Countess" not in [account.get("title") for account in reconciled.accounts().values()]
    assert _due(reconciled) == []
    (request,) = _due(reconciled, LOOK_AGAIN_AFTER)
    assert held.identity.pending is not None
    ended = held.identity.pending.model_copy(update={"lease_ends": datetime.now(UTC)})
    flow.identities.write(reconciled.store_id, held, held.identity.model_copy(update={"pending": ended}))
    assert reconciled.cycles(now=lambda: datetime.now(UTC) + LOOK_AGAIN_AFTER).run(request).run.state is RunState.DONE
    assert "Countess" in [account.get("title") for account in reconciled.accounts().values()]
    assert _due(reconciled, 2 * LOOK_AGAIN_AFTER) == []


def test_a_job_whose_process_ended_is_asked_for_at_the_first_tick_after_its_lease(reconciled: Reconciled) -> None:
    """Only a message that no process has seen yet may still be on its way."""
    runner = reconciled.bridge.job_runner
    asked, begun = (runner.ask(reconciled.store, MakePlan(), "ada").id for _ in range(2))
    requests = {each: JobRequest(store=reconciled.store_id, errand=each) for each in (asked, begun)}
    runner.leases.acquire(requests[begun].lease, LASTS, lambda note: note)

    def waiting(after: timedelta) -> list[str]:
        later = datetime.now(UTC) + after
        found = replace(runner, now=lambda: later).waiting()
        return [each.errand for each in found if each.store == reconciled.store_id]

    assert waiting(WAITS - timedelta(seconds=5)) == []
    assert waiting(LASTS - timedelta(seconds=5)) == [asked]
    assert sorted(waiting(LASTS)) == sorted([asked, begun])
    assert LASTS + timedelta(minutes=1) < RECOVERED_WITHIN


def test_a_person_whom_a_dead_push_held_is_pushed_again_once_its_lease_has_ended(
    reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entra hears 503 for a minute and a half at most, and repeats the request."""
    reconciled.cycle()

    def dies(*_: object) -> None:
        raise Dies

    def pushed(push: Push, title: str) -> None:
        stored = reconciled.bridge.identities.find_object(reconciled.store_id, ENABLED[0])
        assert stored is not None
        push.replace(reconciled.store, stored, json.loads(stored.identity.said.resource) | {"title": title})

    with monkeypatch.context() as patched:
        patched.setattr(ZohoUsers, "update", dies)
        with pytest.raises(Dies):
            pushed(reconciled.bridge.push, "Countess")
    with pytest.raises(BeingWritten) as held:
        pushed(reconciled.bridge.push, "Duchess")
    assert held.value.until - datetime.now(UTC) <= timedelta(seconds=90)
    settlement = replace(reconciled.bridge.push.settlement, now=lambda: held.value.until)
    pushed(replace(reconciled.bridge.push, settlement=settlement), "Duchess")
    assert "Duchess" in [account.get("title") for account in reconciled.accounts().values()]
