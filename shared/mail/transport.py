"""The interface of every mail transport: one method, and its errors."""

from email.message import EmailMessage
from email.utils import getaddresses
from typing import Protocol


class MailError(Exception):
    """Any of the errors below; the message is fit for an administrator.

    It never repeats what a server said after receiving the mail, except codes: the text could quote the mail, including
    the password.
    """


class MailBusy(MailError):
    """The mail server is down, slow or asks to wait: the same mail may be sent later. Whether it was sent is
    unknown.
    """

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class MailRefused(MailError):
    """The mail server says that this recipient cannot have the mail, from any sender. It was not sent."""


class MailCredentials(MailError):
    """The mail server accepts no mail from the bridge: its sign-in, its sender, its quota or a policy.

    No mail is sent until an administrator has changed something, and every mail waits for that.
    """


class Transport(Protocol):
    """A mail transport."""

    def send(self, message: EmailMessage) -> None:
        """Send a mail to the recipients in its headers; return once a server has accepted it for delivery.

        Raises MailBusy, MailRefused and MailCredentials. Nothing is retried: the caller knows when to retry.
        """


def sender_of(message: EmailMessage) -> str:
    """Return the address in From."""
    return getaddresses([message["From"]])[0][1]


def recipients_of(message: EmailMessage) -> list[str]:
    """Return the addresses in To: the only header with recipients in the app's mails."""
    return [address for _, address in getaddresses([message["To"]])]
