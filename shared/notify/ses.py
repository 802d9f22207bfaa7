"""Mail through Amazon SES, with the optional extra ``ses``: boto3 is only imported by who sends this way.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import logging
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.notify.transport import MailBusy, MailCredentials, MailError, MailRefused, recipients_of, sender_of

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_sesv2 import SESV2Client

CONNECT_SECONDS = 5
READ_SECONDS = 20
BUSY = frozenset({"TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException"})
OURS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AccountSuspendedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MailFromDomainNotVerifiedException",
        "SendingPausedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""The error codes that no mail gets past until an administrator has changed something in AWS."""


@dataclass(frozen=True)
class SesAccess:
    """Where to send from, and as whom. Without keys, boto3 looks for them where it always does."""

    region: str
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None


class Ses:
    """Sends mail through SES in one region. Raises ImportError where the extra is not installed."""

    def __init__(self, access: SesAccess) -> None:
        self._client = _new_client(access)

    def send(self, message: EmailMessage) -> None:
        """See Transport."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        sender, recipients = sender_of(message), recipients_of(message)
        if not all(address.isascii() for address in (sender, *recipients)):
            # https://docs.aws.amazon.com/ses/latest/dg/send-email-raw.html: only the domain may be international.
            raise MailRefused("Amazon SES takes no address with other than ASCII characters before the @")
        try:
            self._client.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": recipients},
                Content={"Raw": {"Data": message.as_bytes()}},
            )
        except ClientError as error:
            raise _meaning(error) from None
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise MailCredentials(f"There are no AWS credentials ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise MailBusy(f"Amazon SES did not answer ({type(error).__name__})") from None


def _new_client(access: SesAccess) -> "SESV2Client":
    import boto3
    from botocore.config import Config

    # Below INFO, botocore logs the parameters of each call: the mail, with the password in it.
    logging.getLogger("botocore").setLevel(logging.INFO)
    secret = access.secret_access_key
    return boto3.client(
        "sesv2",
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        # botocore would send again by itself after losing an answer, and so send twice.
        config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}),
    )


def _meaning(error: "ClientError") -> MailError:
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    said = f"Amazon SES answered {status} {code}"
    if code in BUSY or status >= 500:
        return MailBusy(said)
    if code in OURS:
        return MailCredentials(said)
    if code == "MessageRejected":
        return MailRefused(f"{said}: the sender is not verified, or the recipient where SES is in its sandbox")
    return MailRefused(said)
