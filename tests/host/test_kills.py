"""A short kill campaign of the whole app, on whichever host `BRIDGE_HOST` names: workers and hosts die, nobody is lost.

The long one, at every single call, is in tests/faults.
"""

import random
import threading
import time
from collections import Counter

import pytest
import requests
from hypothesis import settings

from local.azurite import start_azurite
from local.host.process import RunningHost, is_func, start_host
from local.parts import app_settings
from local.processes import Processes
from local.store import add_store, new_key
from tests.conftest import Endpoint, ZohoOne

PEOPLE = 8
PATIENCE = 120.0
"""Seconds that one person's request is sent again, as Entra does."""
LEASE_SECONDS = "5"


class Push:
    """What Entra does: each person's request again and again until it is answered as it should be."""

    def __init__(self, store: str, token: str) -> None:
        self._store, self._token = store, token
        self.host: RunningHost | None = None
        self.created: Counter[str] = Counter()

    def everybody(self) -> None:
        """All people, one after the other."""
        for number in range(PEOPLE):
            self._one(f"person{number}@contoso.example")

    def _one(self, name: str) -> None:
        person = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "active": True,
            "name": {"familyName": "Ek"},
            "emails": [{"type": "work", "value": name}],
        }
        gives_up = time.monotonic() + PATIENCE
        while time.monotonic() < gives_up:
            assert self.host is not None
            endpoint = Endpoint(f"{self.host.url}/scim/{self._store}", self._token)
            try:
                found = endpoint.request("GET", "/Users", query={"filter": f'userName eq "{name}"'})
                if found.status_code == 200 and found.json()["totalResults"] == 1:
                    return
                answer = endpoint.request("POST", "/Users", json=person)
            except (requests.RequestException, ValueError):
                time.sleep(0.3)
                continue
            if answer.status_code == 201:
                self.created[name] += 1
                return
            assert answer.status_code >= 500 or answer.status_code in (409, 429), answer.text
            time.sleep(0.3)
        raise AssertionError(f"{name} was not created in time")


@pytest.mark.skipif(
    settings.get_current_profile_name() != "campaign" and not is_func(),
    reason="half a minute of this machine's time: make campaign runs it, and make check-host on Azure's own host",
)
@pytest.mark.parametrize("seed", range(3 if is_func() else 1))
def test_nobody_is_lost_or_doubled_whoever_dies(
    processes: Processes, zoho_one: ZohoOne, store_id: str, seed: int
) -> None:
    chance, azurite, key = random.Random(seed), start_azurite(processes), new_key()
    token = add_store(azurite.connection_string, key, zoho_one.parts, store_id)
    settings = app_settings(azurite.connection_string, key, zoho_one.parts) | {"BRIDGE_LEASE_SECONDS": LEASE_SECONDS}
    push = Push(store_id, token)
    push.host = start_host(processes, environment=settings, timers=False)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            push.everybody()
        except BaseException as error:
            failures.append(error)

    pushing = threading.Thread(target=work)
    pushing.start()
    for dies in ("worker", "host", "worker"):
        time.sleep(chance.uniform(0.2, 1.5))
        if dies == "worker":
            push.host.worker().kill()
        else:
            push.host.process.kill()
            push.host = start_host(processes, environment=settings, timers=False)
    pushing.join()
    push.host.process.stop()
    assert failures == []
    names = Counter(user["userName"] for user in zoho_one.users())
    assert names == {f"person{number}@contoso.example": 1 for number in range(PEOPLE)}
    assert all(count == 1 for count in push.created.values())
