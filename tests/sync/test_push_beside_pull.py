"""A push of somebody of whom Graph tells more than a push can."""

from typing import Any

import pytest

from local.entra.people import PEOPLE
from tests.sync.reconciled import Reconciled

ANNA = PEOPLE[0]


@pytest.mark.parametrize("action", ["unassign", "soft-delete"])
def test_a_push_of_another_attribute_does_not_bring_back_who_has_left(
    action: str, reconciled: Reconciled, host: str
) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    query = {"filter": f'userName eq "{ANNA.user_principal_name}"'}
    (shown,) = endpoint.request("GET", "/Users", query=query).json()["Resources"]
    reconciled.entra.act({"do": action, "id": ANNA.id})
    reconciled.cycle()
    assert reconciled.accounts()[ANNA.user_principal_name]["active"] is False
    assert endpoint.request("PATCH", f"/Users/{shown['id']}", json=_patch("title", "Archivist")).ok
    account = reconciled.accounts()[ANNA.user_principal_name]
    assert (account["title"], account["active"]) == ("Archivist", False)
    assert endpoint.request("PATCH", f"/Users/{shown['id']}", json=_patch("active", "True")).ok
    assert reconciled.accounts()[ANNA.user_principal_name]["active"] is True, "which Entra says in so many words"


def _patch(path: str, value: str) -> dict[str, Any]:
    operations = [{"op": "Replace", "path": path, "value": value}]
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
