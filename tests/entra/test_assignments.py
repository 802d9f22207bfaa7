"""Who is in scope, read from the simulated Graph."""

from typing import Any

import pytest

from local.people import PEOPLE
from shared.entra.assignments import read_assigned
from shared.entra.errors import GraphBusy, GraphCredentials, GraphImplausible, GraphNotFound, GraphUnclear
from shared.entra.plausible import ensure_plausible
from tests.entra.conftest import Entra

IDS = [person.id for person in PEOPLE]
GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(45)]
ASSIGNED_TO = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo"
MEMBERS = "/v1.0/groups/{id}/members"


@pytest.fixture
def app(entra: Entra) -> str:
    """The enterprise application, to which nobody is assigned any more."""
    entra.act(*({"do": "unassign", "id": each} for each in IDS))
    app: str = entra.ready["enterprise_app"]
    return app


def assign(entra: Entra, group: str, members: list[str]) -> None:
    entra.act({"do": "put group", "id": group, "members": members}, {"do": "assign group", "id": group})


def test_joins_direct_assignments_and_direct_members(entra: Entra, app: str) -> None:
    entra.act({"do": "assign", "id": IDS[0]}, {"do": "assign", "id": IDS[1]})
    entra.act({"do": "put group", "id": GROUPS[9], "members": [IDS[20]]})
    assign(entra, GROUPS[0], [IDS[1], IDS[2], GROUPS[9]])
    assign(entra, GROUPS[1], [])
    entra.act({"do": "soft-delete", "id": IDS[2]}, {"do": "disable", "id": IDS[1]})
    assigned = read_assigned(entra.client(), app)
    assert assigned.users == {IDS[0], IDS[1]}
    assert assigned.direct == 2
    assert assigned.groups == {GROUPS[0]: 1, GROUPS[1]: 0}
    assert entra.calls() == {f"GET {ASSIGNED_TO}": 1, "POST /v1.0/$batch": 1, f"GET {MEMBERS}": 2}


def test_many_groups_cost_a_call_for_twenty(entra: Entra, app: str) -> None:
    for group, person in zip(GROUPS, IDS * 2, strict=False):
        assign(entra, group, [person])
    assigned = read_assigned(entra.client(), app)
    assert assigned.users == set(IDS)
    assert entra.calls()["POST /v1.0/$batch"] == 3


@pytest.mark.parametrize(
    ("path", "fault", "error", "text"),
    [
        (ASSIGNED_TO, {"status": 403}, GraphCredentials, "Application.Read.All"),
        (ASSIGNED_TO, {"status": 404}, GraphNotFound, "Enterprise applications"),
        (ASSIGNED_TO, {"status": 200, "body": {"value": [{"principalId": IDS[0]}]}}, GraphUnclear, "understood"),
        (MEMBERS, {"status": 403}, GraphCredentials, "GroupMember.Read.All"),
        (MEMBERS, {"status": 404}, GraphNotFound, GROUPS[0]),
        (MEMBERS, {"status": 500, "times": 9}, GraphBusy, "500"),
        (MEMBERS, {"status": 200, "body": {"value": [{"id": IDS[0]}]}}, GraphUnclear, "understood"),
        (MEMBERS, {"status": 200, "body": {}}, GraphUnclear, "understood"),
        ("/v1.0/$batch", {"status": 429, "headers": {"Retry-After": "100"}}, GraphBusy, "429"),
    ],
)
def test_an_error_is_never_an_empty_scope(
    entra: Entra, app: str, path: str, fault: dict[str, Any], error: type[Exception], text: str
) -> None:
    assign(entra, GROUPS[0], IDS)
    entra.fail(path, **fault)
    with pytest.raises(error, match=text):
        read_assigned(entra.client(), app)


def test_a_missing_permission_is_named(entra: Entra, app: str) -> None:
    assign(entra, GROUPS[0], IDS)
    entra.set(permissions=["User.Read.All", "Application.Read.All"])
    with pytest.raises(GraphCredentials, match=r"GroupMember\.Read\.All"):
        read_assigned(entra.client(), app)


def test_a_group_that_was_deleted_is_named(entra: Entra, app: str) -> None:
    assign(entra, GROUPS[0], IDS)
    entra.act({"do": "delete group", "id": GROUPS[0]})
    with pytest.raises(GraphNotFound, match=f"{GROUPS[0]}.*remove its assignment"):
        read_assigned(entra.client(), app)


def test_nobody_where_there_were_people_is_not_believed() -> None:
    with pytest.raises(GraphImplausible, match="nobody, where there were 25"):
        ensure_plausible("people in scope", 25, 0)
    ensure_plausible("people in scope", 25, 1)
    ensure_plausible("people in scope", 0, 0)
