"""Queue triggers and queue outputs, on the queues of Azurite, as Azure's host works on them.

A message is hidden for ten minutes at a time while a function works on it, which is renewed, and gone when it is done.
One that failed, or whose worker died, comes back after host.json's ``visibilityTimeout``, and after ``maxDequeueCount``
times ends in the poison queue. One whose host died comes back when the ten minutes are over. Text that is no Base64 is
poison at once. Measured on the host 4.1037, and
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger.
"""

import asyncio
import base64
import json
import logging
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.host.worker import Function, FunctionFailedError, Outcome
from local.host.worker_messages import TypedData

LEASE = 600.0
"""Seconds that a message is hidden at a time."""
POLL_INTERVAL = 0.2
"""Seconds; kinder than Azure, which backs off to host.json's maxPollingInterval."""
RETRY_INTERVAL = 2
"""Seconds until a storage that does not answer is asked again."""


@dataclass(frozen=True)
class QueueOptions:
    """host.json's ``extensions.queues``, with the defaults of the host."""

    visibility_timeout: float = 0.0
    """Seconds until a message that failed comes back."""
    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    time_scale: float = 1.0
    """How many times as fast as in Azure time passes for messages."""

    @classmethod
    def of(cls, host_json: Mapping[str, Any], time_scale: float) -> Self:
        """From host.json."""
        said = host_json.get("extensions", {}).get("queues", {})
        batch = said.get("batchSize", cls.batch_size)
        hours, minutes, seconds = said.get("visibilityTimeout", "00:00:00").split(":")
        return cls(
            int(hours) * 3600 + int(minutes) * 60 + float(seconds),
            batch,
            said.get("newBatchThreshold", batch // 2),
            said.get("maxDequeueCount", cls.max_dequeue_count),
            time_scale,
        )

    def scaled(self, seconds: float) -> int:
        """Seconds as they pass here; the storage counts whole ones."""
        return math.ceil(seconds / self.time_scale)


type Run = Callable[[Function, TypedData, Mapping[str, TypedData]], Awaitable[object]]

logger = logging.getLogger(__name__)

# Azure's own host does its polling outside the worker, where nothing of it reaches the worker's log.
transport_logger = logging.getLogger(f"{__name__}.transport")
transport_logger.setLevel(logging.WARNING)


class TriggerQueue:
    """The queue that triggers one function, and its poison queue."""

    def __init__(self, function: Function, run: Run, options: QueueOptions) -> None:
        self._function = function
        self._run = run
        self._options = options
        self._queue = _client(function.trigger)
        self._working: set[asyncio.Task[None]] = set()

    async def poll(self) -> None:
        """Hand messages to the function as they come, for ever."""
        while True:
            await self._poll_once()

    async def drained(self, seconds: float) -> bool:
        """Wait for what is under way, and tell whether all of it is done."""
        return not self._working or not (await asyncio.wait(self._working, timeout=seconds))[1]

    async def _poll_once(self) -> None:
        messages: list[QueueMessage] = []
        if len(self._working) <= self._options.new_batch_threshold:
            try:
                messages = await asyncio.to_thread(self._receive)
            except AzureError as error:
                logger.warning("the queue of %s does not answer: %s", self._function.name, type(error).__name__)
                await asyncio.sleep(RETRY_INTERVAL)
        for message in messages:
            task = asyncio.create_task(self._work(message))
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        if not messages:
            await asyncio.sleep(POLL_INTERVAL)

    def _receive(self) -> list[QueueMessage]:
        hidden = self._options.scaled(LEASE)
        try:
            # One page: the SDK would ask for the next as long as there are any.
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size,
                max_messages=self._options.batch_size,
                visibility_timeout=hidden,
            )
            return list(pages)
        except ResourceNotFoundError:
            return []  # nobody has put anything into it yet

    async def _work(self, message: QueueMessage) -> None:
        try:
            try:
                data, metadata = _trigger_data(message)
            except ValueError:
                logger.error("a message of %s is no text in Base64", self._function.name)  # noqa: TRY400 - and no more
                await asyncio.to_thread(self._poison, message)
                return
            succeeded = await self._run_leased(message, data, metadata)
            await asyncio.to_thread(self._remove if succeeded else self._give_back, message)
        except AzureError as error:
            logger.warning("a message of %s will come again: %s", self._function.name, type(error).__name__)

    async def _run_leased(self, message: QueueMessage, data: TypedData, metadata: Mapping[str, TypedData]) -> bool:
        """Run the function while the message stays hidden. Tells whether it succeeded."""
        done = asyncio.Event()
        recompute = asyncio.create_task(self._renew(message, done))
        try:
            await self._run(self._function, data, metadata)
        except FunctionFailedError:
            return False
        else:
            return True
        finally:
            done.set()
            await recompute

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        lease = self._options.scaled(LEASE)
        while True:
            try:
                await asyncio.wait_for(done.wait(), lease / 2)
            except TimeoutError:
                renewed = await asyncio.to_thread(self._queue.update_message, message, visibility_timeout=lease)
                message.pop_receipt = renewed.pop_receipt
            else:
                return

    def _remove(self, message: QueueMessage) -> None:
        self._queue.delete_message(message)

    def _give_back(self, message: QueueMessage) -> None:
        if (message.dequeue_count or 0) < self._options.max_dequeue_count:
            later = self._options.scaled(self._options.visibility_timeout)
            self._queue.update_message(message, visibility_timeout=later)
        else:
            self._poison(message)

    def _poison(self, message: QueueMessage) -> None:
        binding = self._function.trigger
        _put(_client({**binding, "queueName": f"{binding['queueName']}-poison"}), message.content)
        self._remove(message)


async def deliver(function: Function, outcome: Outcome) -> None:
    """Put what a function gave to its queue outputs into the queues."""
    for binding in function.bindings:
        if binding["type"] == "queue":
            given = outcome.returned if binding["name"] == "$return" else outcome.outputs.get(binding["name"])
            for text in _texts(given):
                await asyncio.to_thread(_put, _client(binding), base64.b64encode(text.encode()).decode())


def message_data(text: str) -> tuple[TypedData, dict[str, TypedData]]:
    """What a function is given for a text that came by no queue."""
    return TypedData(string=text), {"DequeueCount": TypedData(json="1")}


def _trigger_data(message: QueueMessage) -> tuple[TypedData, dict[str, TypedData]]:
    """A message and its metadata, with the types that Azure's host gives them. Raises ValueError."""
    text = base64.b64decode(message.content, validate=True).decode()
    return TypedData(string=text), {
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }


def _time(value: datetime | None) -> TypedData:
    return TypedData(json=json.dumps(value and value.isoformat()))


def _texts(given: TypedData | None) -> list[str]:
    """The texts of an output: one, or the list that a function set as such."""
    if given is None:
        return []
    if given.kind != "json":
        return [given.value if isinstance(given.value, str) else given.value.decode()]
    content = json.loads(given.value)
    items = content if isinstance(content, list) else [content]
    return [item if isinstance(item, str) else item["body"] for item in items]


def _client(binding: Mapping[str, Any]) -> QueueClient:
    connection = os.environ[binding["connection"]]
    return QueueClient.from_connection_string(connection, binding["queueName"], retry_total=0, logger=transport_logger)


def _put(queue: QueueClient, content: str) -> None:
    try:
        queue.send_message(content)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # another message was quicker
            queue.create_queue()
        queue.send_message(content)
