"""Errands: what takes longer than a page is shown as it goes on, at an address of its own."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.test import TestResponse

from local.entra.people import PEOPLE
from shared.admin.jobs import GIVEN_UP, MOST_ATTEMPTS, JobRequest
from shared.app.container import Bridge
from shared.entra.clients import SECRET
from shared.rules.entra_connection import Scope
from shared.rules.job import Job, JobState
from shared.rules.run import RunKind
from shared.rules.store import Store
from shared.tables.by_time import new_id
from tests.conftest import ZohoOne
from tests.console.conftest import Pages, pages_of
from tests.sync.reconciled import Reconciled

IDS = [person.id for person in PEOPLE]
LIVE = {"HX-Request": "true"}


@pytest.fixture
def pages(reading_bridge: Bridge) -> Pages:
    """The pages of the same bridge."""
    return pages_of(reading_bridge)


def _asked(pages: Pages, path: str, **form: object) -> tuple[str, JobRequest]:
    """The address of an errand's page, and the message for the worker."""
    sent = pages.post(path, **form)
    assert sent.status_code == 303, sent.text
    return sent.headers["Location"], JobRequest.model_validate_json(pages.asked.jobs.pop())


def _see(pages: Pages, address: str, **headers: str) -> TestResponse:
    return pages.client.get(address, headers=headers)


def _poll(page: str) -> str | None:
    found = re.search(r'id="job" hx-get="([^"]+)" hx-trigger="every 1s"', page)
    return found and found[1].replace("&amp;", "&")


def _put(pages: Pages, request: JobRequest, **changes: object) -> None:
    errand = pages.parts.jobs.table.get(request.store, request.errand)
    assert errand is not None
    pages.parts.jobs.table.put(errand.model_copy(update=changes))


