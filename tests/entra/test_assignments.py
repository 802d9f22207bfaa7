"""Who is assigned, read from the simulated Graph."""

from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.entra.assignments import Assignments, read_assignments
from shared.entra.errors import (
    GraphBusy,
    GraphCredentials,
    GraphImplausible,
    GraphNotFound,
    GraphUnclear,
    LinkExpired,
)
from shared.entra.plausible import ensure_plausible
from tests.conftest import Entra

IDS = [person.id for person in PEOPLE]
GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(1200)]
ASSIGNED_TO = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo"


def test_tells_users_and_groups_apart_from_each_other_and_from_apps(entra: Entra) -> None:
    entra.act({"do": "assign group", "id": GROUPS[0]}, {"do": "unassign", "id": IDS[0]})
    assignments = read_assignments(entra.client(), entra.ready["enterprise_app"])
    assert assignments.users == set(IDS[1:])
    assert assignments.groups == {GROUPS[0]}
    assert entra.calls() == {f"GET {ASSIGNED_TO}": 1}


def test_turns_pages_of_999(entra: Entra) -> None:
    entra.act(*({"do": "assign group", "id": group} for group in GROUPS))
    assert len(read_assignments(entra.client(), entra.ready["enterprise_app"]).groups) == 1200
    assert entra.calls() == {f"GET {ASSIGNED_TO}": 2}


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ({"status": 403}, GraphCredentials, "Application.Read.All"),
        ({"status": 404}, GraphNotFound, "Enterprise applications"),
        ({"status": 200, "body": {"value": [{"principalId": IDS[0]}]}}, GraphUnclear, "understood"),
        ({"status": 200, "body": {}}, GraphUnclear, "understood"),
        ({"status": 500, "times": 9}, GraphBusy, "500"),
        ({"status": 429, "headers": {"Retry-After": "100"}}, GraphBusy, "429"),
    ],
)
def test_an_error_is_never_an_empty_scope(
    entra: Entra, fault: dict[str, Any], error: type[Exception], text: str
) -> None:
    entra.fail(ASSIGNED_TO, **fault)
    with pytest.raises(error, match=text):
        read_assignments(entra.client(), entra.ready["enterprise_app"])


def test_an_assignment_that_is_not_understood_says_nothing_about_the_others(entra: Entra) -> None:
    value = [
        {"principalId": IDS[0], "principalType": "User"},
        {"principalId": IDS[1], "principalType": "Device"},
        {"principalId": IDS[2]},
        {"principalId": "nobody", "principalType": "User"},
        None,
    ]
    entra.fail(ASSIGNED_TO, status=200, body={"value": value})
    found = read_assignments(entra.client(), entra.ready["enterprise_app"])
    assert found == Assignments(frozenset({IDS[0]}), frozenset(), frozenset(IDS[1:3]), nameless=2)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_page_link_that_expires_costs_one_more_reading(entra: Entra, status: int) -> None:
    entra.set(collection_page=10)
    entra.fail(ASSIGNED_TO, latency=0.001)
    entra.fail(ASSIGNED_TO, status=status, body="Directory_ExpiredPageToken")
    assert read_assignments(entra.client(), entra.ready["enterprise_app"]).users == set(IDS)
    assert entra.calls() == {f"GET {ASSIGNED_TO}": 2 + 3}
    entra.set(page_seconds=0.000001)
    with pytest.raises(LinkExpired):
        read_assignments(entra.client(), entra.ready["enterprise_app"])
    assert entra.calls() == {f"GET {ASSIGNED_TO}": 2 + 3 + 4}


def test_nobody_where_there_were_people_is_not_believed() -> None:
    with pytest.raises(GraphImplausible, match="nobody, where there were 25"):
        ensure_plausible("people in scope", 25, 0)
    ensure_plausible("people in scope", 25, 1)
    ensure_plausible("people in scope", 0, 0)
