"""Which log lines leave the process, and what they say: ours, and of the libraries only what holds no personal data.

A line of the bridge is a word for what it is about, then ``name=value`` pairs, so that a query can take it apart
(infra/bicep/queries). The ids of what is being worked on stand at its end, whoever writes it:

=============  ====================================================================================
``store``      the directory store
``request``    one request of Entra's; it goes back to Entra as X-Request-Id
``cycle``      one run of the reconciler
``errand``     what an administrator asked for on a page, carried out by a worker
``person``     the SCIM id of one person: made up by the bridge, and known to nobody but it and Entra
=============  ====================================================================================
"""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

QUIET = ("azure", "urllib3", "httpx", "scim2_server", "scim2_models", "msal", "boto3", "botocore")
"""They log URLs and payloads below WARNING, with userNames in them; botocore even mails, with passwords."""

_ids: ContextVar[dict[str, str]] = ContextVar("ids", default={})  # noqa: B039 - never changed in place


def configure_logging() -> None:
    """Set levels, and let lines carry ids; where the lines go is the worker's business."""
    logging.getLogger("bridge").setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.setLogRecordFactory(_Record)


@contextmanager
def logged_with(**ids: str) -> Iterator[None]:
    """Let every line that the bridge writes within end with these ids, and those from around it."""
    token = _ids.set(_ids.get() | ids)
    try:
        yield
    finally:
        _ids.reset(token)


class _Record(logging.LogRecord):
    """A line as it is written: its ids are those of that moment, not of when it is shown."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        self.ids = _ids.get() if name.startswith("bridge.") else {}

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        line = super().getMessage()
        return " ".join([line, *(f"{name}={value}" for name, value in self.ids.items() if f"{name}=" not in line)])


def places(error: Exception) -> str:
    """Where it went wrong, without the message: messages of a validation hold the values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
