"""The host gives requests to the functions, and answers to the clients, as Azure does."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from local.processes import Child, ChildFailedError, Processes

SAMPLE = Path(__file__).parent / "sample_app"
HOST = ("local.host", "--port", "0", "--app", str(SAMPLE))
# The sample app's timer and queue need settings; nobody listens at this storage.
SETTINGS = {
    "SAMPLE_SCHEDULE": "0 0 0 1 1 *",
    "SAMPLE_STORAGE": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zg==;QueueEndpoint=http://127.0.0.1:9/a;",
}


@pytest.fixture(scope="module")
def host(processes: Processes) -> tuple[Child, str]:
    """The host of the sample app: its process and the address of its functions."""
    child, ready = processes.start_module(*HOST, environment={**SETTINGS, "SAMPLE_FROM_BOTH": "environment"})
    return child, f"{ready['url']}/api"


@pytest.fixture(scope="module")
def api(host: tuple[Child, str]) -> str:
    """The address of the sample app's functions."""
    return host[1]


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


def test_no_content_has_no_length(api: str) -> None:
    response = requests.get(f"{api}/empty", timeout=5)
    assert response.status_code == 204
    assert "content-length" not in response.headers


def test_a_failing_function_is_500_without_a_body_and_logged_without_the_request(host: tuple[Child, str]) -> None:
    child, api = host
    response = requests.get(f"{api}/fails?name=ada", timeout=5)
    assert (response.status_code, response.content) == (500, b"")
    log = child.log.read_text()
    assert "ZeroDivisionError" in log
    assert "ada" not in log


def test_no_route_is_404_and_a_wrong_method_405(api: str) -> None:
    assert requests.get(f"{api}/nowhere", timeout=5).status_code == 404
    wrong = requests.delete(f"{api}/echo/s1", timeout=5)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST, PUT")


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


def test_it_listens_on_the_loopback_interface_only(host: tuple[Child, str]) -> None:
    connections = psutil.Process(host[0].pid).net_connections()
    assert {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(logs: Path, sent: signal.Signals) -> None:
    with Processes(logs) as processes:
        child, ready = processes.start_module(*HOST, environment=SETTINGS)
        with requests.Session() as session:
            session.get(f"{ready['url']}/api/empty", timeout=5)
            process = psutil.Process(child.pid)
            child.send(sent)
            assert process.wait(timeout=5) == 0
        assert "ERROR" not in child.log.read_text()


def test_an_app_that_cannot_be_loaded_says_why(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route('x')\n"
        "def x(request: func.HttpRequest) -> str: return 'the parameter must be called req'\n"
    )
    with Processes(logs) as processes, pytest.raises(ChildFailedError, match="FunctionLoadError"):
        processes.start_module("local.host", "--port", "0", "--app", str(tmp_path))
