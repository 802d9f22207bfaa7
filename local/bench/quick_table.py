"""A table that takes new rows at a tenth of the processor time that the SDK needs for them: for seeding alone.

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import requests
from azure.data.tables import TableClient

from local.azurite import ACCOUNT, ACCOUNT_KEY, Azurite

PATIENCE = 60  # seconds for one answer
_ROW_HEAD = (
    "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "POST {url} HTTP/1.1\r\nAccept: application/json;odata=minimalmetadata\r\nContent-Type: application/json\r\n"
    "Prefer: return-no-content\r\nDataServiceVersion: 3.0;\r\n\r\n"
)


class QuickTable(TableClient):
    """A table whose transactions put rows where none are."""

    @classmethod
    def of(cls, azurite: Azurite, name: str) -> "QuickTable":
        """A table that is there."""
        table = cls.from_connection_string(azurite.connection_string, name)
        assert isinstance(table, cls)  # the SDK types it more widely
        table._session = requests.Session()
        table._batch_url = f"{azurite.table_url}/$batch"
        table._head = _ROW_HEAD.format(url=f"{azurite.table_url}/{name}")
        return table

    _session: requests.Session
    _batch_url: str
    _head: str

    def submit_transaction(self, operations: Iterable[Any], **_: Any) -> list[Mapping[str, Any]]:
        """Put the rows of at most 100 creations. Raises RuntimeError."""
        rows = "".join(f"--changeset_a\r\n{self._head}{json.dumps(operation[1])}\r\n" for operation in operations)
        changes = f"Content-Type: multipart/mixed; boundary=changeset_a\r\n\r\n{rows}--changeset_a--\r\n"
        body = f"--batch_a\r\n{changes}--batch_a--\r\n".encode()
        answer = self._session.post(self._batch_url, data=body, headers=_headers(), timeout=PATIENCE)
        if answer.status_code != HTTPStatus.ACCEPTED or b"HTTP/1.1 4" in answer.content:
            raise RuntimeError(f"Azurite did not take the rows: {answer.status_code} {answer.text[:1000]}")
        return []


def _headers() -> dict[str, str]:
    """Signed: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
    date = formatdate(usegmt=True)
    signed = f"{date}\n/{ACCOUNT}/{ACCOUNT}/$batch".encode()
    signature = base64.b64encode(hmac.digest(base64.b64decode(ACCOUNT_KEY), signed, hashlib.sha256)).decode()
    return {
        "Authorization": f"SharedKeyLite {ACCOUNT}:{signature}",
        "x-ms-date": date,
        "x-ms-version": "2019-02-02",
        "DataServiceVersion": "3.0;",
        "Content-Type": "multipart/mixed; boundary=batch_a",
    }
