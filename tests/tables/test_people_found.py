"""People are found by the beginning of a name, counted and listed, each in one round trip."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local.host.gate import Call, Moment
from local.parts import app_settings
from shared.app.container import Bridge
from shared.rules.azure_user import AzureUser
from shared.rules.identity import Identity, SourceState
from shared.rules.keys import Keys
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.settings import Settings
from shared.tables.identities import Identities
from shared.tables.identity_reads import SAMPLE
from shared.tables.identity_rows import rows_of
from tests.conftest import Endpoint, ZohoOne
from tests.faults.gated_host import gates

NOW = datetime(2026, 11, 23, tzinfo=UTC)


ON_AZURITE = pytest.mark.parametrize("azurite", [pytest.param("azurite", marks=pytest.mark.process)], indirect=True)
"""A host of its own, or a gate that counts on the wire: neither sees tables in this process's memory."""


def person(name: str | None, user_name: str, *, active: bool = True) -> Identity:
    """Somebody whom Zoho One need not hear of."""
    said = SourceState(
        resource="{}",
        keys=Keys(user_name=user_name),
        source=AzureUser(user_principal_name=user_name, display_name=name),
        desired=ZohoUser(active=active, fields={ZohoField.USER_NAME: user_name}),
        modified=NOW,
    )
    return Identity(id=uuid.uuid4().hex, said=said, created=NOW)


class Count:
    """Counts calls to the tables."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _: Call, moment: Moment) -> None:
        self.calls += moment == "before"


@pytest.fixture
def counted(azurite_process: str, key: str, zoho_one: ZohoOne) -> Iterator[tuple[Identities, Count]]:
    """Identities behind a counting gate."""
    count = Count()
    with gates(azurite_process, zoho_one.parts, count) as (connection_string, parts):
        yield Bridge(Settings.model_validate(app_settings(connection_string, key, parts))).identities, count


def test_people_are_found_by_any_word_of_a_name_and_by_the_user_name(
    counted: tuple[Identities, Count], store_id: str
) -> None:
    identities, count = counted
    for name, user_name, active in (
        ("Anna Müller", "anna.mueller@contoso.example", True),
        ("Hannah Ann", "hannah@contoso.example", False),
        ("Müller-Annau Ötzi", "oetzi@contoso.example", True),
        (None, "svc-annual#ext#@contoso.example", True),
    ):
        identities.write(store_id, None, person(name, user_name, active=active))
    count.calls = 0
    found = {
        typed: [listed.name for listed in identities.search(store_id, typed, 10)]
        for typed in ("ann", "MULLER", "öt", "svc-", "anna m", "", "nobody", "%", "hannah@")
    }
    assert count.calls == len(found), "one round trip each"
    everybody = ["Anna Müller", "Hannah Ann", "Müller-Annau Ötzi", "svc-annual#ext#@contoso.example"]
    assert found == {
        "ann": everybody[:2],
        "MULLER": [everybody[0], everybody[2]],
        "öt": [everybody[2]],
        "svc-": [everybody[3]],
        "anna m": [everybody[0]],
        "": everybody,
        "nobody": [],
        "%": [],
        "hannah@": [everybody[1]],
    }
    assert [listed.is_active for listed in identities.search(store_id, "", 10)] == [True, False, True, True]
    assert [listed.name for listed in identities.search(store_id, "", 2)] != [], "as many as asked for"
    assert len(identities.search(store_id, "", 2)) == 2


@ON_AZURITE
def test_a_new_name_takes_the_place_of_the_old_one(endpoint: Endpoint, bridge: Bridge, store_id: str) -> None:
    created = endpoint.request(
        "POST", "/Users", json={"userName": "maria.silva@contoso.example", "active": True, "displayName": "Maria Silva"}
    ).json()
    changed = {"userName": "maria.costa@contoso.example", "active": False, "displayName": "Maria Costa"}
    assert endpoint.request("PUT", f"/Users/{created['id']}", json=changed).status_code == 200
    assert bridge.identities.search(store_id, "silva", 10) == []
    (found,) = bridge.identities.search(store_id, "costa", 10)
    assert (found.user_name, found.is_active) == ("maria.costa@contoso.example", False)
    assert endpoint.request("DELETE", f"/Users/{created['id']}").status_code == 204
    assert bridge.identities.search(store_id, "", 10) == []


@ON_AZURITE
def test_few_people_are_counted_and_many_estimated(
    counted: tuple[Identities, Count], bridge: Bridge, store_id: str
) -> None:
    identities, count = counted
    assert identities.estimate(store_id) == (0, True)
    table = bridge.table("identities")
    people = 1_500
    keys = [{"PartitionKey": store_id, "RowKey": f"id:{uuid.uuid4().hex}"} for _ in range(people)]
    for first in range(0, people, 100):
        table.submit_transaction([("create", key) for key in keys[first : first + 100]])
    count.calls = 0
    number, exact = identities.estimate(store_id)
    assert count.calls == 1
    assert not exact
    assert abs(number - people) < people * 0.25, "five standard deviations"
    assert people > SAMPLE


def test_a_person_fits_a_transaction_whatever_his_name() -> None:
    rows = rows_of(person("山田 太郎 次郎 三郎 四郎" * 50, "u" * 300))
    assert sum(key.startswith("name:") for key in rows) == 5
    assert all(len(key) < 512 for key in rows)
