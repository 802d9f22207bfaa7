"""The alerts and the workbook read the lines that the bridge writes."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from local.infra.queries import line_patterns, queries
from local.processes import ROOT
from shared.bridge import Bridge
from shared.connection.tokens import SharedTokens
from shared.directory.store import Store
from shared.scim.endpoint import HttpRequest
from shared.zoho.data_centers import replaced
from shared.zoho.errors import ZohoCredentials
from shared.zoho.oauth import ZohoAccounts
from shared.zoho.scim_calls import new_session
from tests.conftest import ZohoOne
from tests.infra.bicep import bicep

QUERIES = queries()
CYCLE = {
    "store": "contoso",
    "cycle": "0251-ab",
    "kind": "full cycle",
    "state": "held",
    "seconds": "12.5",
    "creates": "1",
    "updates": "2",
    "deactivations": "3",
    "reactivations": "4",
    "deletions": "5",
    "failed": "6",
    "parked": "7",
    "graph": "8",
    "zoho": "9",
    "tables": "10",
}


def _read(name: str, line: str) -> dict[str, str]:
    """What a query takes from a line: of its patterns, the first that fits."""
    fits = [found.groupdict() for pattern in line_patterns(QUERIES[name]) if (found := pattern.match(line))]
    assert fits, f"{name} does not read {line!r}"
    return fits[0]


@pytest.mark.parametrize("name", [name for name in QUERIES if "cycle store=" in QUERIES[name]])
def test_a_cycles_line_is_read(name: str) -> None:
    line = "cycle " + " ".join(f"{key}={value}" for key, value in CYCLE.items())
    found = _read(name, line)
    kind = found.pop("sort_of")  # KQL keeps the word kind for itself
    assert found.items() <= CYCLE.items()
    assert (kind, found["state"]) == ("full cycle", "held")


@pytest.mark.parametrize("name", [name for name in QUERIES if "startswith" in QUERIES[name]])
def test_what_a_query_looks_for_is_how_a_line_begins(name: str) -> None:
    code = "".join(file.read_text() for file in (ROOT / "shared").rglob("*.py"))
    begins = set(re.findall(r'_log\.\w+\(\s*f?"(\w+ (?:store=)?)', code))
    assert set(re.findall(r'startswith "([^"]+)"', QUERIES[name])) <= begins


def test_lines_that_were_written_are_read(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    address = f"https://bridge.example/scim/{store.id}/Users"
    bridge.sync_endpoint.handle(store.id, HttpRequest("GET", address))
    bridge.users(store).reach()
    bridge.switch.stop(store)
    with pytest.raises(ZohoCredentials):
        _lose_connection(bridge, store, zoho_one)

    def written(line: str) -> str:
        return next(message for message in caplog.messages if message.startswith(line))

    push = _read("push-failures", written("push "))
    assert (push["store"], push["method"], push["status"]) == (store.id, "GET", "401")
    zoho = _read("workbook/calls-to-zoho-one", written("zoho "))
    assert (zoho["store"], zoho["method"], zoho["status"]) == (store.id, "GET", "200")
    turned = _read("no-cycle", written("provisioning "))
    assert (turned["store"], turned["turn"]) == (store.id, "stopped")
    assert _read("reconnect", written("reconnect "))["store"] == store.id


def _lose_connection(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    """As after hours, when Zoho refuses to renew the access token."""
    data_centers = replaced(zoho_one.parts.accounts_servers)
    zoho_one.fail(path="/oauth/v2/token", status=400, body={"error": "invalid_code"})
    later = datetime.now(UTC) + timedelta(hours=2)
    SharedTokens(bridge.connections, ZohoAccounts(new_session()), data_centers, lambda: later).current(store)


def test_every_alert_has_a_query_and_a_runbook() -> None:
    rules = bicep("modules/alerts").tree["variables"]["rules"]["value"]
    assert {rule["key"] for rule in rules} == {name for name in QUERIES if not name.startswith("workbook/")}
    runbooks = re.findall(r"^### (.+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert {rule["title"] for rule in rules} <= set(runbooks)


def test_the_silence_that_is_told_is_the_templates_choice() -> None:
    assert QUERIES["no-cycle"].count("120m") == 2, "modules/alerts.bicep puts the parameter there"
    assert "'120m', '${silentMinutes}m'" in bicep("modules/alerts").text


def test_every_alert_is_told_for_one_store() -> None:
    for name, query in QUERIES.items():
        if not name.startswith("workbook/"):
            last = query.rstrip().splitlines()[-1]
            assert re.search(r"\bstore\b", last), name


def test_every_function_that_nobody_waits_for_is_watched() -> None:
    """What an HTTP function answers is in the lines of pushes."""
    code = "".join(file.read_text() for file in sorted((ROOT / "functions").glob("*.py")))
    triggered = re.findall(r'function_name\("(\w+)"\)\n@blueprint\.(\w+)', code)
    watched = {name for name, trigger in triggered if trigger != "route"}
    named = re.search(r"OperationName in \(([^)]+)\)", QUERIES["app-failures"])
    assert named is not None
    assert set(re.findall(r"\w+", named[1])) == watched
