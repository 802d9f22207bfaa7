"""A table whose transactions cost a fraction of the processor time that the SDK needs for them.

The SDK makes a request with its own policies for every row, prints each with the email package, and parses the answer
in the same way. Here the request is assembled as text; connection, signing, retries and logging stay the SDK's.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import IncompleteReadError
from azure.core.rest import HttpRequest, HttpResponse
from azure.data.tables import RequestTooLargeError, TableClient, TableTransactionError, UpdateMode

type _Row = Mapping[str, str]

_ANSWER = re.compile(r"^HTTP/1\.1 (?=\d{3})", re.MULTILINE)
_JSON = json.JSONDecoder()
_ETAG = re.compile(r"^etag: *(\S+)", re.MULTILINE | re.IGNORECASE)


class Table(TableClient):
    """A table whose rows hold only text."""

    def submit_transaction(self, operations: Iterable[tuple[Any, ...]], **_: Any) -> list[Mapping[str, Any]]:
        """Do all of at most 100 operations or none, in one round trip; return the ETag of each row that exists
        afterwards.

        An operation is its name, a row and its options, as for the SDK. Raises TableTransactionError with the code of
        the operation that failed, another AzureError where the account refuses access or does not answer, and
        ValueError or TypeError for an invalid transaction.
        """
        changes = [self._change(number, *operation) for number, operation in enumerate(operations)]
        if not changes:
            return []
        if len({partition for partition, _ in changes}) > 1:
            raise ValueError("a transaction is about rows of one partition")
        batch, changeset = f"batch_{uuid4()}", f"changeset_{uuid4()}"  # random, so that no text in a row contains it
        rows = "".join(f"--{changeset}\r\n{change}\r\n" for _, change in changes)
        part = f"Content-Type: multipart/mixed; boundary={changeset}\r\n\r\n{rows}--{changeset}--\r\n"
        headers = {
            "x-ms-version": self.api_version,
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
            "Content-Type": f"multipart/mixed; boundary={batch}",
            "Accept": "application/json",
        }
        body = f"--{batch}\r\n{part}\r\n--{batch}--\r\n".encode("ascii")
        # As a stream, though it is read at once: the SDK decodes any other body, and cannot decode multipart/mixed.
        response = self._client.send_request(
            HttpRequest("POST", f"{self.url}/$batch", headers=headers, content=body), stream=True
        )
        return _results(response, response.read().decode(errors="replace"), len(changes))

    def _change(self, number: int, name: str, row: _Row, options: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Return the partition of a row, and its operation as a part of the request."""
        partition, key, options = row["PartitionKey"], row["RowKey"], options or {}
        place = f"{self.url}/{self.table_name}"
        if name != "create":
            place += f"(PartitionKey='{_quoted(partition)}',RowKey='{_quoted(key)}')"
        match name:
            case "create":
                method, condition = "POST", "Prefer: return-no-content\r\n"
            case "upsert":
                method, condition = _method(**options), ""
            case "update":
                guard = {key: value for key, value in options.items() if key != "mode"}
                method, condition = _method(options.get("mode", UpdateMode.MERGE)), _if_match(**guard)
            case "delete":
                method, condition = "DELETE", _if_match(**options)
            case _:
                raise ValueError(f"{name} is no operation")
        head = (
            f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {number}\r\n\r\n"
            f"{method} {place} HTTP/1.1\r\n{condition}x-ms-version: {self.api_version}\r\nDataServiceVersion: 3.0\r\n"
            "Accept: application/json;odata=minimalmetadata\r\n"
        )
        if name == "delete":
            return partition, f"{head}\r\n"
        if not all(isinstance(value, str) for value in row.values()):
            raise TypeError("rows hold text alone")
        text = json.dumps(row)
        return partition, f"{head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"


def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def _method(mode: UpdateMode = UpdateMode.MERGE) -> str:
    return "PUT" if mode is UpdateMode.REPLACE else "PATCH"


def _if_match(etag: str = "", match_condition: MatchConditions = MatchConditions.Unconditionally) -> str:
    """Return the header that guards an operation by the row's ETag, or by the row's existence."""
    if match_condition is not (MatchConditions.IfNotModified if etag else MatchConditions.Unconditionally):
        raise ValueError("an ETag and the condition that it is still the row's go together")
    return f"If-Match: {etag or '*'}\r\n"


def _results(response: HttpResponse, text: str, count: int) -> list[Mapping[str, Any]]:
    """Return the answer to each operation. Raises as ``submit_transaction``."""
    if response.status_code != HTTPStatus.ACCEPTED:
        raise _failure(response, response.status_code, text)
    answers = _ANSWER.split(text)[1:]
    for answer in answers:
        if not answer.startswith("2"):
            raise _failure(response, int(answer[:3]), answer)
    if len(answers) != count:
        raise IncompleteReadError(f"{len(answers)} answers to {count} operations")
    etags = [_ETAG.search(answer) for answer in answers]
    return [{"etag": etag[1]} if etag else {} for etag in etags]


def _failure(response: HttpResponse, status: int, text: str) -> TableTransactionError:
    code, message = response.headers.get("x-ms-error-code", ""), response.reason
    with suppress(ValueError, KeyError, TypeError):
        told = _JSON.raw_decode(text, text.index("{"))[0]["odata.error"]
        code, message = told["code"], told["message"]["value"]
    kind = RequestTooLargeError if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else TableTransactionError
    error = kind(message=f"{message} ({code})")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]  # documented, but not declared
    return error