def test_a_plan_is_made_beside_the_page_and_found_again(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    address, request = _asked(pages, f"{path}/plan/make")
    waits = _see(pages, address)
    assert "Waiting for a worker" in waits.text
    poll = _poll(waits.text)
    assert poll is not None
    nothing_new = _see(pages, poll, **LIVE)
    assert (nothing_new.status_code, nothing_new.text) == (204, "")
    assert _see(pages, address).text.count("<noscript>") == 1
    reconciled.bridge.run_job(request.model_dump_json().encode())
    piece = _see(pages, poll, **LIVE)
    assert "24 changes" in piece.text
    assert "<html" not in piece.text
    assert _poll(piece.text) is None, "what is done is not asked for again"
    again = _see(pages, address).text
    assert "24 create" in again, "a reload shows the same"
    assert PEOPLE[0].display_name in again
    rows = list(csv.reader(io.StringIO(_see(pages, f"{address}/changes.csv").text)))
    assert sum(row[2] == "create" for row in rows) == 24
    assert len(json.loads(_see(pages, f"{address}/changes.json").text)["changes"]) == 24
    assert reconciled.zoho_one.users() == [], "it touches nothing"
    assert address.rpartition("/")[2] in pages.get(f"{path}/plan").text
    assert address.rpartition("/")[2] in pages.get(f"{path}/errands").text


def test_a_newer_plan_takes_the_place_of_the_last(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    first, request = _asked(pages, f"{path}/plan/make")
    reconciled.bridge.run_job(request.model_dump_json().encode())
    second, request = _asked(pages, first.removeprefix("/console") + "/again")
    reconciled.bridge.run_job(request.model_dump_json().encode())
    assert PEOPLE[0].display_name in _see(pages, second).text
    assert "The names are no longer stored" in _see(pages, first).text
    assert _see(pages, f"{first}/changes.csv").status_code == 404
    assert _see(pages, f"{second}/changes.csv").status_code == 200


def test_each_step_is_told_as_it_happens_and_each_phase_with_its_numbers(
    pages: Pages, reconciled: Reconciled, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = f"/stores/{reconciled.store_id}", list[Job]()
    put, job_runner = pages.parts.jobs.table.put, reconciled.bridge.job_runner

    def noted(errand: Job) -> None:
        seen.append(errand)
        put(errand)

    monkeypatch.setattr(pages.parts.jobs.table, "put", noted)
    monkeypatch.setattr("shared.admin.jobs.NEWS_EVERY", timedelta())
    _, request = _asked(pages, f"{path}/plan/make")
    job_runner.carry_out(request)
    phases = [(each.phase.name, each.phase.done, each.phase.of) for each in seen if each.phase]
    assert phases[0] == ("reading Entra", 0, 0)
    assert ("reading Entra", 25, 0) in phases
    assert phases[-1] == ("planning", 24, 24)
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": IDS[0]})
    seen.clear()
    address, request = _asked(pages, f"{path}/people/provision", object_ids=f"{IDS[0]}\n{IDS[1]}")
    job_runner.carry_out(request)
    steps = [sum(len(report.steps) for report in each.reports) for each in seen]
    assert steps == [0, 0, *range(1, 11), 10], "asked, begun, one step after the other, done"
    monkeypatch.undo()
    pages.parts.jobs.table.put(seen[4])
    half = _see(pages, address).text
    assert re.findall(r'<li><span class="badge good">(\w+)</span>', half) == ["import", "scope", "match"]
    assert _poll(half) is not None
    pages.parts.jobs.table.put(seen[-1])
    done = _see(pages, address).text
    assert "The person was deactivated in Entra." in done
    assert "The run that records it" in done


def test_what_cannot_be_done_says_why(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    reconciled.change(schedule=reconciled.store.schedule.stopped())
    stopped = pages.carried_out(f"{path}/people/provision", object_ids=IDS[0])
    assert "Provisioning is stopped" in stopped
    reconciled.bridge.secrets.put(reconciled.store_id, SECRET, "wrong")
    failed = pages.carried_out(f"{path}/plan/make")
    assert "<strong>Failed.</strong>" in failed
    assert _poll(failed) is None


def test_what_fails_is_tried_again_and_in_the_end_given_up(pages: Pages, reconciled: Reconciled, azurite: str) -> None:
    reconciled.break_note(azurite)
    address, request = _asked(pages, f"/stores/{reconciled.store_id}/plan/make")
    message = request.model_dump_json().encode()
    with pytest.raises(ValueError, match="not a time"):
        reconciled.bridge.run_job(message)
    tried = _see(pages, address).text
    assert "The last attempt failed." in tried
    assert "A defect of the bridge: ValueError." in tried
    assert _poll(tried) is not None
    _put(pages, request, attempts=MOST_ATTEMPTS - 1)
    with pytest.raises(ValueError, match="not a time"):
        reconciled.bridge.run_job(message)
    given_up = _see(pages, address).text
    assert GIVEN_UP in given_up
    assert f"attempt {MOST_ATTEMPTS}" in given_up
    assert _poll(given_up) is None
    reconciled.bridge.run_job(message)
    assert _see(pages, address).text == given_up, "what has ended is left alone"


def test_whom_a_killed_worker_holds_is_waited_for(
    pages: Pages, reconciled: Reconciled, host: str, zoho_one: ZohoOne
) -> None:
    reconciled.change(entra=None)
    zoho_one.fail(method="POST", path="/Users", status=503, times=3)
    body = {"userName": "ada@contoso.example", "active": True, "displayName": "Ada"}
    assert reconciled.endpoint(host).request("POST", "/Users", json=body).status_code == 503
    (waits,) = pages.parts.people.identities.waiting(reconciled.store_id, 10)
    path = f"/stores/{reconciled.store_id}/people/{waits.id}/provision"
    on_demand, stored = (
        reconciled.bridge.on_demand,
        pages.parts.people.identities.read(reconciled.store_id, waits.id),
    )
    assert stored is not None
    assert stored.identity.pending is not None
    mark = stored.identity.pending.model_copy(
        update={"writer": "dead", "lease_ends": datetime.now(UTC) + timedelta(hours=1)}
    )
    (held,) = on_demand.settlement.admission.pending_changes.lease(
        reconciled.store_id, [(stored, stored.identity.model_copy(update={"pending": mark}))]
    )
    assert "Another request is writing this person just now" in pages.carried_out(path), "it may be alive"
    address, request = _asked(pages, path)
    _put(pages, request, state=JobState.RUNNING, attempts=1, heard=datetime.now(UTC))
    message = request.model_dump_json().encode()
    with pytest.raises(Exception, match="still held by the earlier attempt"):
        reconciled.bridge.run_job(message)
    assert "still held by the earlier attempt" in _see(pages, address).text
    free = stored.identity.pending.model_copy(update={"writer": None})
    on_demand.settlement.admission.pending_changes.lease(
        reconciled.store_id, [(held, stored.identity.model_copy(update={"pending": free}))]
    )
    reconciled.bridge.run_job(message)
    assert _poll(_see(pages, address).text) is None
    assert [user["userName"] for user in zoho_one.users()] == ["ada@contoso.example"]


def test_what_is_not_heard_of_any_more_is_not_waited_for(pages: Pages, reconciled: Reconciled) -> None:
    address, request = _asked(pages, f"/stores/{reconciled.store_id}/plan/make")
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    _put(pages, request, asked=long_ago)
    never = _see(pages, address).text
    assert "No worker has started it." in never
    assert _poll(never) is None
    _put(pages, request, state=JobState.RUNNING, attempts=1, heard=datetime.now(UTC) - timedelta(minutes=2))
    silent = _see(pages, address).text
    assert "another one starts it again within three minutes" in silent
    assert _poll(silent) is not None
    _put(pages, request, state=JobState.RUNNING, attempts=1, heard=long_ago)
    lost = _see(pages, address).text
    assert "No progress since" in lost
    assert _poll(lost) is None
    assert "lost" in pages.get(f"/stores/{reconciled.store_id}/errands").text


def test_errands_go_with_the_history_and_with_the_store(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    reconciled.change(entra=reconciled.entra.connection(scope=Scope.ALL_USERS))
    pages.carried_out(f"{path}/plan/make")
    (made,) = pages.parts.jobs.table.newest(reconciled.store_id)
    assert made.plan is not None
    asked = datetime.now(UTC) - timedelta(days=91)
    old = made.model_copy(update={"id": new_id(asked), "asked": asked})
    pages.parts.jobs.table.put(old)
    pages.parts.jobs.table._whole.put(old.id, pages.parts.jobs.table.whole_plan(made, made.plan))
    reconciled.cycle(RunKind.FULL_CYCLE)
    assert [errand.id for errand in pages.parts.jobs.table.newest(reconciled.store_id)] == [made.id]
    kept = [key for key in reconciled.tables() if key.startswith("errands/")]
    assert all(made.id in key for key in kept)
    while not pages.parts.stores.removal.partitions.drop_some(reconciled.store_id):
        pass
    assert pages.parts.jobs.table.newest(reconciled.store_id) == []


def test_an_address_that_leads_nowhere_is_a_404(pages: Pages, store: Store) -> None:
    for errand in ("1-2", "..", "a'b", "nothing%20"):
        assert pages.get(f"/stores/{store.id}/errands/{errand}").status_code == 404
        assert pages.get(f"/stores/{store.id}/errands/{errand}/changes.csv").status_code == 404
