"""The storage account's tables, and how its errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableServiceClient, TableTransactionError
from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from shared.calls import note_call
from shared.tables.errors import Changed, TablesBusy, Taken, TooLarge

TABLES = ("mappings", "stores", "identities", "secrets", "consents", "leases", "runs", "heldplans", "entra")

CONNECT_SECONDS = 5
READ_SECONDS = 20
RETRIES = 2
"""Of the SDK, for what it knows not to have taken effect; Entra repeats a request that we answer with 503."""

CONNECTIONS = 64
"""That are kept open. The SDK keeps 10, opens one more for each further thread, and throws it away after its answer."""


def connect(connection_string: str) -> TableServiceClient:
    """A client for the account, with every table the bridge needs. Raises TablesBusy."""
    service = TableServiceClient.from_connection_string(
        connection_string,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=RETRIES,
        transport=RequestsTransport(session=_session(), session_owner=True),
    )
    with our_errors():
        for table in TABLES:
            service.create_table_if_not_exists(table)
    return service


class _Counted(HTTPAdapter):
    def send(self, *arguments: Any, **named: Any) -> Response:
        """As it is, but noted."""
        note_call("tables")
        return super().send(*arguments, **named)


def _session() -> Session:
    """What RequestsTransport makes for itself, but for the pool and the environment: the retries are the SDK's."""
    session = Session()
    session.trust_env = False
    adapter = _Counted(pool_maxsize=CONNECTIONS, max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the SDK's errors into Taken, Changed and TablesBusy; an error that no caller can act on stays as it is."""
    try:
        yield
    except TableTransactionError as error:
        code = str(getattr(error, "error_code", ""))
        if code == "EntityAlreadyExists":
            raise Taken from error
        if code in ("UpdateConditionNotSatisfied", "ConditionNotMet", "ResourceNotFound", "EntityNotFound"):
            raise Changed from error
        if code in ("EntityTooLarge", "RequestBodyTooLarge", "PropertyValueTooLarge"):
            raise TooLarge from error
        raise _busy_or_same(error) from error
    except ResourceExistsError as error:
        raise Taken from error
    except (ResourceModifiedError, ResourceNotFoundError) as error:
        raise Changed from error
    except AzureError as error:
        raise _busy_or_same(error) from error


def _busy_or_same(error: AzureError) -> Exception:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status is None or status in (408, 429) or status >= 500:
        return TablesBusy(f"Table Storage did not answer ({status or type(error).__name__})")
    return error
