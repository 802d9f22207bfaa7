"""The app's settings, read in one place: environment variables, which in Azure are the app settings."""

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.fernet import Fernet
from pydantic import AfterValidator, Field, HttpUrl, Json, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.mail.settings import MailSettings, is_unresolved
from shared.rules.entra_connection import ObjectId
from shared.rules.store import DataCenterName
from shared.sign_in_settings import SignInSettings
from shared.tables.service import AsIdentity, StorageAccount, is_connection_string
from shared.zoho.data_centers import DATA_CENTERS, DataCenter, replaced

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _on_loopback(url: HttpUrl) -> HttpUrl:
    if url.host not in _LOOPBACK:
        raise ValueError("only simulated accounts servers on this machine may replace Zoho's")
    return url


type _LoopbackUrl = Annotated[HttpUrl, AfterValidator(_on_loopback)]


@dataclass(frozen=True)
class SettingProblem:
    """What is wrong with one app setting, without its value."""

    name: str
    text: str
    """A sentence that starts with the name."""


class SettingsWrong(Exception):
    """App settings are missing or wrong: the message lists all of them, and shows no value."""

    def __init__(self, problems: list[SettingProblem]) -> None:
        # infra/bicep/queries/app-failures.kql reads the first words.
        lines = ["The app cannot start until these app settings are put right:", *(each.text for each in problems)]
        super().__init__("\n- ".join(lines))
        self.problems = tuple(problems)


