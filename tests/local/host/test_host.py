"""The host gives requests to functions, and answers to clients, as Azure does; `BRIDGE_HOST=func` asks Azure's own."""

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local.host.process import is_func
from local.processes import ChildFailedError, Processes
from tests.local.host.host_table import TABLE, Answer, Row
from tests.local.host.sample_host import SampleHost

local_only = pytest.mark.skipif(is_func(), reason="it is about the local host alone")


@pytest.fixture(scope="module")
def api(sample: SampleHost) -> str:
    """The address of the sample app's functions."""
    return sample.api


def _sent(host: str, row: Row) -> tuple[HTTPResponse, bytes]:
    """The answer to a request that is written as it stands."""
    address = urlsplit(host)
    first, _, rest = row.request.partition("\n")
    text = f"{first}\nHost: {address.netloc}\n{rest}".replace("\n", "\r\n")
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as client:
        client.sendall(text.encode("latin-1"))
        response = HTTPResponse(client, method=first.partition(" ")[0])
        response.begin()
        return response, response.read()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.what)
def test_a_row_of_the_table(sample: SampleHost, row: Row) -> None:
    wanted: Answer = row.real if is_func() or row.local is None else row.local
    response, body = _sent(sample.url, row)
    assert response.status == wanted.status
    headers = {name.lower(): value for name, value in response.getheaders()}
    assert wanted.headers.items() <= headers.items()
    assert not headers.keys() & set(wanted.without)
    if wanted.body is not None:
        echoed = "/echo/" in row.request and response.status == 200
        assert (bytes.fromhex(json.loads(body)["body"]) if echoed else body) == wanted.body


def test_where_the_local_host_differs_the_table_says_why() -> None:
    assert all(bool(row.kinder) == (row.local is not None) for row in TABLE)


def test_requests_beyond_the_limit_are_sent_away(api: str) -> None:
    """8 at once and 16 in all, as the sample's host.json says."""
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{api}/slow?seconds=1", timeout=30), range(24)))
    away = [answer for answer in answers if answer.status_code != 200]
    assert len(away) == 8
    for answer in away:
        assert (answer.status_code, answer.headers["x-function-scaleout"], answer.content) == (429, "1", b"")
        assert "retry-after" not in answer.headers


def echoed(method: str, url: str, **options: Any) -> dict[str, Any]:
    response = requests.request(method, url, timeout=5, **options)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    seen: dict[str, Any] = response.json()
    return seen


def test_a_request_arrives_whole(api: str) -> None:
    url = f"{api}/echo/s1/Users/a%2Fb%20%C3%A9?filter=userName%20eq%20%22x%22&a=1&a=2&none="
    seen = echoed("PUT", url, data=b"\x00\xff", headers={"X-Request": "42"})
    assert seen["method"] == "PUT"
    assert seen["url"] == url
    assert seen["headers"]["x-request"] == "42"
    assert seen["params"] == {"filter": 'userName eq "x"', "a": "1,2"}
    assert seen["route"] == {"store": "s1", "path": "Users/a%2Fb é"}
    assert bytes.fromhex(seen["body"]) == b"\x00\xff"


def test_the_catch_all_may_be_empty(api: str) -> None:
    assert echoed("GET", f"{api}/echo/s1")["route"] == {"store": "s1"}


def test_a_large_body_arrives_whole(api: str) -> None:
    body = bytes(range(256)) * 8192
    assert bytes.fromhex(echoed("POST", f"{api}/echo/s1", data=body)["body"]) == body


def test_an_async_function_answers_on_its_more_specific_route(api: str) -> None:
    assert requests.get(f"{api}/echo/s1/known", timeout=5).text == "s1 True"


def test_status_headers_and_cookies_come_back(api: str) -> None:
    response = requests.get(f"{api}/cookies", timeout=5)
    assert response.status_code == 418
    assert response.headers["x-kind"] == "teapot"
    assert response.raw.headers.getlist("set-cookie") == [
        "state=a%20b; max-age=600; domain=; path=/oauth; secure; samesite=lax; httponly",
        "theme=dark; domain=; path=/",
    ]


def test_a_function_may_return_a_text(api: str) -> None:
    response = requests.get(f"{api}/plain", timeout=5)
    assert (response.status_code, response.text) == (200, "plain ✓")


@local_only
def test_a_failing_function_is_logged_without_the_request(sample: SampleHost) -> None:
    assert requests.get(f"{sample.api}/fails?name=ada", timeout=5).status_code == 500
    log = sample.running.process.log.read_text()
    assert "ZeroDivisionError" in log
    assert "ada" not in log


def test_sync_functions_run_at_the_same_time(api: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: requests.get(f"{api}/together", timeout=10).status_code, range(2)))
    assert answers == [200, 200]


def test_a_connection_is_kept(api: str) -> None:
    connection = HTTPConnection(urlsplit(api).netloc, timeout=5)
    connection.connect()
    used = connection.sock
    for _ in range(3):
        connection.request("GET", "/api/empty")
        connection.getresponse().read()
        assert connection.sock is used
    connection.close()


def test_settings_fill_only_the_gaps_in_the_environment(api: str) -> None:
    answer = requests.get(f"{api}/environment?names=SAMPLE_FROM_FILE+SAMPLE_FROM_BOTH", timeout=5)
    assert answer.json() == {"SAMPLE_FROM_FILE": "file", "SAMPLE_FROM_BOTH": "environment"}


@local_only
def test_it_listens_on_the_loopback_interface_only(sample: SampleHost) -> None:
    process = psutil.Process(sample.running.process.pid)
    listening = [
        connection.laddr.ip
        for each in (process, *process.children(recursive=True))
        for connection in each.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


@local_only
def test_an_app_that_cannot_be_loaded_says_why(logs: Path, tmp_path: Path) -> None:
    """Kinder on purpose: Azure's host goes on with no function at all, and says nothing on its console."""
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route('x')\n"
        "def x(request: func.HttpRequest) -> str: return 'the parameter must be called req'\n"
    )
    with Processes(logs) as processes, pytest.raises(ChildFailedError, match="FunctionLoadError"):
        processes.start_module("local.host", "--port", "0", "--app", str(tmp_path))


@local_only
def test_only_this_user_can_read_the_key_to_admin(sample: SampleHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core Tools ask for no key, but with --enableAuth; Azure's host always does."""
    assert requests.post(f"{sample.url}/admin/functions/ticks", json={}, timeout=5).status_code == 401
    wrong = {"x-functions-key": "sesame"}
    assert requests.post(f"{sample.url}/admin/functions/ticks", json={}, headers=wrong, timeout=5).status_code == 401
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    assert (folder / "entra-zoho-one-bridge/host-key").stat().st_mode & 0o077 == 0
