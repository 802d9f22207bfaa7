"""The storage account's tables, and how its errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient, TableEntity, TableServiceClient, TableTransactionError
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
)

CONNECT_SECONDS = 5
READ_SECONDS = 20
RETRIES = 2
"""Of the SDK, for what it knows not to have taken effect; Entra repeats a request that we answer with 503."""

CONNECTIONS = 64
"""That are kept open. The SDK keeps 10, opens one more for each further thread, and throws it away after its answer."""

_NO_TABLE = "TableNotFound"
_TABLE_MISSING = "A table of the bridge's is missing; within a minute it is made again, empty"
_NO_ROLE = (
    # Right after a deployment too: a role takes minutes to come into force.
    "its identity needs the role Storage Table Data Contributor on the storage account, and a way to it"
)
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
_REFUSALS = {
    "AuthenticationFailed": "the key in AzureWebJobsStorage is not the account's, or this machine's clock is wrong",
    "AuthorizationFailure": (
        "the network rules of the storage account do not let it through, or its identity needs the role Storage "
        "Table Data Contributor"
    ),
}


@dataclass(frozen=True)
class AsIdentity:
    """A storage account that is opened by who asks, not by a key that somebody could take."""

    table_url: str
    client_id: str | None
    """Of a user-assigned managed identity; None for the app's own."""
    by_cli: bool = False
    """On an administrator's machine: as whoever is signed in to the Azure CLI."""


type StorageAccount = str | AsIdentity
"""A connection string, or an account and who opens it."""


def is_connection_string(text: str) -> bool:
    """Whether it names an account and how to open it. Calls nobody."""
    try:
        TableServiceClient.from_connection_string(text).close()
    except ValueError:
        return False
    return True


def connect(account: StorageAccount) -> TableServiceClient:
    """A client for the account, with every table the bridge needs. Raises TablesBusy."""
    service = _client(account)
    create_missing_tables(service)
    return service


def create_missing_tables(service: TableServiceClient) -> list[str]:
    """Make the tables that are not there, and return their names. One round trip where all are. Raises TablesBusy."""
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
    """The SDK's client, but for its tables."""

    def __init__(self, endpoint: str, *, transport: RequestsTransport, **options: Any) -> None:
        super().__init__(endpoint, transport=transport, retry_total=RETRIES, **options)
        self._transport = transport

    def get_table_client(self, table_name: str, **_: Any) -> Table:
        """A table that shares connections, retries and the account's token with all others, as the SDK's do."""
        return Table(
            self.url, table_name, credential=self.credential, policies=self._policies, transport=self._transport
        )


def _transport() -> RequestsTransport:
    # Its own time-outs are of five minutes each; those that a client is given it does not hear of.
    return RequestsTransport(
        session=_session(), session_owner=True, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
    )


class _Counted(HTTPAdapter):
    def send(self, *arguments: Any, **named: Any) -> Response:
        """As it is, but noted. Raises TablesBusy where a table is missing, which must not look like a missing row."""
        note_call("tables")
        response = super().send(*arguments, **named)
        if response.headers.get("x-ms-error-code") == _NO_TABLE:
            raise TablesBusy(_TABLE_MISSING)
        return response


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
    """Turn the SDK's errors into Conflict, Stale and TablesBusy; an error that no caller can act on stays as it is."""
    try:
        yield
    except TableTransactionError as error:
        code = str(getattr(error, "error_code", ""))
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


def taken(table: TableClient, row: TableEntity) -> bool:
    """Delete a row as it was read: of two who do, the second is told False. One round trip. Raises TablesBusy."""
    guard = {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
    try:
        with our_errors():
            # In a transaction, because alone the SDK takes the deletion of what is gone for a success.
            table.submit_transaction([("delete", row, guard)])
    except Stale:
        return False
    return True


def _busy_or_same(error: AzureError) -> Exception:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = str(getattr(error, "error_code", "") or "")
    if code == "TableBeingDeleted":
        return TablesBusy("A table is being deleted; Table Storage takes a minute for that")
    if status == HTTPStatus.FORBIDDEN:
        return TablesBusy(f"Table Storage does not let this app in: {_REFUSALS.get(code, _NO_ROLE)}")
    if status is None or status in (401, 408, 429) or status >= 500:
        return TablesBusy(f"Table Storage did not answer ({status or type(error).__name__})")
    return error
