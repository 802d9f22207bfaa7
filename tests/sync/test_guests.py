"""Guests, from Graph and by push."""

from typing import Any

import pytest

from local.entra.people import PEOPLE
from local.entra.person import Person
from shared.rules.guests import Guests
from shared.rules.mapping.fields_read import fields_read
from shared.rules.scim_path import ENTRA
from tests.conftest import Endpoint
from tests.sync.reconciled import Reconciled

GUEST = next(person for person in PEOPLE if "#EXT#" in person.user_principal_name)
GUESTS = {person.mapped_name for person in PEOPLE if person.user_type == "Guest"}


def _pushed(person: Person, *, original: bool = False) -> dict[str, Any]:
    return {
        "userName": person.user_principal_name if original else person.mapped_name,
        "externalId": person.mail_nickname,
        "active": True,
        "displayName": person.display_name,
        "emails": [{"type": "work", "value": person.mail}],
    }


def _found(endpoint: Endpoint, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = endpoint.request("GET", "/Users", query={"filter": f'userName eq "{name}"'}).json()[
        "Resources"
    ]
    return found


@pytest.mark.parametrize("original", [False, True])
@pytest.mark.parametrize("graph_first", [False, True])
def test_a_guest_who_is_pushed_and_read_has_one_account(
    original: bool, graph_first: bool, reconciled: Reconciled, host: str
) -> None:
    endpoint = reconciled.endpoint(host)
    body = _pushed(GUEST, original=original)
    if graph_first:
        reconciled.cycle()
    found = _found(endpoint, body["userName"])
    assert len(found) == (graph_first and not original)
    made = endpoint.request("PATCH" if found else "POST", f"/Users/{found[0]['id']}" if found else "/Users", json=body)
    assert made.ok or found
    run = reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert not run.errors
    assert reconciled.accounts()[GUEST.mapped_name]["displayName"] == GUEST.display_name
    known = reconciled.identity(GUEST.id)
    assert known is not None
    assert known.said.source.original_user_principal_name == GUEST.user_principal_name
    before = reconciled.tables()
    reconciled.cycle()
    assert [key for key in before if key.startswith("identities/id:")] == [
        key for key in reconciled.tables() if key.startswith("identities/id:")
    ]
    if not graph_first:
        assert len(_found(endpoint, body["userName"])) == 1, "Entra finds the user by what it wrote"


def test_a_store_without_guests(reconciled: Reconciled, host: str) -> None:
    endpoint = reconciled.endpoint(host)
    reconciled.cycle()
    assert reconciled.active() >= GUESTS
    reconciled.change(guests=Guests.NOT_AT_ALL)
    reconciled.cycle()
    assert not reconciled.active() & GUESTS
    assert len(reconciled.active()) == len(PEOPLE) - len(GUESTS) - 1, "one is disabled from the start"
    body = _pushed(GUEST.model_copy(update={"mail": "new@x.example", "mail_nickname": "new"}), original=False)
    body |= {"userName": "new@x.example", "displayName": "New Guest", ENTRA: {"userType": "Guest"}}
    assert endpoint.request("POST", "/Users", json=body).ok
    assert "new@x.example" not in reconciled.accounts()
    reconciled.change(guests=Guests.AS_OTHERS)
    reconciled.cycle()
    assert reconciled.active() >= {*GUESTS, "new@x.example"}


def test_guests_of_an_earlier_release_get_the_name_that_entra_maps(
    reconciled: Reconciled, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("shared.rules.azure_user.mapped_name", lambda name: name)
        earlier.setattr("shared.rules.desired.COMPUTED_BY", "3")
        read = lambda *given: fields_read(*given) - {"proxyAddresses"}  # noqa: E731
        earlier.setattr("shared.sync.source.people.fields_read", read)
        reconciled.cycle()
        assert GUEST.user_principal_name in reconciled.accounts()
    before = {user["id"] for user in reconciled.zoho_one.users()}
    reconciled.cycle()
    reconciled.assert_as_in_entra()
    assert {user["id"] for user in reconciled.zoho_one.users()} == before, "renamed, and not made again"
    endpoint = reconciled.endpoint(host)
    assert len(_found(endpoint, GUEST.mapped_name)) == 1
