"""What is not understood of one person concerns that person alone; links that are dead are read anew."""

from typing import Any

import pytest

from local.entra.directory_extensions import APP, EXTENSIONS
from local.entra.people import PEOPLE
from shared.entra.users_delta import read_changes
from shared.rules.change import ChangeKind
from shared.rules.criteria import Condition, Operator
from shared.rules.criteria import Group as Criteria
from shared.rules.mapping.mapping import DEFAULT_MAPPING, CustomAttribute, Mapping, Rule
from shared.rules.run import RunState
from shared.rules.zoho_user import ZohoField
from tests.sync.reconciled import Reconciled

ENABLED = [person for person in PEOPLE if person.account_enabled]
ANNA, BERT, CARLA = (person.id for person in ENABLED[:3])
NAMES = {person.id: person.mapped_name for person in PEOPLE}
USERS, GROUPS, ONE = "/v1.0/users/delta", "/v1.0/groups/delta", "/v1.0/users/{id}"
STAFF = "00000000-0000-0000-0000-00000000000a"
ODD = "extension_0f6e_odd"


def told_once(reconciled: Reconciled, *rows: dict[str, Any]) -> None:
    """Let the next answer about changes be these entries."""
    link = f"{reconciled.entra.ready['url']}{USERS}?$deltatoken=x"
    reconciled.entra.fail(USERS, status=200, body={"value": list(rows), "@odata.deltaLink": link})


def row(person: str, **values: Any) -> dict[str, Any]:
    return {"id": person, "userPrincipalName": NAMES[person], "accountEnabled": True, "displayName": "New"} | values


def test_directory_extensions_of_every_type_are_values(reconciled: Reconciled) -> None:
    reconciled.change(custom_attributes=tuple(EXTENSIONS))
    rules = [rule for rule in DEFAULT_MAPPING.rules if rule.target is not ZohoField.TITLE]
    level = CustomAttribute(name=f"extension_{APP}_level")
    reconciled.save_mapping(Mapping(rules=(*rules, Rule(target=ZohoField.TITLE, source=level))))
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    identity = reconciled.identity(PEOPLE[0].id)
    assert identity is not None
    found = {name.rpartition("_")[2]: value for name, value in identity.said.source.custom.items()}
    assert found == {
        "isRemote": "True",
        "isContractor": "False",
        "level": "5",
        "badge": "9007199254740993",
        "since": "2024-02-29T08:30:00Z",
        "key": "AP9rZXk=",
        "costCentre": "4711",
        "skills": ("Python", "Français"),
        "levels": ("1", "2"),
    }
    assert [reconciled.accounts()[NAMES[person.id]].get("title") for person in PEOPLE[:3]] == ["5", "0", None]


@pytest.mark.parametrize(
    ("odd", "attribute"),
    [
        ({"jobTitle": 5}, "jobTitle"),
        ({"businessPhones": {"a": 1}}, "businessPhones"),
        ({"userPrincipalName": None}, "userPrincipalName"),
        ({"accountEnabled": "no"}, "accountEnabled"),
        ({"onPremisesExtensionAttributes": {"extensionAttribute1": {}}}, "extensionAttribute1"),
        ({"manager@delta": [{}]}, "manager"),
        ({ODD: {"a": 1}}, ODD),
    ],
)
def test_what_is_not_understood_of_one_person_is_told_and_the_others_go_on(
    reconciled: Reconciled, odd: dict[str, Any], attribute: str
) -> None:
    reconciled.with_managers()
    reconciled.change(custom_attributes=(ODD,))
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {ODD: "kept"}})
    reconciled.cycle()
    before, known = reconciled.active(), reconciled.identity(ANNA)
    assert known is not None
    told_once(reconciled, row(ANNA, **odd), row(BERT, accountEnabled=False), row(CARLA, jobTitle="Changed"))
    run = reconciled.cycle()
    assert run.state is RunState.DONE
    (error,) = run.errors
    assert ANNA in error
    assert attribute in error
    accounts = reconciled.accounts()
    assert reconciled.active() == before - {NAMES[BERT]}
    assert accounts[NAMES[CARLA]]["title"] == "Changed"
    assert accounts[NAMES[ANNA]]["displayName"] == "New", "what is understood counts"
    now = reconciled.identity(ANNA)
    assert now is not None
    unchanged = now.said.source.model_copy(update={"display_name": known.said.source.display_name})
    assert unchanged == known.said.source


def test_a_status_that_is_readable_counts_whatever_else_is_not(reconciled: Reconciled) -> None:
    reconciled.cycle()
    told_once(reconciled, row(ANNA, accountEnabled=False, jobTitle=5, userPrincipalName=[]))
    assert reconciled.cycle().state is RunState.DONE
    assert NAMES[ANNA] not in reconciled.active()


def test_a_change_without_an_id_costs_a_reading_of_everybody(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": BERT})
    told_once(reconciled, {"accountEnabled": False}, row(CARLA))
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()


def test_a_removal_that_is_not_understood_is_looked_up(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": BERT})
    told_once(reconciled, *({"id": each, "@removed": {"reason": "moved"}} for each in (ANNA, BERT)))
    assert reconciled.cycle().errors == ()
    reconciled.assert_as_in_entra()


def test_an_answer_by_id_that_is_refused_keeps_that_person_as_known_and_is_asked_for_again(
    reconciled: Reconciled,
) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": [ANNA]}, {"do": "assign group", "id": STAFF})
    reconciled.entra.act({"do": "disable", "id": BERT})
    reconciled.entra.fail(ONE, status=400, body="BadRequest")
    run = reconciled.cycle()
    assert run.state is RunState.DONE
    (error,) = run.errors
    assert ANNA in error
    assert {NAMES[ANNA], NAMES[BERT]} & reconciled.active() == {NAMES[ANNA]}
    assert reconciled.cycle().errors == ()
    reconciled.assert_as_in_entra()


def test_an_answer_by_id_that_is_refused_brings_nobody_back(reconciled: Reconciled) -> None:
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA})
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    reconciled.entra.fail(USERS, status=410)
    reconciled.entra.fail(ONE, status=400, body="BadRequest")  # who is not listed is asked for
    assert len(reconciled.cycle().errors) == 1
    reconciled.assert_as_in_entra()
    assert reconciled.cycle().errors == ()
    reconciled.assert_as_in_entra()


