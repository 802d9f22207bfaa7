"""The app's settings, read in one place: environment variables, which in Azure are the app settings."""

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
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