class _Wrong(ValueError):
    """What is wrong with one setting, found by comparing several."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name} {text}")
        self.name = name


class StorageSettings(BaseSettings):
    """The storage account with the tables, and how it is opened."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    # The host opens the same account with the same settings; the names are the host's, with two underscores for a
    # colon:
    # https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
    tables: SecretStr | None = Field(
        default=None,
        validation_alias="AzureWebJobsStorage",
        description="Connection string of the storage account with the tables, on one machine",
    )
    tables_url: HttpUrl | None = Field(
        default=None,
        validation_alias="AzureWebJobsStorage__tableServiceUri",
        description="Address of the account's tables, which the app opens as its managed identity",
    )
    tables_credential: Literal["managedidentity", "azurecli"] | None = Field(
        default=None,
        validation_alias="AzureWebJobsStorage__credential",
        description="The identity used: the app's own, or on an administrator's machine the user signed in to az",
    )
    tables_identity: ObjectId | None = Field(
        default=None,
        validation_alias="AzureWebJobsStorage__clientId",
        description="Client id of the user-assigned identity; unset for the app's own",
    )

    @field_validator("tables")
    @classmethod
    def _is_connection_string(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None and not is_connection_string(text.get_secret_value()):
            raise ValueError("it is no connection string of a storage account")
        return text

    @model_validator(mode="after")
    def _names_an_account(self) -> Self:
        if self.tables is None and self.tables_url is None:
            raise _Wrong(
                "AzureWebJobsStorage",
                "is missing: a connection string, or in Azure AzureWebJobsStorage__tableServiceUri "
                "and AzureWebJobsStorage__credential=managedidentity",
            )
        if self.tables is None and self.tables_credential is None:
            raise _Wrong("AzureWebJobsStorage__credential", "is missing: managedidentity")
        if self.tables_url is not None and self.tables_url.scheme != "https":
            raise _Wrong("AzureWebJobsStorage__tableServiceUri", "must begin with https://: a token is sent there")
        return self

    @property
    def storage(self) -> StorageAccount:
        """The account with the tables, and how it is opened."""
        if self.tables is not None:
            return self.tables.get_secret_value()
        assert self.tables_url is not None  # _names_an_account
        return AsIdentity(str(self.tables_url), self.tables_identity, by_cli=self.tables_credential == "azurecli")


class Settings(MailSettings, StorageSettings):
    """The environment that the bridge runs in. Raises pydantic.ValidationError with everything that is missing."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    encryption_keys: SecretStr = Field(
        validation_alias="BRIDGE_ENCRYPTION_KEYS",
        description="Fernet keys for stored secrets, comma-separated; the first encrypts, each decrypts",
    )
    lease_seconds: float = Field(
        default=90,
        gt=0,
        le=3600,
        validation_alias="BRIDGE_LEASE_SECONDS",
        description="Lease duration of a request for one person: longer than the calls it makes",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        validation_alias="BRIDGE_PUBLIC_URL",
        description="The app's address as Entra knows it, if it is behind a proxy",
    )
    accounts_servers: Json[dict[DataCenterName, _LoopbackUrl]] | None = Field(
        default=None,
        validation_alias="BRIDGE_ACCOUNTS_SERVERS",
        description="Simulated accounts servers instead of all of Zoho's, as JSON: data center to loopback URL",
    )

    entra_certificate: Path | None = Field(
        default=None,
        validation_alias="BRIDGE_ENTRA_CERTIFICATE",
        description="On one machine only: the file with the certificate of the simulated Entra on 127.0.0.1",
    )

    @field_validator("entra_certificate")
    @classmethod
    def _is_certificate(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                ssl.create_default_context(cafile=file)
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                raise ValueError(f"the file cannot be read as certificates in PEM ({type(error).__name__})") from None
        return file

    @field_validator("encryption_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr) -> SecretStr:
        texts = [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
        if is_unresolved(keys):
            raise ValueError(
                "the Key Vault reference is not resolved: see that the app's identity has the role Key Vault Secrets "
                "User, and run infra/scripts/encryption-key.sh, which creates a missing key and lets the app read it"
            )
        if not texts:
            raise ValueError("there is no key in it")
        for place, text in enumerate(texts, 1):
            try:
                Fernet(text)
            except ValueError:
                raise ValueError(f"key {place} of {len(texts)} is no Fernet key, 32 bytes in URL-safe Base64") from None
        return keys

    @property
    def on_one_machine(self) -> bool:
        """Whether this is the app on one machine: the simulators that it calls are on loopback."""
        return self.accounts_servers is not None

    @property
    def data_centers(self) -> Mapping[DataCenterName, DataCenter]:
        """The data centres that secrets may be sent to."""
        if self.accounts_servers is None:
            return DATA_CENTERS
        return replaced({name: str(url) for name, url in self.accounts_servers.items()})


class Platform(SignInSettings):
    """What the platform says of itself, how administrators sign in, and who they are on one machine."""

    site_name: str = Field(default="", validation_alias="WEBSITE_SITE_NAME", description="Set in Azure")
    instance_id: str = Field(default="", validation_alias="WEBSITE_INSTANCE_ID", description="Set in Azure")
    hostname: str = Field(default="", validation_alias="WEBSITE_HOSTNAME", description="Set in Azure")
    local_admin: str | None = Field(
        default=None,
        validation_alias="BRIDGE_LOCAL_ADMIN",
        description="On one machine only: the roles of the user who opens the pages, comma-separated; empty for none",
    )

    @property
    def is_azure(self) -> bool:
        """Whether this runs in App Service or Functions."""
        return bool(self.site_name or self.instance_id)


def read_settings() -> Settings:
    """Return the settings of this process. Raises SettingsWrong."""
    try:
        return Settings()  # pydantic-settings reads the environment
    except ValidationError as error:
        # If one field is wrong, checks across fields do not run: so the storage account is checked on its own.
        raise SettingsWrong(list(dict.fromkeys([*_storage_problems(), *_problems(error), *_unknown()]))) from None


def _storage_problems() -> list[SettingProblem]:
    try:
        StorageSettings()
    except ValidationError as error:
        return _problems(error)
    return []


def _problems(error: ValidationError) -> list[SettingProblem]:
    return [_problem(details) for details in error.errors(include_input=False, include_url=False)]


def _problem(details: ErrorDetails) -> SettingProblem:
    name = "".join(str(part) for part in details["loc"][:1])
    if details["type"] == "missing":
        return SettingProblem(name, f"{name} is missing: {_described()[name]}")
    error = details.get("ctx", {}).get("error")
    if isinstance(error, _Wrong):
        return SettingProblem(error.name, str(error))
    return SettingProblem(name, f"{name}: {error or details['msg']}")  # the error lacks pydantic's "Value error, "


def _described() -> Mapping[str, str]:
    """Return the app settings that the code reads, each with its purpose."""
    fields = (Settings.model_fields | Platform.model_fields).values()
    return {str(field.validation_alias): field.description or "" for field in fields}


def _unknown() -> Iterator[SettingProblem]:
    """Yield unknown settings with the app's prefix: probably misspelt names of missing ones."""
    known = {name.upper() for name in _described()}
    for name in sorted(os.environ):
        if name.upper().startswith("BRIDGE_") and name.upper() not in known:
            yield SettingProblem(name, f"{name} is no setting of the app: is it misspelled?")
