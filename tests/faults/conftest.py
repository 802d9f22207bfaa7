"""What the fault tests share."""

from collections.abc import Callable, Iterator

import pytest

from local.parts import app_settings
from local.processes import Processes
from tests.conftest import Endpoint, ZohoOne
from tests.sync.grouped import Grouped

KILLS = "kills"


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


@pytest.fixture
def kills(record_property: Callable[[str, object], None]) -> Iterator[Callable[[object], None]]:
    """Is told of each kill; the end of a run of pytest says how many there were."""
    count = 0

    def one(_: object) -> None:
        nonlocal count
        count += 1

    yield one
    record_property(KILLS, count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many processes were killed, in all workers together."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    told = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == KILLS]
    if told:
        terminalreporter.write_line(f"{sum(told)} processes killed, each once around a kind of call")
