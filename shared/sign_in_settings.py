"""The app settings for administrators' sign-in to the console."""

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.entra.sign_in_app import SignInApp
from shared.mail.settings import is_unresolved
from shared.rules.clouds import CLOUDS, CloudName

PREFIX = "BRIDGE_SIGN_IN_"


class SignInOff(Exception):
    """Nobody can sign in: the message says which settings are missing or wrong, and shows no value."""


class SignInSettings(BaseSettings):
    """How administrators sign in. Errors here do not keep the app from starting: the pages are closed instead."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    tenant_id: str | None = Field(
        default=None, validation_alias=f"{PREFIX}TENANT_ID", description="The tenant of the people who may sign in"
    )
    client_id: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}CLIENT_ID",
        description="Application (client) ID of the app they sign in to",
    )
    enterprise_app_id: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}ENTERPRISE_APP_ID",
        description="Object ID of its enterprise application, so that a page can link to the role assignments",
    )
    authority: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}AUTHORITY",
        description="The sign-in address of another cloud than BRIDGE_CLOUD, such as https://login.microsoftonline.us",
    )
    sign_in_cloud: str | None = Field(
        default=None, validation_alias="BRIDGE_CLOUD", description="Microsoft's cloud, whose sign-in address is used"
    )
    identity_client_id: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}IDENTITY_CLIENT_ID",
        description="Client id of the user-assigned identity that the app's federated credential trusts, in Azure",
    )
    client_secret: SecretStr | None = Field(
        default=None, validation_alias=f"{PREFIX}CLIENT_SECRET", description="The app's secret, on another host"
    )
    certificate: SecretStr | None = Field(
        default=None,
        validation_alias=f"{PREFIX}CERTIFICATE",
        description="The app's certificate and private key in PEM, instead of a secret",
    )

    @property
    def sign_in_app(self) -> SignInApp:
        """Return the app that people sign in to. Raises SignInOff."""
        values = {name: getattr(self, name) for name in SignInApp.model_fields}
        if unresolved := [name for name in ("client_secret", "certificate") if is_unresolved(values[name])]:
            raise SignInOff(f"the Key Vault reference of {PREFIX}{unresolved[0].upper()} is not resolved")
        given = {name: value for name, value in values.items() if value}
        if self.sign_in_cloud is not None:
            try:
                cloud = CLOUDS[CloudName(self.sign_in_cloud)]
            except ValueError:
                raise SignInOff(f"BRIDGE_CLOUD is none of {', '.join(CloudName)}") from None
            given.setdefault("authority", f"https://{cloud.login}")
        try:
            return SignInApp.model_validate(given)
        except ValidationError as error:
            raise SignInOff("; ".join(dict.fromkeys(map(_problem, error.errors(include_input=False))))) from None


def _problem(details: object) -> str:
    assert isinstance(details, dict)  # pydantic's ErrorDetails
    name = PREFIX + str(details["loc"][0]).upper() if details["loc"] else ""
    if details["type"] == "missing":
        return f"{name} is missing"
    text = str(details.get("ctx", {}).get("error", details["msg"]))  # without pydantic's "Value error, "
    return f"{name}: {text}" if name else text
