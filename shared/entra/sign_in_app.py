"""The app registration by which administrators sign in to the console, and how the app proves that it is that app."""

from typing import Self

from pydantic import ConfigDict, Field, HttpUrl, SecretStr, model_validator

from shared.model import Model
from shared.rules.clouds import BY_LOGIN, CLOUDS, Cloud, CloudName
from shared.rules.entra_connection import HTTPS, LOOPBACK, ObjectId


class SignInApp(Model):
    """One app registration of one tenant. Exactly one of the three credentials is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tenant_id: ObjectId
    client_id: ObjectId
    enterprise_app_id: ObjectId | None = None
    """Object id of its enterprise application: with it, a page can link to the role assignments."""
    authority: HttpUrl = HttpUrl("https://login.microsoftonline.com")
    identity_client_id: ObjectId | None = None
    """Client id of the user-assigned managed identity that the app trusts in its own place (federated credential)."""
    client_secret: SecretStr | None = Field(default=None, repr=False)
    certificate: SecretStr | None = Field(default=None, repr=False)
    """PEM: the certificate and its private key."""

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        if sum(each is not None for each in (self.identity_client_id, self.client_secret, self.certificate)) != 1:
            raise ValueError(
                "set one of BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID, BRIDGE_SIGN_IN_CLIENT_SECRET and "
                "BRIDGE_SIGN_IN_CERTIFICATE"
            )
        return self

    @model_validator(mode="after")
    def _signs_in_at_microsoft(self) -> Self:
        url = self.authority
        if url.scheme != "https" or url.username or url.password or url.query or url.fragment or url.path != "/":
            raise ValueError("BRIDGE_SIGN_IN_AUTHORITY is https and a host, and nothing more")
        if url.host != LOOPBACK and (url.host not in BY_LOGIN or url.port != HTTPS):
            raise ValueError(f"BRIDGE_SIGN_IN_AUTHORITY is one of {', '.join(f'https://{host}' for host in BY_LOGIN)}")
        return self

    @property
    def tenant_authority(self) -> str:
        """The address where the tenant's people sign in."""
        return f"{str(self.authority).rstrip('/')}/{self.tenant_id}"

    @property
    def cloud(self) -> Cloud:
        """The cloud; the simulated Entra on this machine is its own issuer."""
        host = self.authority.host or ""
        local = CLOUDS[CloudName.GLOBAL]._replace(issuer=f"{host}:{self.authority.port}")
        return BY_LOGIN.get(host, local)

    @property
    def issuer(self) -> str:
        """The issuer in the tenant's ID tokens."""
        return f"https://{self.cloud.issuer}/{self.tenant_id}/v2.0"

    @property
    def roles_page(self) -> str:
        """The page where an administrator of Entra assigns people to the app."""
        portal = f"https://{self.cloud.portal}/#view"
        if self.enterprise_app_id:
            users = f"Users/objectId/{self.enterprise_app_id}/appId/{self.client_id}"
            return f"{portal}/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/{users}"
        return f"{portal}/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Overview/appId/{self.client_id}"