def test_nobody_new_is_let_in_by_criteria_that_look_at_what_is_not_understood(reconciled: Reconciled) -> None:
    not_outside = Condition(attribute="jobTitle", operator=Operator.NOT_EQUALS, values=("External",))
    reconciled.change(criteria=Criteria(match="all", of=(not_outside,)))
    told_once(reconciled, row(ANNA, jobTitle=5), row(BERT, city=5), row(CARLA))
    run = reconciled.cycle()
    assert reconciled.active() == {NAMES[BERT], NAMES[CARLA]}
    assert ["not provisioned" in error for error in sorted(run.errors, key=lambda error: BERT in error)] == [
        True,
        False,
    ]


def test_somebody_new_without_a_readable_status_waits_and_is_told(reconciled: Reconciled) -> None:
    told_once(reconciled, row(ANNA, accountEnabled="yes"), row(BERT))
    reconciled.entra.fail(ONE, status=200, body=row(ANNA, accountEnabled="yes"))
    run = reconciled.cycle()
    assert reconciled.active() == {NAMES[BERT]}
    (error,) = run.errors
    assert (ANNA in error, "accountEnabled" in error) == (True, True)
    reconciled.cycle()
    reconciled.assert_as_in_entra()


DEAD = [(400, "Directory_ExpiredPageToken"), (404, "UnknownError"), (400, "BadRequest"), (410, "Gone")]


@pytest.mark.parametrize(("status", "code"), DEAD)
def test_a_stored_link_that_is_dead_costs_one_reading_in_the_same_cycle(
    reconciled: Reconciled, status: int, code: str
) -> None:
    reconciled.entra.act({"do": "put group", "id": STAFF, "members": [ANNA]}, {"do": "assign group", "id": STAFF})
    reconciled.cycle()
    reconciled.entra.act({"do": "disable", "id": BERT}, {"do": "add member", "id": STAFF, "members": [CARLA]})
    for path in (USERS, GROUPS):
        reconciled.entra.fail(path, status=status, body=code)
    reconciled.entra.forget("calls")
    run = reconciled.cycle()
    assert (run.state, run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()
    calls = reconciled.entra.calls()
    assert (calls[f"GET {USERS}"], calls[f"GET {GROUPS}"]) == (2, 2)
    assert len(reconciled.groups()[STAFF]) == 2


def test_a_page_link_that_is_dead_within_a_reading_costs_one_more_and_no_third(reconciled: Reconciled) -> None:
    reconciled.impatient()
    reconciled.entra.set(page_size=10)
    reconciled.entra.fail(USERS, latency=0.001)
    reconciled.entra.fail(USERS, status=400, body="Directory_ExpiredPageToken")
    assert reconciled.cycle().state is RunState.DONE
    reconciled.assert_as_in_entra()
    reconciled.entra.forget("links")
    reconciled.entra.set(page_seconds=0.000001)
    reconciled.entra.forget("calls")
    run = reconciled.cycle()
    assert (run.state, run.planned) == (RunState.FAILED, {})
    assert reconciled.entra.calls()[f"GET {USERS}"] == 1 + 2, "the stored link; a first page and the link to the second"
    reconciled.entra.set(page_seconds=None)
    assert reconciled.cycle().state is RunState.DONE
    reconciled.assert_as_in_entra()


def test_a_cycle_goes_on_although_the_page_it_ended_at_is_too_old(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=10)
    first = reconciled.hurried(reconciled.asked())
    assert first.goes_on is not None
    next(read_changes(reconciled.entra.client(), None, ("id",)))
    reconciled.entra.set(page_calls=1)
    done = reconciled.cycles().run(first.goes_on)
    assert (done.run.state, done.run.errors) == (RunState.DONE, ())
    reconciled.assert_as_in_entra()


def test_a_value_that_was_cleared_before_the_link_expired_is_gone(reconciled: Reconciled) -> None:
    """A list of everybody leaves out what has no value, and may leave out what has: the answer by id tells."""
    reconciled.cycle()
    assert reconciled.accounts()[NAMES[ANNA]]["title"]
    reconciled.entra.act({"do": "change", "id": ANNA, "values": {"jobTitle": None, "department": None}})
    reconciled.entra.fail(USERS, status=410)
    run = reconciled.cycle()
    assert run.errors == ()
    assert "title" not in reconciled.accounts()[NAMES[ANNA]]
    assert run.planned == {ChangeKind.UPDATE: 1}
    assert reconciled.request().run.calls["graph"] == 2, "nobody is asked about again"


def test_a_list_that_leaves_out_a_value_clears_nothing(reconciled: Reconciled) -> None:
    reconciled.cycle()
    before = reconciled.accounts()
    everybody = [row(person.id, displayName=person.display_name) for person in PEOPLE if person.account_enabled]
    link = f"{reconciled.entra.ready['url']}{USERS}?$deltatoken=x"
    reconciled.entra.fail(USERS, status=410)
    reconciled.entra.fail(USERS, status=200, body={"value": everybody, "@odata.deltaLink": link})
    run = reconciled.cycle()
    assert (run.errors, run.planned) == ((), {})
    assert reconciled.accounts() == before
