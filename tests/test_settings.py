"""The app's settings refuse what could send a secret elsewhere."""

import json

import pytest
from pydantic import ValidationError

from local.store import new_key
from shared.settings import Settings
from shared.zoho.data_centers import DATA_CENTERS


def _settings(**settings: str) -> Settings:
    return Settings.model_validate({"AzureWebJobsStorage": "x", "BRIDGE_ENCRYPTION_KEYS": new_key()} | settings)


def test_secrets_go_to_zohos_own_data_centers() -> None:
    assert _settings().data_centers == DATA_CENTERS


def test_simulated_accounts_servers_take_the_place_of_all() -> None:
    servers = {"eu": "http://127.0.0.1:7072/dc/eu", "us": "http://localhost:7072/dc/us"}
    data_centers = _settings(BRIDGE_ACCOUNTS_SERVERS=json.dumps(servers)).data_centers
    assert {name: one.accounts_server for name, one in data_centers.items()} == servers


@pytest.mark.parametrize(
    "servers",
    [
        {"us": "https://accounts.example"},
        {"us": "http://127.0.0.1.evil.example"},
        {"us": "http://127.0.0.1@evil.example"},
        {"xx": "http://127.0.0.1"},
    ],
)
def test_they_can_only_be_on_this_machine(servers: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        _settings(BRIDGE_ACCOUNTS_SERVERS=json.dumps(servers))
