"""The app settings for sending one-time password mails."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.mail.ses import SesAccess
from shared.mail.smtp import Security, SmtpServer
from shared.rules.clouds import CLOUDS, Cloud, CloudName
from shared.rules.email_address import MailAddress
from shared.rules.entra_connection import Credential, EntraConnection, ObjectId, Scope


@dataclass(frozen=True)
class Mailbox:
    """An Exchange Online mailbox, reached through Microsoft Graph; the sender's address names it."""

    connection: EntraConnection
    secret: SecretStr | None
    """None for a managed identity."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder on this machine."""

    path: Path


type MailWay = SmtpServer | SesAccess | Mailbox | LocalFolder


class Mail(StrEnum):
    """The values of BRIDGE_MAIL."""

    SMTP = "smtp"
    GRAPH = "graph"
    SES = "ses"
    FOLDER = "folder"


def is_unresolved(secret: SecretStr | None) -> bool:
    """Return whether Azure left a Key Vault reference unresolved, because it could not read the secret.

    https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
    """
    return secret is not None and secret.get_secret_value().startswith("@Microsoft.KeyVault(")


class MailSettings(BaseSettings):
    """How mail is sent, and what that requires; with BRIDGE_MAIL unset, none is."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    mail: Mail | None = Field(
        default=None,
        validation_alias="BRIDGE_MAIL",
        description="How one-time passwords are mailed; if unset, no mails",
    )
    mail_from: MailAddress | None = Field(
        default=None, validation_alias="BRIDGE_MAIL_FROM", description="Sender address of one-time password mails"
    )
    smtp_host: str = Field(default="", validation_alias="BRIDGE_SMTP_HOST", description="The mail server")
    smtp_port: int = Field(default=587, ge=1, le=65535, validation_alias="BRIDGE_SMTP_PORT", description="Its port")
    smtp_security: Security = Field(
        default=Security.STARTTLS,
        validation_alias="BRIDGE_SMTP_SECURITY",
        description="How the connection is protected; `none` is for a relay on the same machine",
    )
    smtp_user: str | None = Field(
        default=None,
        validation_alias="BRIDGE_SMTP_USER",
        description="Unset for a server that identifies the app by its address",
    )
    smtp_password: SecretStr | None = Field(
        default=None, validation_alias="BRIDGE_SMTP_PASSWORD", description="That user's"
    )
    smtp_authority: str | None = Field(
        default=None,
        validation_alias="BRIDGE_SMTP_AUTHORITY",
        description="PEM certificates of an organisation's own authority, trusted instead of the public ones",
    )
    smtp_private_network: bool = Field(
        default=False,
        validation_alias="BRIDGE_SMTP_PRIVATE_NETWORK",
        description="Whether the mail server's name may lead to an address of your own network",
    )
    ses_region: str = Field(
        default="", validation_alias="BRIDGE_SES_REGION", description="Region of Amazon SES, such as eu-central-1"
    )
    ses_access_key_id: str | None = Field(
        default=None,
        validation_alias="BRIDGE_SES_ACCESS_KEY_ID",
        description="If unset, boto3 uses its default sources",
    )
    ses_secret_access_key: SecretStr | None = Field(
        default=None, validation_alias="BRIDGE_SES_SECRET_ACCESS_KEY", description="That key's"
    )
    cloud_name: CloudName = Field(
        default=CloudName.GLOBAL,
        validation_alias="BRIDGE_CLOUD",
        description="Microsoft's cloud: AzureCloud, AzureUSGovernment, AzureUSGovernmentDoD or AzureChinaCloud",
    )
    mail_tenant_id: ObjectId | None = Field(
        default=None, validation_alias="BRIDGE_MAIL_TENANT_ID", description="Your tenant, for mail by Microsoft Graph"
    )
    mail_client_id: ObjectId | None = Field(
        default=None,
        validation_alias="BRIDGE_MAIL_CLIENT_ID",
        description="Of the app that has Mail.Send, or of a user-assigned managed identity; unset for the app's own",
    )
    mail_client_secret: SecretStr | None = Field(
        default=None,
        validation_alias="BRIDGE_MAIL_CLIENT_SECRET",
        description="Unset if the function app's managed identity has Mail.Send",
    )
    mail_folder: Path | None = Field(
        default=None,
        validation_alias="BRIDGE_MAIL_FOLDER",
        description="For one machine only: where mails are stored, outside of the app's folder; `~` is your home",
    )

    @property
    def cloud(self) -> Cloud:
        """Microsoft's cloud that the app is in."""
        return CLOUDS[self.cloud_name]

    def mail_way(self, *, in_azure: bool) -> tuple[MailWay, str] | None:
        """Return the mail transport and the sender, or None if there is none. Raises ValueError with the setting
        to change.
        """
        if self.mail is None:
            return None
        for field in ("smtp_password", "ses_secret_access_key", "mail_client_secret"):
            if is_unresolved(getattr(self, field)):
                name = type(self).model_fields[field].validation_alias
                raise ValueError(f"{name} is a Key Vault reference that is not resolved: see that the secret exists")
        if self.mail_from is None:
            raise ValueError(f"BRIDGE_MAIL={self.mail} needs BRIDGE_MAIL_FROM, the sender address of the mails")
        return self._way(self.mail, in_azure), self.mail_from

    def _way(self, mail: Mail, in_azure: bool) -> MailWay:
        match mail:
            case Mail.SMTP:
                return self._smtp()
            case Mail.SES:
                if not self.ses_region:
                    raise ValueError("BRIDGE_MAIL=ses needs BRIDGE_SES_REGION")
                return SesAccess(self.ses_region, self.ses_access_key_id, self.ses_secret_access_key)
            case Mail.GRAPH:
                return self._mailbox()
            case Mail.FOLDER:
                if in_azure:
                    raise ValueError("BRIDGE_MAIL=folder is for one machine: in Azure nobody would read the mails")
                if self.mail_folder is None:
                    raise ValueError("BRIDGE_MAIL=folder needs BRIDGE_MAIL_FOLDER")
                return LocalFolder(self.mail_folder.expanduser())

    def _mailbox(self) -> Mailbox:
        if self.mail_tenant_id is None:
            raise ValueError("BRIDGE_MAIL=graph needs BRIDGE_MAIL_TENANT_ID")
        credential = Credential.CLIENT_SECRET if self.mail_client_secret else Credential.MANAGED_IDENTITY
        connection = EntraConnection(
            tenant_id=self.mail_tenant_id,
            credential=credential,
            client_id=self.mail_client_id,
            scope=Scope.ALL_USERS,
            graph=HttpUrl(f"https://{self.cloud.graph}"),
            login=HttpUrl(f"https://{self.cloud.login}"),
        )
        return Mailbox(connection, self.mail_client_secret)

    def _smtp(self) -> SmtpServer:
        if not self.smtp_host:
            raise ValueError("BRIDGE_MAIL=smtp needs BRIDGE_SMTP_HOST")
        return SmtpServer(
            self.smtp_host,
            self.smtp_port,
            self.smtp_security,
            self.smtp_user,
            self.smtp_password,
            self.smtp_authority,
            self.smtp_private_network,
        )
