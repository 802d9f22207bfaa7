"""Many identities at once: neighbours in one round trip, others in one each."""

import uuid
from datetime import UTC, datetime

import pytest

from shared.app.container import Bridge
from shared.calls import counted, in_parallel
from shared.rules.azure_user import AzureUser
from shared.rules.identity import Identity, SourceState
from shared.rules.keys import Keys
from shared.tables.identities import SEVERAL

NOW = datetime(2026, 11, 23, tzinfo=UTC)
IDS = [f"{number:032x}" for number in range(40)]


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        (IDS, 1),
        (IDS[5:25], 1),
        (IDS[30:] + [f"{number:032x}" for number in range(40, 45)], 1),  # who is not there comes last
        (IDS[::4], 1 + 7),  # a quarter of those who stand among them
        (IDS[: SEVERAL - 1], SEVERAL - 1),
        ([], 0),
        ([uuid.uuid4().hex for _ in range(SEVERAL)], 1),  # nobody is behind the first of them
    ],
)
def test_several_are_read_in_few_round_trips(bridge: Bridge, store_id: str, wanted: list[str], calls: int) -> None:
    in_parallel(lambda each: bridge.identities.write(store_id, None, _person(each)), IDS, 8)
    with counted() as counts:
        found = bridge.identities.several(store_id, list(reversed(wanted)))
    assert found.keys() == set(wanted) & set(IDS)
    assert all(stored.identity == _person(each) and stored.etag for each, stored in found.items())
    assert counts.taken().get("tables", 0) == calls


def _person(identity_id: str) -> Identity:
    name = f"{identity_id}@contoso.example"
    source = AzureUser(user_principal_name=name)
    said = SourceState(resource="{}", keys=Keys(user_name=name), source=source, desired=None, modified=NOW)
    return Identity(id=identity_id, said=said, created=NOW)
