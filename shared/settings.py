"""The app's settings, read in one place: environment variables, which in Azure are the app settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, Json, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.directory.store import DataCenterName
from shared.mail_settings import MailSettings
from shared.zoho.data_centers import DATA_CENTERS, DataCenter, replaced

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _on_loopback(url: HttpUrl) -> HttpUrl:
    if url.host not in _LOOPBACK:
        raise ValueError("only simulated accounts servers on this machine may stand in for Zoho's")
    return url


type _LoopbackUrl = Annotated[HttpUrl, AfterValidator(_on_loopback)]


class Settings(MailSettings):
    """What the bridge needs to know of where it runs. Raises pydantic.ValidationError with all that is missing."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    tables: SecretStr = Field(
        validation_alias="AzureWebJobsStorage", description="Connection string of the storage account with the tables"
    )
    encryption_keys: SecretStr = Field(
        validation_alias="BRIDGE_ENCRYPTION_KEYS",
        description="Fernet keys for stored secrets, comma-separated; the first encrypts, each decrypts",
    )
    lease_seconds: float = Field(
        default=90,
        gt=0,
        validation_alias="BRIDGE_LEASE_SECONDS",
        description="How long one request may write one person: longer than the calls it makes",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        validation_alias="BRIDGE_PUBLIC_URL",
        description="The app's address as Entra knows it, where a proxy stands before it",
    )
    accounts_servers: Json[dict[DataCenterName, _LoopbackUrl]] | None = Field(
        default=None,
        validation_alias="BRIDGE_ACCOUNTS_SERVERS",
        description="Simulated accounts servers in the place of all of Zoho's, as JSON: data center to loopback URL",
    )

    entra_certificate: Path | None = Field(
        default=None,
        validation_alias="BRIDGE_ENTRA_CERTIFICATE",
        description="On one machine only: the file with the certificate of the simulated Entra on 127.0.0.1",
    )

    @property
    def data_centers(self) -> Mapping[DataCenterName, DataCenter]:
        """The data centres that secrets may be sent to."""
        if self.accounts_servers is None:
            return DATA_CENTERS
        return replaced({name: str(url) for name, url in self.accounts_servers.items()})


class Platform(BaseSettings):
    """What the platform says of itself, and who is signed in where there is none."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    auth_enabled: str = Field(
        default="", validation_alias="WEBSITE_AUTH_ENABLED", description="Set to True by App Service Authentication"
    )
    site_name: str = Field(default="", validation_alias="WEBSITE_SITE_NAME", description="Set in Azure")
    instance_id: str = Field(default="", validation_alias="WEBSITE_INSTANCE_ID", description="Set in Azure")
    local_admin: str | None = Field(
        default=None,
        validation_alias="BRIDGE_LOCAL_ADMIN",
        description="On one machine only: the roles of whoever opens the pages, comma-separated; empty for none",
    )

    @property
    def signs_in(self) -> bool:
        """Whether App Service Authentication is switched on."""
        return self.auth_enabled.lower() == "true"

    @property
    def is_azure(self) -> bool:
        """Whether this runs in App Service or Functions."""
        return bool(self.site_name or self.instance_id)
