"""The storage account's client."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jwt
import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableErrorCode

from local.azurite import ACCOUNT, ACCOUNT_KEY, start_azurite
from local.entra.certificate import write_certificate
from local.processes import Processes
from shared.tables.errors import TablesBusy
from shared.tables.service import TABLES, AsIdentity, connect, our_errors

CLIENT_ID = "11111111-1111-1111-1111-111111111111"


def test_as_many_threads_as_a_worker_has_keep_their_connections(
    azurite_process: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(azurite_process) as service, ThreadPoolExecutor(32) as pool, caplog.at_level(logging.WARNING):
        stores = service.get_table_client("stores")
        list(pool.map(lambda _: list(stores.query_entities("PartitionKey eq 'nobody'")), range(320)))
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]


def test_an_account_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own five minutes are longer than Azure lets a request last."""
    monkeypatch.setattr("shared.tables.service.READ_SECONDS", 0.1)
    monkeypatch.setattr("shared.tables.service.RETRIES", 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        with pytest.raises(TablesBusy):
            connect(f"{account}TableEndpoint=http://127.0.0.1:{silent.getsockname()[1]}/{ACCOUNT};")


@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")  # the SDK's, on Azurite's XML
def test_the_apps_identity_opens_an_account(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path)
    azurite = start_azurite(processes, None, "--oauth", "basic", "--cert", str(certificate), "--key", str(key))
    # The certificate is trusted as the public ones are: the app's session takes nothing from the environment.
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    monkeypatch.setenv("IDENTITY_HEADER", "of this sandbox")
    with _identity_endpoint("https://storage.azure.com") as (url, asked):
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        with connect(AsIdentity(azurite.table_url, CLIENT_ID)) as service:
            assert {table.name for table in service.list_tables()} == set(TABLES)
            row = {"PartitionKey": "p", "RowKey": "r"}
            service.get_table_client("stores").submit_transaction([("create", row)])
            assert service.get_table_client("stores").get_entity("p", "r") == row
    with _identity_endpoint("https://elsewhere.example") as (url, _):
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        with pytest.raises(TablesBusy, match="the token of its identity is for something else"):
            connect(AsIdentity(azurite.table_url, CLIENT_ID))
    assert azurite.table_url.startswith("https://")
    assert len(asked) == 1, "one token serves all"
    assert f"client_id={CLIENT_ID}" in asked[0]
    azurite.process.stop()


@contextmanager
def _identity_endpoint(audience: str) -> Iterator[tuple[str, list[str]]]:
    """What App Service answers an app that asks for its identity's token, with the paths that were asked for.

    https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            ends = int(time.time()) + 3600
            claims = {"aud": audience, "iss": "https://sts.windows.net/contoso/"}
            token = jwt.encode(claims | {"nbf": ends - 7200, "iat": ends - 7200, "exp": ends}, "k" * 32)
            body = {"access_token": token, "expires_on": str(ends), "resource": "x", "token_type": "Bearer"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/msi/token", asked
        server.shutdown()


def test_the_code_of_a_call_about_one_row_is_read() -> None:
    """There the SDK's code is a member of an enumeration, whose text is not the code."""
    error = HttpResponseError("Conflict")
    error.error_code = TableErrorCode.TABLE_BEING_DELETED  # type: ignore[attr-defined]  # as the SDK sets it
    with pytest.raises(TablesBusy, match="being deleted"), our_errors():
        raise error
