"""The app settings that say how administrators sign in to the console."""

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.entra.sign_in_app import SignInApp
from shared.mail.settings import is_unresolved

PREFIX = "BRIDGE_SIGN_IN_"


class SignInOff(Exception):
    """Nobody can sign in: the message says which settings are missing or wrong, and shows the value of none."""


class SignInSettings(BaseSettings):
    """How administrators sign in. None of it keeps the app from starting: where it is wrong, the pages are closed."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    tenant_id: str | None = Field(
        default=None, validation_alias=f"{PREFIX}TENANT_ID", description="The tenant whose people may sign in"
    )
    client_id: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}CLIENT_ID",
        description="Application (client) ID of the app they sign in to",
    )
    enterprise_app_id: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}ENTERPRISE_APP_ID",
        description="Object ID of its enterprise application, so that a page can link to where roles are given",
    )
    authority: str | None = Field(
        default=None,
        validation_alias=f"{PREFIX}AUTHORITY",
        description="Where people of another cloud sign in, such as https://login.microsoftonline.us",
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
        """The app that people sign in to. Raises SignInOff."""
        values = {name: getattr(self, name) for name in SignInApp.model_fields}
        if unresolved := [name for name in ("client_secret", "certificate") if is_unresolved(values[name])]:
            raise SignInOff(f"the Key Vault reference of {PREFIX}{unresolved[0].upper()} is not resolved")
        given = {name: value for name, value in values.items() if value}
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
