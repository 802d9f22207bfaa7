"""The app starts whatever its settings and its storage say: each address says what is wrong, and it recovers."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import azure.functions as func
import pytest
import requests
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient

from functions import jobs, reconcile
from local.azurite import start_azurite
from local.host.admin import fire
from local.host.gate import Call, Gate, Moment
from local.parts import app_settings
from local.processes import Child, Processes
from local.store import add_store
from shared.app.container import Bridge
from shared.app.startup import REMEMBERED, NotStarted, Startup
from shared.obstacle import of_storage
from shared.settings import Settings, SettingsWrong
from tests.conftest import Endpoint, ZohoOne

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


PATIENCE = 15.0
"""Seconds."""


def _eventually(look: Callable[[], object], wanted: object) -> None:
    gives_up = time.monotonic() + PATIENCE
    while (seen := look()) != wanted:
        assert time.monotonic() < gives_up, seen
        time.sleep(0.1)


def _start(processes: Processes, settings: dict[str, str]) -> tuple[Child, str]:
    child, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=settings)
    return child, ready["url"]


def _tick(host: str) -> None:
    fire(host, "tick")


def _heartbeats(child: Child) -> list[str]:
    """What the log says from the word on; the last first."""
    lines = [line.partition(" heartbeat ") for line in child.log.read_text().splitlines()]
    return [f"heartbeat {said}" for _, word, said in reversed(lines) if word]


@pytest.fixture(scope="module")
def azurite_alone(processes: Processes) -> str:
    """An Azurite whose queues and tables no other host uses."""
    return start_azurite(processes).connection_string


def test_every_address_says_which_setting_is_wrong_and_no_message_is_used_up(
    processes: Processes, azurite_alone: str, key: str, zoho_one: ZohoOne
) -> None:
    with QueueClient.from_connection_string(azurite_alone, "cycles") as cycles:
        with suppress(ResourceExistsError):
            cycles.create_queue()
        cycles.send_message("e30=")
        settings = app_settings(azurite_alone, key, zoho_one.parts) | {"BRIDGE_ENCRYPTION_KEYS": "sesame"}
        child, host = _start(processes, settings)
        problem = "BRIDGE_ENCRYPTION_KEYS: key 1 of 1 is no Fernet key, 32 bytes in URL-safe Base64"

        scim = requests.get(f"{host}/scim/contoso/Users", timeout=10)
        assert (scim.status_code, scim.headers["retry-after"]) == (503, "600")
        assert scim.headers["content-type"] == "application/scim+json"
        assert (scim.json()["schemas"], scim.json()["status"]) == ([ERROR], "503")
        assert problem in scim.json()["detail"]

        for path in ("/console/", "/console/stores/contoso", "/oauth/start", "/oauth/callback", "/health"):
            page = requests.get(host + path, headers={"Accept": "text/html"}, timeout=10)
            assert (page.status_code, page.headers["retry-after"]) == (503, "600"), path
            assert problem in page.text
            assert "local.settings.json" in page.text
        for path in ("/health", "/health?ready"):
            health = requests.get(host + path, timeout=10)
            assert (health.status_code, health.json()["status"]) == (503, "settings wrong")
            assert health.json()["problems"] == [problem]

        _tick(host)
        _eventually(lambda: _heartbeats(child), ["heartbeat settings=wrong names=BRIDGE_ENCRYPTION_KEYS"])
        log = child.log.read_text()
        assert "The app cannot start until" in log
        assert "sesame" not in log + scim.text + page.text
        (message,) = cycles.peek_messages()
        assert message.dequeue_count == 0
        cycles.clear_messages()
    child.stop()


def test_a_storage_that_comes_late_is_waited_for(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, store_id: str, new_store_token: str
) -> None:
    away = True

    def watch(_: Call, moment: Moment) -> None:
        if away and moment == "before":
            raise ConnectionResetError

    account = dict(part.split("=", 1) for part in azurite.split(";") if part)
    upstream, _, path = account["TableEndpoint"].rpartition("/")
    with Gate("tables", upstream, watch) as gate:
        settings = app_settings(azurite.replace(account["TableEndpoint"], f"{gate.url}/{path}"), key, zoho_one.parts)
        child, host = _start(processes, settings)
        scim = requests.get(f"{host}/scim/{store_id}/Users", timeout=60)
        assert (scim.status_code, scim.headers["retry-after"]) == (503, "30")
        assert "The bridge does not reach its storage. Table Storage did not answer" in scim.json()["detail"]
        assert requests.get(f"{host}/health", timeout=60).json() == {"status": "alive"}
        assert requests.get(f"{host}/health?ready", timeout=60).json()["status"] == "not ready"
        page = requests.get(f"{host}/console/", timeout=60)
        assert page.status_code == 503
        assert "Table Storage did not answer" in page.text
        _tick(host)
        _eventually(
            lambda: [line.partition("(")[0] for line in _heartbeats(child)],
            ["heartbeat settings=ok storage=failed reason=Table Storage did not answer "],
        )
        away = False
        endpoint = Endpoint(f"{host}/scim/{store_id}", new_store_token)
        _eventually(lambda: endpoint.request("GET", "/Users").status_code, 200)
        _tick(host)
        _eventually(lambda: _heartbeats(child)[0].endswith(" settings=ok"), True)
        away = True
        _tick(host)
        _eventually(lambda: "storage=failed" in _heartbeats(child)[0], True)
        child.stop()


def test_a_missing_table_is_an_error_and_never_an_empty_directory(
    processes: Processes, azurite_alone: str, key: str, zoho_one: ZohoOne, store_id: str
) -> None:
    token = add_store(azurite_alone, key, zoho_one.parts, store_id)
    child, host = _start(processes, app_settings(azurite_alone, key, zoho_one.parts))
    endpoint = Endpoint(f"{host}/scim/{store_id}", token)
    assert endpoint.request("GET", "/Users").json()["totalResults"] == 0
    with TableServiceClient.from_connection_string(azurite_alone) as service:
        service.delete_table("identities")
        found = endpoint.request("GET", "/Users")
        assert found.status_code == 503
        assert "A table of the bridge's is missing" in found.json()["detail"]
        person = endpoint.request("POST", "/Users", json={"schemas": [], "userName": "a@b.example"})
        assert person.status_code in (400, 503)
        _tick(host)
        _eventually(lambda: endpoint.request("GET", "/Users").status_code, 200)
        assert "table=identities was missing and is made again" in child.log.read_text()
    child.stop()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_storage_that_refuses_is_asked_again_when_the_answer_is_old(
    settings: Callable[..., Settings], azurite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = Clock(), 0
    startup = Startup(lambda: settings(AzureWebJobsStorage="UseDevelopmentStorage=true"), clock)

    def refuse(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise PermissionError("sesame")  # no error of the storage's, but as good as any

    monkeypatch.setattr("shared.app.startup.Bridge", refuse)
    for _ in range(3):
        with pytest.raises(NotStarted, match=r"It has a defect \(PermissionError\)") as reason:
            startup.bridge()
        assert "sesame" not in str(reason.value)
    assert asked == 1
    with pytest.raises(NotStarted):
        startup.bridge_in_time(60, clock.sleep)
    assert asked == 60 // REMEMBERED + 1
    monkeypatch.undo()
    startup = Startup(lambda: settings(AzureWebJobsStorage=azurite), clock)
    assert startup.bridge_in_time() is startup.bridge()


class _Away:
    """A start that does not succeed in time."""

    def bridge_in_time(self) -> Bridge:
        raise NotStarted(of_storage("Table Storage did not answer (503)"))


class _Out:
    def __init__(self) -> None:
        self.given: object = None

    def set(self, value: object) -> None:
        self.given = value


@pytest.mark.parametrize(
    ("module", "function", "given"),
    [(reconcile, reconcile.run_cycle, ['{"store": "s"}']), (jobs, jobs.carry_out, '{"store": "s"}')],
)
def test_a_message_that_comes_while_the_storage_is_away_is_put_back(
    module: ModuleType, function: Any, given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "startup", _Away)
    out = _Out()
    function.build().get_user_function()(func.QueueMessage(body=b'{"store": "s"}'), out)
    assert out.given == given


def test_a_wrong_setting_is_logged_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    def wrong() -> Settings:
        raise SettingsWrong([])

    with caplog.at_level(logging.ERROR):
        assert Startup(wrong).wrong_settings is not None
    assert "The app cannot start until these app settings are put right:" in caplog.text


@pytest.fixture
def settings(key: str) -> Callable[..., Settings]:
    return lambda **values: Settings.model_validate({"BRIDGE_ENCRYPTION_KEYS": key} | values)
