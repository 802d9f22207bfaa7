"""A store's connection to Graph: what may be set, and where it leads."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.rules.entra_connection import EntraConnection

ID = "7E1F0C52-3b7a-4d0e-9f65-1c2d3e4f5a6b"
GOOD: dict[str, Any] = {"tenant_id": ID, "client_id": ID, "credential": "client secret", "enterprise_app": f" {ID} "}


def test_needs_no_url_where_it_is_the_public_cloud() -> None:
    connection = EntraConnection.model_validate(GOOD)
    assert connection.authority == f"https://login.microsoftonline.com/{ID.lower()}"
    assert connection.graph_origin == "https://graph.microsoft.com"
    assert EntraConnection.model_validate_json(connection.model_dump_json()) == connection


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": "managed identity", "client_id": None},
        {"scope": "all users", "enterprise_app": None},
        {"graph": "https://graph.microsoft.us", "login": "https://login.microsoftonline.us"},
        {"graph": "http://127.0.0.1:8000", "login": "https://127.0.0.1:8001"},
    ],
)
def test_takes(changes: dict[str, Any]) -> None:
    EntraConnection.model_validate(GOOD | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"enterprise_app": None},
        {"tenant_id": "contoso"},
        {"graph": "https://graph.example"},
        {"graph": "http://graph.microsoft.com"},
        {"graph": "https://graph.microsoft.com:8443"},
        {"graph": "https://graph.microsoft.com/beta"},
        {"graph": "https://me@graph.microsoft.com"},
        {"graph": "https://graph.microsoft.us"},
        {"login": "https://login.example"},
        {"login": "https://127.0.0.1:8001"},
        {"graph": "http://127.0.0.1:8000", "login": "http://127.0.0.1:8001"},
    ],
)
def test_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EntraConnection.model_validate(GOOD | changes)
