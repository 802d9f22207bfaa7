"""The Python worker that runs in Azure, in this process: the library `azure-functions-runtime` behind four plain calls.

Its registry of functions is global, so that a process holds one app.
"""

import json
import logging
import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import azure_functions_runtime as library

from local.host import worker_messages as protos

PROPERTIES = {"host": "127.0.0.1", "protos": protos}

logger = logging.getLogger(__name__)


class FunctionFailedError(Exception):
    """A function raised an exception, which is logged, or the worker could not bind what it takes or returns."""


class AppFailedError(Exception):
    """The app cannot be loaded. The message is the worker's own, with the traceback."""


@dataclass(frozen=True)
class Function:
    """One function of the app. Its bindings are as function.json would have them."""

    name: str
    id: str
    bindings: list[dict[str, Any]]

    @property
    def trigger(self) -> dict[str, Any]:
        """The one binding that starts the function."""
        return next(binding for binding in self.bindings if binding["type"].endswith("Trigger"))

    @property
    def kind(self) -> str:
        """The type of the trigger, such as `httpTrigger`."""
        kind: str = self.trigger["type"]
        return kind


@dataclass(frozen=True)
class Outcome:
    """What a function gave: the value it returned, and the values of its output bindings by name."""

    returned: protos.TypedData | None
    outputs: Mapping[str, protos.TypedData]


class Worker(Protocol):
    """What runs the app's functions: in this process, or in one of its own."""

    async def start(self) -> list[Function]:
        """Load the app and return its functions. Raises AppFailedError."""
        ...

    async def invoke(
        self, function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData] | None = None
    ) -> Outcome:
        """See ``invoke``."""
        ...

    def end(self) -> None:
        """Stop, whatever is under way."""
        ...


class InThisProcess:
    """A worker that lives and dies with the host: for tests that kill both at one exact call, and for measuring."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def start(self) -> list[Function]:
        """See Worker."""
        return await load_app(self._folder)

    async def invoke(
        self, function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData] | None = None
    ) -> Outcome:
        """See Worker."""
        return await invoke(function, data, metadata)

    def end(self) -> None:
        """See Worker; its threads end with the process."""


async def load_app(folder: Path) -> list[Function]:
    """Start the worker and index the app in a folder. Raises AppFailedError."""
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    logging.getLogger("azure.functions").setLevel(logging.WARNING)  # the worker's own chatter, two lines a request
    library.start_threadpool_executor()
    started = await library.worker_init_request(_message(worker_init_request=protos.WorkerInitRequest(str(folder))))
    _check(started.result)
    indexed = await library.functions_metadata_request(_message())
    _check(indexed.result)
    return [await _load(metadata) for metadata in indexed.function_metadata_results or ()]


async def _load(metadata: protos.RpcFunctionMetadata) -> Function:
    request = protos.FunctionLoadRequest(metadata.function_id)
    loaded = await library.function_load_request(_message(function_load_request=request))
    _check(loaded.result)
    return Function(metadata.name, metadata.function_id, [json.loads(binding) for binding in metadata.raw_bindings])


async def invoke(
    function: Function, data: protos.TypedData, metadata: Mapping[str, protos.TypedData] | None = None
) -> Outcome:
    """Run a function on what triggered it: a sync one on the worker's thread pool, an async one on this loop.

    Raises FunctionFailedError, after the exception was logged; nothing of the request is logged with it.
    """
    request = protos.InvocationRequest(
        invocation_id=str(uuid.uuid4()),
        function_id=function.id,
        input_data=[protos.ParameterBinding(function.trigger["name"], data)],
        trigger_metadata=metadata or {},
    )
    response: protos.InvocationResponse = await library.invocation_request(_message(invocation_request=request))
    if response.result.exception:
        logger.error("%s (%s) failed\n%s", function.name, request.invocation_id, response.result.exception.stack_trace)
        raise FunctionFailedError(function.name)
    return Outcome(response.return_value, {output.name: output.data for output in response.output_data})


def _message(**message: Any) -> protos.StreamingMessage:
    return protos.StreamingMessage(PROPERTIES, **message)


def _check(result: protos.StatusResult) -> None:
    if result.exception:
        raise AppFailedError(result.exception.stack_trace or result.exception.message)
