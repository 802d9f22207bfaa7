"""The app's settings refuse what could send a secret elsewhere, and say in one list all that is wrong."""

import json
import os

import pytest
from pydantic import ValidationError

from local.store import new_key
from shared.settings import Settings, SettingsWrong, read_settings
from shared.tables.service import AsIdentity
from shared.zoho.data_centers import DATA_CENTERS

AZURITE = "UseDevelopmentStorage=true"


def _settings(**settings: str) -> Settings:
    return Settings.model_validate({"AzureWebJobsStorage": AZURITE, "BRIDGE_ENCRYPTION_KEYS": new_key()} | settings)


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


IDENTITY = {
    "AzureWebJobsStorage__tableServiceUri": "https://contoso.table.core.windows.net",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": "11111111-1111-1111-1111-111111111111",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without a setting of the app."""
    for name in os.environ:
        if name.upper().startswith(("BRIDGE_", "AZUREWEBJOBSSTORAGE")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({}, ["AzureWebJobsStorage is missing: a connection", "BRIDGE_ENCRYPTION_KEYS is missing: Fernet keys"]),
        (
            {"BRIDGE_ENCRYPTION_KEYS": "sesame", "BRIDGE_SMTP_PORT": "often", "BRIDGE_ENCRYPTON_KEY": "open"},
            [
                "AzureWebJobsStorage is missing: a connection string",
                "BRIDGE_SMTP_PORT: Input should be a valid integer",
                "BRIDGE_ENCRYPTION_KEYS: key 1 of 1 is no Fernet key",
                "BRIDGE_ENCRYPTON_KEY is no setting of the app: is it misspelled?",
            ],
        ),
        (
            {
                "AzureWebJobsStorage": AZURITE,
                "BRIDGE_ENCRYPTION_KEYS": "c2VzYW1l",
                "BRIDGE_LEASE_SECONDS": "1e9",
                "BRIDGE_ACCOUNTS_SERVERS": "{sesame",
                "BRIDGE_ENTRA_CERTIFICATE": "/sesame.pem",
            },
            [
                "BRIDGE_ENCRYPTION_KEYS: key 1 of 1 is no Fernet key",
                "BRIDGE_LEASE_SECONDS: Input should be less than or equal to 3600",
                "BRIDGE_ACCOUNTS_SERVERS: key must be a string",
                "BRIDGE_ENTRA_CERTIFICATE: the file cannot be read as certificates in PEM (FileNotFoundError)",
            ],
        ),
        (
            {"AzureWebJobsStorage": "AccountName=sesame", "BRIDGE_ENCRYPTION_KEYS": " , "},
            ["AzureWebJobsStorage: it is no connection string", "BRIDGE_ENCRYPTION_KEYS: there is no key in it"],
        ),
        (
            IDENTITY | {"BRIDGE_ENCRYPTION_KEYS": "@Microsoft.KeyVault(SecretUri=https://sesame)"},
            ["BRIDGE_ENCRYPTION_KEYS: the Key Vault reference is not resolved"],
        ),
        (
            {"AzureWebJobsStorage__tableServiceUri": "http://sesame"},
            ["AzureWebJobsStorage__credential is missing", "BRIDGE_ENCRYPTION_KEYS is missing"],
        ),
        (
            IDENTITY | {"AzureWebJobsStorage__tableServiceUri": "http://sesame"},
            ["AzureWebJobsStorage__tableServiceUri must begin with https://", "BRIDGE_ENCRYPTION_KEYS is missing"],
        ),
    ],
)
def test_all_that_is_wrong_is_said_at_once_and_no_value_with_it(
    environment: pytest.MonkeyPatch, settings: dict[str, str], problems: list[str]
) -> None:
    for name, value in settings.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        read_settings()
    first, *lines = str(wrong.value).splitlines()
    assert first == "The app cannot start until these app settings are put right:"
    assert len(lines) == len(problems)
    for line, problem in zip(lines, problems, strict=True):
        assert line.startswith(f"- {problem}"), line
    assert [each.name for each in wrong.value.problems] == [problem.split(" ")[0].strip(":") for problem in problems]
    assert "sesame" not in str(wrong.value)


def test_a_connection_string_or_an_identity_opens_the_account() -> None:
    assert _settings().storage == AZURITE
    settings = Settings.model_validate(IDENTITY | {"BRIDGE_ENCRYPTION_KEYS": new_key()})
    assert settings.storage == AsIdentity(
        "https://contoso.table.core.windows.net/", IDENTITY["AzureWebJobsStorage__clientId"]
    )


def test_a_secret_that_key_vault_did_not_give_is_no_password() -> None:
    settings = _settings(
        BRIDGE_MAIL="smtp", BRIDGE_MAIL_FROM="it@contoso.example", BRIDGE_SMTP_PASSWORD="@Microsoft.KeyVault(x)"
    )
    with pytest.raises(ValueError, match="BRIDGE_SMTP_PASSWORD is a Key Vault reference that is not resolved"):
        settings.mail_way(in_azure=True)
