"""Queue triggers and queue outputs, on the queues of Azurite.

A message is hidden while a function works on it and gone when it is done. One that failed comes back at once, and after
five times ends in the poison queue. One whose host was killed comes back when its lease ends.
Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger.
"""

import asyncio
import base64
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.worker import Function, FunctionFailedError, Outcome
from local.worker_messages import TypedData

LEASE = 30  # seconds; Azure leases for ten minutes and renews, which a developer who restarts the host would wait for
POLL_INTERVAL = 0.2  # seconds; Azure backs off to a minute
BATCH_SIZE = 16  # messages worked on at once, Azure's default
MAX_DEQUEUE_COUNT = 5
RETRY_INTERVAL = 2  # seconds until a storage that does not answer is asked again

type Run = Callable[[Function, TypedData, Mapping[str, TypedData]], Awaitable[object]]

logger = logging.getLogger(__name__)

# Azure's own host does its polling outside the worker, where nothing of it reaches the worker's log.
transport_logger = logging.getLogger(f"{__name__}.transport")
transport_logger.setLevel(logging.WARNING)


class TriggerQueue:
    """The queue that triggers one function, and its poison queue."""

    def __init__(self, function: Function, run: Run) -> None:
        self._function = function
        self._run = run
        self._queue = _client(function.trigger)
        self._working: set[asyncio.Task[None]] = set()

    async def poll(self) -> None:
        """Hand messages to the function as they come, for ever."""
        while True:
            try:
                messages = await asyncio.to_thread(self._receive, min(32, BATCH_SIZE - len(self._working)))
            except AzureError as error:
                logger.warning("the queue of %s does not answer: %s", self._function.name, type(error).__name__)
                await asyncio.sleep(RETRY_INTERVAL)
                continue
            for message in messages:
                task = asyncio.create_task(self._work(message))
                self._working.add(task)
                task.add_done_callback(self._working.discard)
            if not messages or len(self._working) >= BATCH_SIZE:
                await asyncio.sleep(POLL_INTERVAL)

    def _receive(self, count: int) -> list[QueueMessage]:
        if count <= 0:
            return []
        try:
            return list(self._queue.receive_messages(max_messages=count, visibility_timeout=LEASE))
        except ResourceNotFoundError:
            return []  # nobody has put anything into it yet

    async def _work(self, message: QueueMessage) -> None:
        try:
            succeeded = await self._run_leased(message)
            await asyncio.to_thread(self._remove if succeeded else self._give_back, message)
        except AzureError as error:
            logger.warning("a message of %s will come again: %s", self._function.name, type(error).__name__)

    async def _run_leased(self, message: QueueMessage) -> bool:
        """Run the function while the message stays hidden. Tells whether it succeeded."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            await self._run(self._function, *_trigger_data(message))
        except (FunctionFailedError, ValueError):  # a message that is not base64 is as bad as a function that fails
            return False
        else:
            return True
        finally:
            done.set()
            await renewal

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(done.wait(), LEASE / 2)
            except TimeoutError:
                renewed = await asyncio.to_thread(self._queue.update_message, message, visibility_timeout=LEASE)
                message.pop_receipt = renewed.pop_receipt
            else:
                return

    def _remove(self, message: QueueMessage) -> None:
        self._queue.delete_message(message)

    def _give_back(self, message: QueueMessage) -> None:
        if (message.dequeue_count or 0) < MAX_DEQUEUE_COUNT:
            self._queue.update_message(message, visibility_timeout=0)
            return
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
