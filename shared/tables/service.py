"""The storage account's tables, and how the SDK's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
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
from azure.identity import AzureCliCredential, ManagedIdentityCredential
from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from shared.calls import note_call
from shared.tables.errors import Conflict, Stale, TablesBusy, TooLarge
from shared.tables.transactions import Table

TABLES = (
    *("mappings", "stores", "identities", "secrets", "consents", "leases", "runs", "heldplans", "entra", "errands"),
    "sessions",
    "accounts",
)

CONNECT_SECONDS = 5
READ_SECONDS = 20
RETRIES = 2
"""Retries by the SDK of calls that it knows had no effect; Entra repeats a request that we answer with 503."""

CONNECTIONS = 64
"""Connections kept open. The SDK keeps 10, opens one more for each further thread, and discards it after its answer."""

_NO_TABLE = "TableNotFound"
_TABLE_MISSING = "A table of the bridge's is missing; within a minute it is made again, empty"
_NO_ROLE = (
    # Right after a deployment too: a role takes minutes to come into force.
    "its identity needs the role Storage Table Data Contributor on the storage account, and a way to it"
)
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
_REFUSALS = {
    "AuthenticationFailed": (
        "the key in AzureWebJobsStorage is not the account's, or the token of its identity is for something else, or "
        "this machine's clock is wrong"
    ),
    "AuthorizationFailure": (
        "the network rules of the storage account do not let it through, or its identity needs the role Storage "
        "Table Data Contributor"
    ),
}


@dataclass(frozen=True)
class AsIdentity:
    """A storage account that is opened with an identity, not with a key that could be stolen."""

    table_url: str
    client_id: str | None
    """Client id of a user-assigned managed identity; None for the app's own."""
    by_cli: bool = False
    """Whether to use the account that is signed in to the Azure CLI, on an administrator's machine."""


type StorageAccount = str | AsIdentity
"""A connection string, or an account and the identity that opens it."""


def is_connection_string(text: str) -> bool:
    """Whether a text is a valid connection string. Makes no call."""
    try:
        TableServiceClient.from_connection_string(text).close()
    except ValueError:
        return False
    return True


def connect(account: StorageAccount) -> TableServiceClient:
    """Return a client for the account, with every table the bridge needs. Raises TablesBusy."""
    service = _client(account)
    create_missing_tables(service)
    return service


def create_missing_tables(service: TableServiceClient) -> list[str]:
    """Create missing tables, and return their names. One round trip where none is missing. Raises TablesBusy."""
    with our_errors():
        there = {table.name for table in service.list_tables()}
        missing = [table for table in TABLES if table not in there]
        for table in missing:
            service.create_table_if_not_exists(table)
    return missing


def _client(account: StorageAccount) -> TableServiceClient:
    if isinstance(account, AsIdentity):
        credential = AzureCliCredential() if account.by_cli else ManagedIdentityCredential(client_id=account.client_id)
        return _Tables(account.table_url, credential=credential, transport=_transport())
    return _Tables.from_connection_string(account, transport=_transport())


class _Tables(TableServiceClient):
    """The SDK's client with our own table class."""

    def __init__(self, endpoint: str, *, transport: RequestsTransport, **options: Any) -> None:
        super().__init__(endpoint, transport=transport, retry_total=RETRIES, **options)
        self._transport = transport

    def get_table_client(self, table_name: str, **_: Any) -> Table:
        """Return a table that shares connections, retries and the account's token with all others, as the SDK's do."""
        return Table(
            self.url, table_name, credential=self.credential, policies=self._policies, transport=self._transport
        )


def _transport() -> RequestsTransport:
    # Its default time-outs are five minutes each, and it ignores those that a client is given.
    return RequestsTransport(
        session=_session(), session_owner=True, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
    )


class _Counted(HTTPAdapter):
    def send(self, *arguments: Any, **named: Any) -> Response:
        """Send a request and count it. Raises TablesBusy where a table is missing, which must not look like a missing
        row.
        """
        note_call("tables")
        response = super().send(*arguments, **named)
        if response.headers.get("x-ms-error-code") == _NO_TABLE:
            raise TablesBusy(_TABLE_MISSING)
        return response


def _session() -> Session:
    """Return a session like RequestsTransport's own, but with a larger pool and without the environment; the SDK
    retries.
    """
    session = Session()
    session.trust_env = False
    adapter = _Counted(pool_maxsize=CONNECTIONS, max_retries=Retry(total=False, redirect=False, raise_on_status=False))
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the SDK's errors into Conflict, Stale and TablesBusy; an error that no caller can act on stays as it is."""
    try:
        yield
    except TableTransactionError as error:
        code = _code(error)
        if code == _NO_TABLE:
            raise TablesBusy(_TABLE_MISSING) from error
        if code == "EntityAlreadyExists":
            raise Conflict from error
        if code in ("UpdateConditionNotSatisfied", "ConditionNotMet", "ResourceNotFound", "EntityNotFound"):
            raise Stale from error
        if code in ("EntityTooLarge", "RequestBodyTooLarge", "PropertyValueTooLarge"):
            raise TooLarge from error
        raise _busy_or_same(error) from error
    except ResourceExistsError as error:
        raise Conflict from error
    except (ResourceModifiedError, ResourceNotFoundError) as error:
        raise Stale from error
    except AzureError as error:
        raise _busy_or_same(error) from error


def _code(error: AzureError) -> str:
    """The service's code; the SDK gives it as text or, for calls about one row, as a member of TableErrorCode."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _busy_or_same(error: AzureError) -> Exception:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = _code(error)
    if code == "TableBeingDeleted":
        return TablesBusy("A table is being deleted; Table Storage takes a minute for that")
    if status == HTTPStatus.FORBIDDEN:
        return TablesBusy(f"Table Storage does not let this app in: {_REFUSALS.get(code, _NO_ROLE)}")
    if status is None or status in (401, 408, 429) or status >= 500:
        return TablesBusy(f"Table Storage did not answer ({status or type(error).__name__})")
    return error
