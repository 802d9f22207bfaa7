"""Which log lines leave the process: the bridge's own, and those of libraries only if they hold no personal data.

A line of the bridge is a word for its subject, then ``name=value`` pairs, so that a query can parse it
(infra/bicep/queries). It ends with the ids of the work in progress, whatever module writes it:

=============  ====================================================================================
``store``      the directory store
``request``    one request from Entra, which receives the id as X-Request-Id
``cycle``      one run of the reconciler
``errand``     one job: an administrator's request on a page, carried out by a worker
``person``     the SCIM id of one person: created by the bridge, and known only to it and Entra
=============  ====================================================================================
"""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

QUIET = ("azure", "urllib3", "httpx", "scim2_server", "scim2_models", "msal", "boto3", "botocore")
"""Libraries that log URLs and payloads below WARNING, with userNames; botocore logs even mails, with passwords."""

_ids: ContextVar[dict[str, str]] = ContextVar("ids", default={})  # noqa: B039 - never changed in place


def configure_logging() -> None:
    """Set levels, and add the ids to every line; the worker decides where the lines go."""
    logging.getLogger("bridge").setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.setLogRecordFactory(_Record)


@contextmanager
def logged_with(**ids: str) -> Iterator[None]:
    """Add these ids to every line that the bridge writes within the block, after those of enclosing blocks."""
    token = _ids.set(_ids.get() | ids)
    try:
        yield
    finally:
        _ids.reset(token)


class _Record(logging.LogRecord):
    """A log line with the ids of the moment when it was written, not when it is shown."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        self.ids = _ids.get() if name.startswith("bridge.") else {}

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        line = super().getMessage()
        return " ".join([line, *(f"{name}={value}" for name, value in self.ids.items() if f"{name}=" not in line)])


def places(error: Exception) -> str:
    """Return where an error occurred, without its message: messages of a validation hold the values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
