"""The host runs timer and queue functions when it is time, and each message until it is done or given up.

What a kill or a signal leads to is a table too: host.md's "Killed", of the host 4.1037.
"""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.azurite import Azurite, start_azurite
from local.host.admin import fire, host_key
from local.host.process import is_func
from local.processes import ChildFailedError, Processes
from tests.local.host.sample_host import SampleHost, eventually, start_sample

VISIBILITY_TIMEOUT = 2.0
"""Seconds, of the sample's host.json."""
TEN_MINUTES = 600.0
local_only = pytest.mark.skipif(is_func(), reason="it is about the local host alone")


@pytest.fixture(scope="module")
def lone_azurite(processes: Processes) -> Azurite:
    """An Azurite whose messages no other host takes."""
    return start_azurite(processes)


@contextmanager
def another(logs: Path, azurite: Azurite, trace: Path, time_scale: float = 1.0) -> Iterator[SampleHost]:
    """A host that a test may end."""
    with Processes(logs) as processes:
        yield start_sample(processes, azurite, trace, time_scale=time_scale)


def test_a_message_is_worked_on_once_and_its_outputs_are_put_into_their_queue(sample: SampleHost) -> None:
    sample.post("good")
    eventually(lambda: sample.texts("done"), ["good ✓", "and more"])
    eventually(lambda: sample.texts("work"), [])
    assert sample.lines("good") == ["work good 1"]


def test_a_message_that_failed_comes_back_after_the_visibility_timeout(sample: SampleHost) -> None:
    started = time.monotonic()
    sample.enqueue("shaky", fails=2)
    eventually(lambda: sample.lines("shaky"), [f"work shaky {count}" for count in (1, 2, 3)])
    assert 2 * VISIBILITY_TIMEOUT - 1 < time.monotonic() - started < 2 * (VISIBILITY_TIMEOUT + 3)
    eventually(lambda: sample.texts("work"), [])


def test_a_message_that_always_fails_ends_in_the_poison_queue(sample: SampleHost) -> None:
    sample.enqueue("bad", fails=99)
    eventually(lambda: [json.loads(text)["name"] for text in sample.texts("work-poison")], ["bad"])
    assert sample.lines("bad") == [f"work bad {count}" for count in range(1, 6)]


def test_text_that_is_no_base64_is_poison_at_once(logs: Path, lone_azurite: Azurite, tmp_path: Path) -> None:
    with another(logs, lone_azurite, tmp_path / "trace") as host:
        host.put("work", "no Base64!")
        eventually(lambda: _contents(lone_azurite, "work-poison"), ["no Base64!"])
        assert host.lines("work") == []


def _contents(azurite: Azurite, queue: str) -> list[str]:
    with QueueClient.from_connection_string(azurite.connection_string, queue) as client:
        try:
            return [str(message.content) for message in client.peek_messages()]
        except ResourceNotFoundError:
            return []


@local_only
def test_functions_can_be_fired_at_once(sample: SampleHost) -> None:
    fire(sample.url, "ticks")
    eventually(lambda: sample.lines("tick"), ["tick False"])
    fire(sample.url, "work", json.dumps({"name": "fired", "fails": 0}))
    eventually(lambda: sample.lines("fired"), ["work fired 1"])
    admin, key = f"{sample.url}/admin/functions", {"x-functions-key": host_key()}
    assert requests.post(f"{admin}/nothing", json={}, headers=key, timeout=5).status_code == 404
    assert requests.get(f"{admin}/ticks", headers=key, timeout=5).status_code == 404
    assert requests.post(f"{admin}/work", data=b"[", headers=key, timeout=5).status_code == 400


def test_a_killed_worker_costs_one_500_and_the_third_time_the_host(
    logs: Path, lone_azurite: Azurite, tmp_path: Path
) -> None:
    with another(logs, lone_azurite, tmp_path / "trace") as host, ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            asking = pool.submit(requests.get, f"{host.api}/slow?seconds=9", timeout=30)
            time.sleep(0.5)
            host.running.worker().kill()
            assert asking.result().status_code == 500
            assert requests.get(f"{host.api}/plain", timeout=30).status_code == 200
        host.running.worker().kill()
        eventually(lambda: host.running.process.is_running, False)


def test_a_killed_workers_message_comes_back_after_the_visibility_timeout(
    logs: Path, lone_azurite: Azurite, tmp_path: Path
) -> None:
    with another(logs, lone_azurite, tmp_path / "trace") as host:
        host.enqueue("long", seconds=3)
        eventually(lambda: host.lines("long"), ["work long 1"])
        host.running.worker().kill()
        eventually(lambda: host.lines("long"), ["work long 1", "work long 2"])


@pytest.mark.skipif(is_func(), reason="it takes ten minutes with Azure's own host: measured there as 9:41 to 9:57")
def test_a_killed_hosts_message_comes_back_after_ten_minutes(logs: Path, lone_azurite: Azurite, tmp_path: Path) -> None:
    scale = 100.0
    with another(logs, lone_azurite, tmp_path / "trace", scale) as host:
        host.enqueue("lost", seconds=1)
        eventually(lambda: host.lines("lost"), ["work lost 1"])
        worker = host.running.worker()
        host.running.process.kill()
        ended = time.monotonic()
        psutil.wait_procs([worker], 5)
        assert not worker.is_running()
    with another(logs, lone_azurite, tmp_path / "trace", scale) as host:
        eventually(lambda: host.lines("lost"), ["work lost 1", "work lost 2"])
        assert TEN_MINUTES / scale - 2 < time.monotonic() - ended < TEN_MINUTES / scale + 5


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_a_request_under_way_finish(
    logs: Path, lone_azurite: Azurite, tmp_path: Path, sent: signal.Signals
) -> None:
    with another(logs, lone_azurite, tmp_path / "trace") as host, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(requests.get, f"{host.api}/slow?seconds=4", timeout=30)
        time.sleep(0.5)
        process = psutil.Process(host.running.process.pid)
        host.running.process.send(sent)
        assert asking.result().text == "done"
        assert process.wait(timeout=20) in (0, None)
        if not is_func():
            assert "ERROR" not in host.running.process.log.read_text()


def test_a_timer_runs_on_its_schedule(logs: Path, lone_azurite: Azurite, tmp_path: Path) -> None:
    with Processes(logs) as processes:
        host = start_sample(processes, lone_azurite, tmp_path / "trace", "* * * * * *")
        before = len(host.lines("tick"))
        time.sleep(2.5)
        ticks = len(host.lines("tick")) - before
        host.running.process.stop()
    assert ticks in (2, 3)


@local_only
def test_a_schedule_that_is_none_is_refused(logs: Path, lone_azurite: Azurite, tmp_path: Path) -> None:
    with Processes(logs) as processes, pytest.raises(ChildFailedError, match="CronSimError"):
        start_sample(processes, lone_azurite, tmp_path / "trace", "every now and then")
