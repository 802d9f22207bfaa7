"""What the tests of the sync endpoint share: a host whose calls are counted."""

from collections import Counter
from collections.abc import Iterator

import pytest

from local.host.gate import Call, Moment
from local.parts import app_settings
from local.processes import Processes
from local.store import add_store
from shared.app.container import Bridge
from shared.rules.guard import GuardLimits, Threshold
from shared.settings import Settings
from tests.conftest import Endpoint, ZohoOne
from tests.faults.gated_host import gates, start_gated_host
from tests.in_memory import *  # noqa: F403 - fixtures, in the place of processes

NEVER = Threshold(count=10**9, percent=100)
UNGUARDED = GuardLimits(leavings=NEVER, leavings_share=None, leavings_most=None, members=NEVER)


class Count:
    """Counts calls by gate."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, call: Call, moment: Moment) -> None:
        if moment == "before":
            self.calls[call.gate] += 1

    def of(self, endpoint: Endpoint, method: str, path: str, status: int, **request: object) -> tuple[int, int]:
        """Table round trips and Zoho One calls of one request."""
        self.calls.clear()
        answer = endpoint.request(method, path, **request)  # type: ignore[arg-type]  # query or json, as named
        assert answer.status_code == status, answer.text
        return self.calls["tables"], self.calls["zoho"]


@pytest.fixture
def counted(
    processes: Processes, azurite_process: str, key: str, zoho_one_server: ZohoOne, store_id: str
) -> Iterator[tuple[Count, Endpoint]]:
    """A host behind counting gates, everything warm: what is counted is what goes over the wire."""
    count, parts = Count(), zoho_one_server.parts
    zoho_one_server.reset()
    bridge = Bridge(Settings.model_validate(app_settings(azurite_process, key, parts)))
    with gates(azurite_process, parts, count) as (connection_string, gated):
        token = add_store(azurite_process, key, gated, store_id)
        # People and members come and go to be counted, which the guard would stop.
        bridge.stores.change(store_id, lambda store: store.model_copy(update={"guard": UNGUARDED}))
        host = start_gated_host(processes, connection_string, key, gated, store_id, token)
        warm = host.endpoint.request("POST", "/Users", json={"userName": "warm@contoso.example", "active": True})
        assert warm.status_code == 201
        yield count, host.endpoint
        host.end()
