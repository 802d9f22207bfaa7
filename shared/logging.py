"""Which log lines leave the process: ours, and of the libraries only what holds no personal data."""

import logging
import traceback

QUIET = ("azure", "urllib3", "httpx", "scim2_server", "scim2_models", "msal", "boto3", "botocore")
"""They log URLs and payloads below WARNING, with userNames in them; botocore even mails, with passwords."""


def configure_logging() -> None:
    """Set levels; where the lines go is the worker's business."""
    logging.getLogger("bridge").setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def places(error: Exception) -> str:
    """Where it went wrong, without the message: messages of a validation hold the values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
