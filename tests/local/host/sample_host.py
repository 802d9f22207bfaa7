"""A running host of the sample app, local or Azure's own, and the queues of its Azurite."""

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from local.azurite import Azurite
from local.host.process import RunningHost, is_func, start_host
from local.processes import Processes

SAMPLE = Path(__file__).parent / "sample_app"
PATIENCE = 30.0
"""Seconds."""


def eventually(look: Callable[[], object], wanted: object, patience: float = PATIENCE) -> None:
    """Wait until something is as wanted."""
    deadline = time.monotonic() + patience
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)


@dataclass
class SampleHost:
    """What a test asks and sees."""

    running: RunningHost
    trace: Path
    connection: str
    time_scale: float

    @property
    def url(self) -> str:
        """Its address."""
        return self.running.url

    @property
    def api(self) -> str:
        """The address of its functions."""
        return f"{self.url}/api"

    def lines(self, about: str) -> list[str]:
        """What the sample app traced."""
        return [line for line in self.trace.read_text().splitlines() if about in line] if self.trace.exists() else []

    def texts(self, queue: str) -> list[str]:
        """The messages that wait in a queue."""
        with QueueClient.from_connection_string(
            self.connection, queue, message_decode_policy=TextBase64DecodePolicy()
        ) as client:
            try:
                return [str(message.content) for message in client.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []

    def put(self, queue: str, text: str) -> None:
        """Put a text into a queue as it is."""
        with QueueClient.from_connection_string(self.connection, queue) as client:
            with suppress(ResourceExistsError):
                client.create_queue()
            client.send_message(text)

    def enqueue(self, name: str, fails: int = 0, seconds: float = 0) -> None:
        """A message for the sample app's function ``work``."""
        task = json.dumps({"name": name, "fails": fails, "seconds": seconds})
        self.put("work", base64.b64encode(task.encode()).decode())

    def post(self, name: str) -> None:
        """The same, by its function that puts a message out."""
        task = json.dumps({"name": name, "fails": 0})
        assert requests.post(f"{self.api}/enqueue", data=task, timeout=5).status_code == 202


def start_sample(
    processes: Processes, azurite: Azurite, trace: Path, schedule: str = "0 0 0 1 1 *", time_scale: float = 1.0
) -> SampleHost:
    """Start one; with Azure's own host time passes as it does."""
    settings = {
        "SAMPLE_SCHEDULE": schedule,
        "SAMPLE_STORAGE": azurite.connection_string,
        "SAMPLE_TRACE": str(trace),
        "SAMPLE_FROM_BOTH": "environment",
        "AzureWebJobsStorage": azurite.connection_string,
        "AzureWebJobsDisableHomepage": "true",
    }
    scale = 1.0 if is_func() else time_scale
    running = start_host(processes, app=SAMPLE, environment=settings, time_scale=scale)
    return SampleHost(running, trace, azurite.connection_string, scale)
