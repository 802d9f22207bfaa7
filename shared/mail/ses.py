"""Mail through Amazon SES, with the optional extra ``ses``: boto3 is only imported by who sends this way.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import logging
from dataclasses import dataclass
from email.message import EmailMessage
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused, recipients_of, sender_of

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_sesv2 import SESV2Client

CONNECT_SECONDS = 5
READ_SECONDS = 20
BUSY = frozenset({"TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException"})
OF_ADDRESS = (
    "domain contains",
    "domain starts with",
    "illegal address",
    "invalid domain name",
    "local address contains",
    "missing final '@domain'",
)
"""By which SES says that a recipient's address cannot be one. A recipient who is not verified, while SES is in its
sandbox, is none of these: the account has to leave the sandbox.

https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html, and what SES is known to answer."""
ADDRESS_CODES = frozenset({"BadRequestException", "InvalidParameterValue", "ValidationException"})


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
        # https://docs.aws.amazon.com/ses/latest/dg/send-email-raw.html: only the domain may be international.
        only_ascii = "Amazon SES takes no address with other than ASCII characters before the @"
        if not sender.isascii():
            raise MailCredentials(f"{only_ascii}: set another sender")
        if not all(address.isascii() for address in recipients):
            raise MailRefused(f"{only_ascii}: the recipient's address")
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
    told = error.response["Error"]
    return meaning(error.response["ResponseMetadata"]["HTTPStatusCode"], told["Code"], told.get("Message", ""))


def meaning(status: int, code: str, message: str) -> MailError:
    """What an error of SES means for the mail: only its word about a recipient's address gives it up.

    ``message`` may quote the mail: it is read here and goes no further.
    """
    said = f"Amazon SES answered {status} {code}"
    if code in BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MailBusy(said)
    if code in ADDRESS_CODES and any(words in message.lower() for words in OF_ADDRESS):
        return MailRefused(f"{said}: the recipient's address")
    if code == "MessageRejected":
        return MailCredentials(f"{said}: the sender is not verified, or SES is in its sandbox or paused")
    return MailCredentials(said)
