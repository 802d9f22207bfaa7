"""What the fault tests share."""

from collections.abc import Iterator

import pytest

from local.parts import app_settings
from local.processes import Processes
from tests.conftest import Endpoint, ZohoOne
from tests.sync.grouped import Grouped


@pytest.fixture
def two_hosts(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, endpoint: Endpoint, host: str
) -> Iterator[list[Endpoint]]:
    """The store's endpoint on the worker's host and on one more."""
    environment = app_settings(azurite, key, zoho_one.parts)
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=environment)
    yield [endpoint, Endpoint(endpoint.url.replace(host, ready["url"]), endpoint.token)]
    process.stop()


@pytest.fixture
def grouped(endpoint: Endpoint, zoho_one: ZohoOne) -> Grouped:
    """A store for groups."""
    return Grouped(endpoint, zoho_one)
