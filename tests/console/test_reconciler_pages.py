"""Plans, runs, decisions and provisioning on demand, with a store that reads the simulated Graph."""

import csv
import io
import json
import re

import pytest

from local.entra.people import PEOPLE
from shared.app.container import Bridge
from shared.rules.held_plan import HeldState
from tests.conftest import ZohoOne
from tests.console.conftest import Pages, pages_of
from tests.sync.reconciled import Reconciled

IDS = [person.id for person in PEOPLE]


@pytest.fixture
def pages(reading_bridge: Bridge) -> Pages:
    """The pages of the same bridge."""
    return pages_of(reading_bridge)


def _run_asked(pages: Pages, reconciled: Reconciled) -> None:
    """What the queue does with the messages."""
    for message in pages.asked.cycles:
        reconciled.bridge.run_cycle(message.encode())
    pages.asked.cycles.clear()


def test_the_plan_of_the_first_cycle_is_shown_and_then_done(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    assert "The first cycle" in pages.get(f"{path}/review").text
    shown = pages.carried_out(f"{path}/plan/make")
    assert "24 create" in shown
    assert reconciled.zoho_one.users() == [], "it touches nothing"
    assert pages.post(f"{path}/runs", kind="cycle").status_code == 303
    (message,) = pages.asked.cycles
    asked = json.loads(message)
    assert asked.pop("id"), "the run's id: the message may come twice"
    assert asked == {"store": reconciled.store_id, "kind": "cycle", "asked_by": "local", "goes_on": None}
    assert "No runs yet." in pages.get(f"{path}/runs?asked=cycle").text
    _run_asked(pages, reconciled)
    reconciled.assert_as_in_entra()
    runs = pages.get(f"{path}/runs").text
    assert "create 24" in runs
    assert "local" in runs
    assert "24 changes" in pages.get(path).text
    assert pages.post(f"{path}/runs", kind="on demand").status_code == 404
    assert "A cycle was requested" in pages.get(f"{path}/changes").text


def test_a_store_observes_and_is_started_with_the_plan_that_was_shown(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    assert pages.post(f"{path}/observe").status_code == 303
    overview = pages.get(path).text
    assert "only observes" in overview
    assert '<span class="badge busy">observing</span>' in overview
    assert pages.post(f"{path}/runs", kind="cycle").status_code == 303
    _run_asked(pages, reconciled)
    (run,) = reconciled.bridge.runs.newest(reconciled.store_id, 1)
    shown = pages.get(f"{path}/runs/{run.id}").text
    assert shown.count("<td>would have been done") == 24
    rows = list(csv.reader(io.StringIO(pages.get(f"{path}/runs/{run.id}/changes.csv").text)))
    assert [row[0] for row in rows[1:]] == ["not tried"] * 24
    plan = pages.get(f"{path}/plan").text
    assert "Nothing of it is done until you start" in plan
    assert plan.count("<div") == plan.count("</div>"), "what follows stays in its column"
    assert "Approve" not in plan
    review = pages.get(f"{path}/review").text
    assert f'name="plan" value="{run.plan}"' in review
    one = reconciled.bridge.identities.find_object(reconciled.store_id, IDS[0])
    assert one is not None
    assert "waits until provisioning is started" in pages.get(f"{path}/people/{one.identity.id}").text
    assert reconciled.zoho_one.users() == []
    moved = pages.post(f"{path}/start")  # a form that showed no plan
    assert (moved.status_code, "The plan has changed since it was shown" in moved.text) == (409, True)
    assert pages.post(f"{path}/start", plan=run.plan).status_code == 303
    assert reconciled.store.is_started
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert "Provisioning observing" in pages.get(f"{path}/changes").text
    reconciled.change(entra=None)
    assert pages.post(f"{path}/observe").status_code == 409


def test_a_held_plan_is_approved_or_discarded_by_name(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    reconciled.cycle()
    reconciled.entra.act(*({"do": "unassign", "id": person} for person in IDS[:12]))
    held = reconciled.request().verdict.plan
    assert held is not None
    assert "held" in pages.get(path).text
    shown = pages.get(f"{path}/plan").text
    names = [person.display_name for person in PEOPLE[:12] if person.account_enabled]
    assert all(name in shown for name in names if name.isalpha())
    leaver = next(number for number, person in enumerate(PEOPLE[:12]) if person.account_enabled)
    one = reconciled.bridge.identities.find_object(reconciled.store_id, IDS[leaver])
    assert one is not None
    own = pages.get(f"{path}/people/{one.identity.id}").text
    assert "The guard has held this change since" in own
    assert "A change is in progress" not in own
    rows = list(csv.reader(io.StringIO(pages.get(f"{path}/plan/{held.held.id}/changes.csv").text)))
    assert sum(row[2] == "deactivate" for row in rows) == held.held.counts["deactivate"]  # type: ignore[index]  # a StrEnum
    other = pages.post(f"{path}/plan/{held.held.id}/approve", digest="another")
    assert other.status_code == 409
    assert "has changed since it was shown" in other.text
    assert pages.post(f"{path}/plan/1-2/approve", digest=held.held.digest).status_code == 404
    assert pages.post(f"{path}/plan/{held.held.id}/approve", digest=held.held.digest).status_code == 303
    again = pages.post(f"{path}/plan/{held.held.id}/approve", digest=held.held.digest)
    assert again.status_code == 409
    _run_asked(pages, reconciled)
    reconciled.assert_as_in_entra()
    newest = reconciled.bridge.held_plans.newest(reconciled.store_id)
    assert newest is not None
    assert newest.held.state is HeldState.APPLIED
    assert newest.held.moves[1].by == "local"

    reconciled.entra.act(*({"do": "unassign", "id": person} for person in IDS[12:24]))
    assert reconciled.request().verdict.plan is not None
    form = re.search(r'plan/([0-9a-f-]+)/discard".*?value="([0-9a-f]{64})"><button>', pages.get(f"{path}/plan").text)
    assert form
    assert pages.post(f"{path}/plan/{form[1]}/discard", digest=form[2]).status_code == 303
    assert "discarded" in pages.get(f"{path}/plan").text


def test_people_are_provisioned_on_demand_with_each_step(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}/people"
    for typed in ("", "not-a-guid", " ".join(IDS[:6])):
        wrong = pages.post(f"{path}/provision", object_ids=typed)
        assert wrong.status_code == 422
        assert "One to 5 object ids, each a GUID" in wrong.text
    assert pages.asked.jobs == []
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": IDS[0]})
    done = pages.carried_out(f"{path}/provision", object_ids=IDS[0].upper())
    steps = re.findall(r'<li><span class="badge (good|bad)">(\w+)</span>', done)
    assert steps[:5] == [("good", step) for step in ("import", "scope", "match", "map", "action")]
    assert reconciled.accounts()[PEOPLE[0].user_principal_name]["active"] is False
    stored = reconciled.bridge.identities.find_object(reconciled.store_id, IDS[0])
    assert stored is not None
    assert "Zoho One holds what it should." in pages.carried_out(f"{path}/{stored.identity.id}/provision")


def test_what_a_push_left_pending_is_tried_again(
    pages: Pages, reconciled: Reconciled, host: str, zoho_one: ZohoOne
) -> None:
    reconciled.change(entra=None)
    endpoint = reconciled.endpoint(host)
    zoho_one.fail(method="POST", path="/Users", status=503, times=3)
    body = {"userName": "ada@contoso.example", "active": True, "displayName": "Ada"}
    assert endpoint.request("POST", "/Users", json=body).status_code == 503
    (waits,) = pages.parts.people.identities.waiting(reconciled.store_id, 10)
    assert (waits.name, waits.reason) == ("Ada", "The person is active in Entra.")
    assert "Ada" in pages.get(f"/stores/{reconciled.store_id}").text
    path = f"/stores/{reconciled.store_id}/people/{waits.id}"
    shown = pages.get(path).text
    assert "The last change failed." in shown
    assert "Retry now" in shown
    done = pages.carried_out(f"{path}/provision")
    assert "The person is active in Entra." in done
    assert pages.parts.people.identities.waiting(reconciled.store_id, 10) == []
    assert [user["userName"] for user in zoho_one.users()] == ["ada@contoso.example"]
