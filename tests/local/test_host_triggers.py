"""The host runs timer and queue functions when it is time, and each message until it is done or given up."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from local.azurite import Azurite
from local.processes import Child, ChildFailedError, Processes

SAMPLE = Path(__file__).parent / "sample_app"
PATIENCE = 10  # seconds


def eventually(look: Callable[[], object], wanted: object) -> None:
    """Wait until something is as wanted."""
    deadline = time.monotonic() + PATIENCE
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


@dataclass
class Host:
    """A running host of the sample app, and the queues of its Azurite."""

    url: str
    process: Child
    trace: Path
    connection: str

    def lines(self, about: str) -> list[str]:
        """What the sample app traced."""
        return [line for line in self.trace.read_text().splitlines() if about in line] if self.trace.exists() else []

    def texts(self, queue: str) -> list[str]:
        """The messages that wait in a queue."""
        client = QueueClient.from_connection_string(
            self.connection, queue, message_decode_policy=TextBase64DecodePolicy()
        )
        with client:
            try:
                return [str(message.content) for message in client.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []

    def enqueue(self, name: str, fails: int) -> None:
        task = json.dumps({"name": name, "fails": fails})
        assert requests.post(f"{self.url}/api/enqueue", data=task, timeout=5).status_code == 202


def start(processes: Processes, azurite: Azurite, trace: Path, schedule: str) -> Host:
    settings = {
        "SAMPLE_SCHEDULE": schedule,
        "SAMPLE_STORAGE": azurite.connection_string,
        "SAMPLE_TRACE": str(trace),
    }
    child, ready = processes.start_module("local.host", "--port", "0", "--app", str(SAMPLE), environment=settings)
    return Host(ready["url"], child, trace, azurite.connection_string)


@pytest.fixture(scope="module")
def host(processes: Processes, azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A host whose timer comes once a year."""
    return start(processes, azurite, tmp_path_factory.mktemp("host") / "trace", "0 0 0 1 1 *")


def test_a_message_is_worked_on_once_and_its_outputs_are_put_into_their_queue(host: Host) -> None:
    host.enqueue("good", fails=0)
    eventually(lambda: host.texts("done"), ["good ✓", "and more"])
    eventually(lambda: host.texts("work"), [])
    assert host.lines("good") == ["work good 1"]


def test_a_message_that_failed_comes_back(host: Host) -> None:
    host.enqueue("shaky", fails=2)
    eventually(lambda: host.lines("shaky"), [f"work shaky {count}" for count in (1, 2, 3)])
    eventually(lambda: host.texts("work"), [])


def test_a_message_that_always_fails_ends_in_the_poison_queue(host: Host) -> None:
    host.enqueue("bad", fails=99)
    eventually(lambda: len(host.texts("work-poison")), 1)
    assert json.loads(host.texts("work-poison")[0])["name"] == "bad"
    assert host.lines("bad") == [f"work bad {count}" for count in range(1, 6)]


def test_functions_can_be_fired_at_once(host: Host) -> None:
    admin = f"{host.url}/admin/functions"
    assert requests.post(f"{admin}/ticks", json={}, timeout=5).status_code == 202
    eventually(lambda: host.lines("tick"), ["tick False"])
    task = json.dumps({"name": "fired", "fails": 0})
    assert requests.post(f"{admin}/work", json={"input": task}, timeout=5).status_code == 202
    eventually(lambda: host.lines("fired"), ["work fired 1"])
    assert requests.post(f"{admin}/nothing", json={}, timeout=5).status_code == 404
    assert requests.get(f"{admin}/ticks", timeout=5).status_code == 404
    assert requests.post(f"{admin}/work", data=b"[", timeout=5).status_code == 400


def test_a_timer_runs_on_its_schedule(logs: Path, azurite: Azurite, tmp_path: Path) -> None:
    with Processes(logs) as processes:
        host = start(processes, azurite, tmp_path / "trace", "* * * * * *")
        time.sleep(2.5)
        host.process.stop()
    assert len(host.lines("tick")) in (2, 3)


def test_a_schedule_that_is_none_is_refused(logs: Path, azurite: Azurite, tmp_path: Path) -> None:
    with Processes(logs) as processes, pytest.raises(ChildFailedError, match="CronSimError"):
        start(processes, azurite, tmp_path / "trace", "every now and then")
