"""The end of the walkthrough: what is wrong with an account is found and named, and the table bears every script."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from local.entra.mapping import mapped_values
from local.entra.people import PEOPLE
from local.entra.person import Person
from local.entra.provisioning_service import Action, PersonReport
from local.entra.requests import Dialect, create_body
from local.walkthrough.account_check import Standing, problems
from local.walkthrough.closing_table import POP_ISOLATE, Row, closing_table
from local.walkthrough.map_attributes import WORK_LOCATION
from local.zoho_one.scim_path import ENTERPRISE, ZOHO_ONE

WIDTH = 100


def account_of(person: Person) -> dict[str, Any]:
    user = create_body(mapped_values(person), Dialect.WITH_FLAG)
    kept = {key: value for key, value in user.items() if key not in (ENTERPRISE, "meta", "roles")}
    return kept | {ZOHO_ONE: {"workLocation": WORK_LOCATION}}


def good(person: Person) -> Standing:
    bridge_user = create_body(mapped_values(person), Dialect.WITH_FLAG)
    bridge_user[ENTERPRISE] = {**bridge_user.get(ENTERPRISE, {}), "manager": {"value": "m"}}
    return Standing(
        person=person,
        active=True,
        ever_active=True,
        deleted=False,
        manager_id="m",
        bridge_user=bridge_user,
        account=account_of(person),
    )


SALES = good(PEOPLE[1])


@pytest.mark.parametrize("person", [person for person in PEOPLE if person.account_enabled])
def test_everything_in_place_is_no_problem(person: Person) -> None:
    assert problems(good(person)) == []


def test_who_left_and_who_never_came_is_no_problem() -> None:
    account = {**account_of(SALES.person), "active": False}
    assert problems(replace(SALES, active=False, deleted=True, bridge_user=None, account=account)) == []
    assert problems(replace(SALES, active=False, ever_active=False, bridge_user=None, account=None)) == []


@pytest.mark.parametrize(
    ("standing", "problem"),
    [
        (replace(SALES, account=None), "has no account"),
        (replace(SALES, ever_active=False), "has an account, but was never active"),
        (replace(SALES, active=False), "active is 'True', not 'False'"),
        (replace(SALES, account={**account_of(SALES.person), "title": "x"}), "title is 'x', not 'Head of Sales (100 %"),
        (replace(SALES, account={**account_of(SALES.person), "emails": []}), 'emails[type eq "work"].value is None'),
        (replace(SALES, account={**account_of(SALES.person), ZOHO_ONE: {}}), f"{ZOHO_ONE}:workLocation is None"),
        (replace(SALES, manager_id="n"), "the bridge's manager is 'm', not 'n'"),
        (replace(SALES, bridge_user=None), "the bridge does not show him to Entra"),
        (replace(SALES, bridge_user={}), f"the bridge's {ENTERPRISE}:department is None"),
        (replace(SALES, deleted=True), "the bridge still shows him to Entra"),
    ],
)
def test_what_is_wrong_is_named(standing: Standing, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(standing)), problems(standing)


def test_the_table_names_what_was_done_and_what_is_wrong() -> None:
    person = SALES.person
    created = PersonReport(person_id=person.id, display_name="", action=Action.CREATE, changed=("userName",))
    moved = PersonReport(person_id=person.id, display_name="", action=Action.UPDATE, changed=(f"{ENTERPRISE}:manager",))
    failed = PersonReport(person_id=person.id, display_name="", action=Action.NONE, error="409: [taken]")
    text = rendered(Row(replace(SALES, account=None), (created, moved, failed)))
    for words in ("create ", "update: manager", "failed: 409: [taken]", "no account", "has no account"):
        assert words in text


def test_names_in_every_script_keep_the_columns_in_place() -> None:
    lines = rendered(*(Row(good(person), ()) for person in PEOPLE)).splitlines()
    assert {cell_len(line) for line in lines} == {WIDTH}
    assert sum(POP_ISOLATE in line for line in lines) >= 2
    borders = [cell_len(line[: line.rindex("│", 0, -1)]) for line in lines if line.startswith("│")]
    assert len(set(borders)) == 1


def rendered(*rows: Row) -> str:
    console = Console(width=WIDTH, force_terminal=False)
    with console.capture() as capture:
        console.print(closing_table(rows))
    return capture.get()
