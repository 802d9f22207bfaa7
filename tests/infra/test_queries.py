"""The alerts and the workbook read the lines that the bridge writes."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from local.processes import ROOT
from shared.app.container import Bridge
from shared.connection.tokens import SharedTokens
from shared.outgoing import OutgoingSession
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest
from shared.settings import SettingsWrong
from shared.zoho.data_centers import replaced
from shared.zoho.errors import ZohoCredentials
from shared.zoho.oauth import ZohoAccounts
from tests.conftest import ZohoOne
from tools.infra.evaluated import Resource, evaluated
from tools.infra.queries import line_patterns, queries

QUERIES = queries()
HEARTBEAT = "heartbeat "
"""How the line of the function tick begins: `heartbeat stores=3 interrupted=0 settings=ok`."""
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
    begins = set(re.findall(r'_log\.\w+\(\s*f?"(\w+ (?:store=)?)', code)) | {HEARTBEAT}
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
    SharedTokens(bridge.connections, ZohoAccounts(OutgoingSession()), data_centers, lambda: later).current(store)


def _rules() -> dict[str, Resource]:
    """The alert rules as they are deployed, by the name of their query."""
    rules = evaluated("main").of("Microsoft.Insights/scheduledQueryRules")
    return {rule["name"].removeprefix("alert-zoho-bridge-prod-"): rule["properties"] for rule in rules}


def test_every_alert_has_a_query_and_a_runbook() -> None:
    assert set(_rules()) == {name for name in QUERIES if not name.startswith("workbook/")}
    runbooks = re.findall(r"^### (.+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    for name, rule in _rules().items():
        assert rule["displayName"].removeprefix("Zoho One bridge: ") in runbooks, name
        assert rule["criteria"]["allOf"][0]["query"].replace("\r\n", "\n") == QUERIES[name]


def test_the_silence_that_is_told_is_the_templates_choice() -> None:
    assert QUERIES["no-cycle"].count("120m") == 2, "modules/alerts.bicep puts the parameter there"
    assert "'120m', '${silentMinutes}m'" in (ROOT / "infra/bicep/modules/alerts.bicep").read_text()


def test_every_alert_is_told_for_one_store_but_the_heartbeats() -> None:
    """That one fires where there is no row, so no row can be what ends it."""
    for name, rule in _rules().items():
        (criterion,) = rule["criteria"]["allOf"]
        if name == "heartbeat":
            assert (criterion["operator"], criterion["threshold"], criterion["dimensions"]) == ("LessThan", 1, [])
            assert rule["windowSize"] == "PT30M"
        else:
            assert (criterion["operator"], criterion["threshold"]) == ("GreaterThan", 0)
            assert [dimension["name"] for dimension in criterion["dimensions"]] == ["store"]
            assert re.search(r"\bstore\b", QUERIES[name].rstrip().splitlines()[-1]), name


def test_every_alert_says_when() -> None:
    """A rule over a window counts rows by their time; rows of a summary have one only if the query gives it."""
    # https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-types#log-alerts
    for name in _rules():
        last = [line for line in QUERIES[name].splitlines() if line.startswith("| project")][-1]
        assert re.match(r"\| project TimeGenerated\b", last), name


def test_a_start_that_failed_is_looked_for_where_the_host_writes_it() -> None:
    """What the worker raises at its start is an exception of the host's; a line of the app's own is a trace."""
    query = QUERIES["app-failures"]
    start = str(SettingsWrong([])).split(" these")[0]
    assert "(AppExceptions" in query
    assert start.removesuffix(" until") in query
    tables = json.loads((ROOT / "infra/checks/tables.json").read_text())
    assert {"OuterMessage", "Details", "Properties"} <= {
        column.split(":")[0] for column in tables["AppExceptions"].split(", ")
    }


def test_a_store_whose_first_cycle_never_ran_is_told() -> None:
    assert "join kind=fullouter turned" in QUERIES["no-cycle"], "its only line is that of its start"


def test_every_function_that_nobody_waits_for_is_watched() -> None:
    """What an HTTP function answers is in the lines of pushes."""
    code = "".join(file.read_text() for file in sorted((ROOT / "functions").glob("*.py")))
    triggered = re.findall(r'function_name\("(\w+)"\)\n@blueprint\.(\w+)', code)
    watched = {name for name, trigger in triggered if trigger != "route"}
    named = re.search(r"OperationName in \(([^)]+)\)", QUERIES["app-failures"])
    assert named is not None
    assert set(re.findall(r"\w+", named[1])) == watched
