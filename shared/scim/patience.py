"""Waiting for another request that is writing the same person or group."""

from collections.abc import Callable

from shared.scim.errors import ServiceUnavailableException
from shared.sync import patience
from shared.sync.errors import BeingWritten
from shared.sync.patience import FOR_A_REQUEST
from shared.tables.errors import Stale


def until_free[T](write: Callable[[], T]) -> T:
    """Do a write that reads first, again while another request writes the same; then Entra is asked to come again."""
    try:
        return patience.until_free(write, FOR_A_REQUEST)
    except (BeingWritten, Stale):
        raise ServiceUnavailableException(
            "Another request is writing this resource; send the request again", round(FOR_A_REQUEST.seconds)
        ) from None
