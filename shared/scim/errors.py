"""The bridge's errors as SCIM errors (RFC 7644 §3.12)."""

from collections.abc import Iterator
from contextlib import contextmanager

from scim2_models import InvalidValueException, PayloadTooLargeException, SCIMException, UniquenessException

from shared.entra.errors import GraphBusy
from shared.sync.errors import GroupNameTaken, HeldBack, Refused, UserNameTaken
from shared.tables.errors import Conflict, MappingUnusable, TablesBusy, TooLarge
from shared.zoho.errors import ZohoBusy, ZohoCredentials

CREDENTIALS_RETRY = 600
"""Seconds: an administrator has to act, so asking often is of no use."""


class ServiceUnavailableException(SCIMException):
    """The request may succeed later, as it is."""

    status = 503

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail=detail)
        self.retry_after = max(retry_after, 1)
        """Seconds."""


class LengthRequiredException(SCIMException):
    """The body did not arrive, because the request does not say how long it is.

    The platform hands a function a body only where Content-Length says that there is one, so what is sent in chunks
    (RFC 9112 §7.1) arrives empty: https://github.com/Azure/azure-functions-host/issues/4926.
    """

    status = 411

    def __init__(self) -> None:
        super().__init__(
            detail="The body of this request did not arrive: send it with a Content-Length, not in chunks "
            "(Transfer-Encoding: chunked), which Azure Functions does not hand to the bridge"
        )


@contextmanager
def scim_errors() -> Iterator[None]:
    """Turn what push and the tables raise into what Entra is told."""
    try:
        yield
    except (UserNameTaken, GroupNameTaken) as error:
        raise UniquenessException(detail=str(error)) from error
    except Refused as error:
        raise InvalidValueException(detail=str(error)) from error
    except (HeldBack, ZohoBusy, GraphBusy) as error:
        raise ServiceUnavailableException(str(error), error.retry_after) from error
    except (ZohoCredentials, MappingUnusable) as error:
        raise ServiceUnavailableException(str(error), CREDENTIALS_RETRY) from error
    except TooLarge as error:
        raise PayloadTooLargeException(detail="The person or group is larger than the bridge can keep") from error
    except Conflict as error:
        # Of the claims that push knows of none is left over; whatever it is, the request may be sent again.
        raise ServiceUnavailableException("Another request is writing this resource", 5) from error
    except TablesBusy as error:
        raise ServiceUnavailableException(str(error), 5) from error
