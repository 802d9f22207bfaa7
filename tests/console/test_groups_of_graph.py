"""Groups that come from Microsoft Graph, on the pages: in plans, runs, on demand, and what the guard held back."""

import csv
import io

import pytest

from local.entra.people import PEOPLE, make_people
from shared.app.container import Bridge
from shared.rules.groups.hold import HeldMembers, Removal
from tests.console.conftest import Pages, pages_of
from tests.sync.reconciled import Reconciled
from tests.sync.test_group_cycle import IDS, STAFF, act, named, put

DISPLAYED = {person.id: person.display_name for person in PEOPLE}
GROUP_ID = STAFF.replace("-", "")


@pytest.fixture
def pages(reading_bridge: Bridge) -> Pages:
    """The pages of the same bridge."""
    return pages_of(reading_bridge)


def test_a_plan_and_its_run_show_groups_and_who_joins(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    reconciled.cycle()
    put(reconciled, STAFF, "Staff", *IDS[:3])
    made = pages.carried_out(f"{path}/plan/make")
    assert "1 change<" in made
    assert "1 create of groups" in made
    assert "3 join<" in made
    run = reconciled.cycle()
    shown = pages.get(f"{path}/runs/{run.id}").text
    assert f"/groups/{GROUP_ID}" in shown
    assert "with 3 memberships" in shown
    (row,) = list(csv.reader(io.StringIO(pages.get(f"{path}/runs/{run.id}/changes.csv").text)))[1:]
    assert (row[0], row[1], row[2], row[3], row[7], row[8]) == ("done", "group", "create", "Staff", "3", "0")
    shown = pages.get(f"{path}/groups/{GROUP_ID}").text
    assert DISPLAYED[IDS[0]] in shown
    assert "3 joined<" in shown
    rows = list(csv.reader(io.StringIO(pages.get(f"{path}/people/{GROUP_ID}/history.csv").text)))
    assert [row[3] for row in rows].count("member") == 3


def test_a_held_plan_names_who_would_leave_the_group(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}"
    more = [person.model_dump(mode="json", by_alias=True) for person in make_people(60)]
    reconciled.entra.act(*({"do": "add", "values": person} for person in more))
    put(reconciled, STAFF, "Staff", *(str(person["id"]) for person in more))
    reconciled.cycle()
    act(reconciled, "remove member", STAFF, *(str(person["id"]) for person in more[:55]))
    reconciled.cycle()
    shown = pages.get(f"{path}/plan").text
    assert "would be removed from the group Staff" in shown
    assert "55 leave<" in shown
    assert all(str(person["displayName"]) in shown for person in more[:55])


def test_a_group_is_provisioned_on_demand(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}/people"
    put(reconciled, STAFF, "Staff", IDS[0])
    reconciled.cycle()
    assert "Provision a group on demand" in pages.get(path).text
    for form, wrong in (
        ({"group": "staff"}, "The object id of a group"),
        ({"group": STAFF, "members": "anna"}, "Up to 5 object ids of users"),
        ({"group": STAFF, "members": " ".join(IDS[:6])}, "Up to 5 object ids of users"),
    ):
        answer = pages.post(f"{path}/provision-group", **form)
        assert answer.status_code == 422
        assert wrong in answer.text
    act(reconciled, "add member", STAFF, IDS[1])
    done = pages.carried_out(f"{path}/provision-group", group=STAFF, members=IDS[1])
    assert "1 of the 1 are direct members" in done
    assert "1 joined, 0 left" in done
    assert reconciled.groups() == {"Staff": named(*IDS[:2])}
    by_button = pages.carried_out(f"{path}/provision-group", group=STAFF)
    assert "Zoho One holds what it should" in by_button


def test_what_the_guard_held_back_is_allowed_on_the_groups_page(pages: Pages, reconciled: Reconciled) -> None:
    path = f"/stores/{reconciled.store_id}/groups/{GROUP_ID}"
    put(reconciled, STAFF, "Staff", *IDS[:2])
    reconciled.cycle()
    groups = reconciled.bridge.groups.groups
    stored = groups.read(reconciled.store_id, GROUP_ID)
    assert stored is not None
    old = HeldMembers(at=stored.group.created, told="60 of 80 members would be removed.")
    stored = groups.write(reconciled.store_id, stored, stored.group.model_copy(update={"held": old}))
    shown = pages.get(path).text
    assert "60 of 80 members would be removed." in shown
    assert "it can be allowed here" in shown, "an earlier release did not keep what it held back"
    assert pages.post(f"{path}/allow").status_code == 409
    held = old.model_copy(update={"removal": Removal.of([IDS[0], IDS[1]])})
    groups.write(reconciled.store_id, stored, stored.group.model_copy(update={"held": held}))
    assert pages.post(f"{path}/allow").status_code == 303
    shown = pages.get(path).text
    assert "60 of 80" not in shown
    assert "2 members may be removed beyond the guard's limit until" in shown
    assert "local allowed 2 members to be removed" in shown
    assert pages.post(f"{path}/allow").status_code == 409, "nothing is held back any more"
    assert pages.post(f"/stores/{reconciled.store_id}/groups/{'f' * 32}/allow").status_code == 404
