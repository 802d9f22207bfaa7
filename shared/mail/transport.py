"""What every way of sending mail has in common: one method, and what can go wrong."""

from email.message import EmailMessage
from email.utils import getaddresses
from typing import Protocol


class MailError(Exception):
    """Any of the below; the message is fit for an administrator.

    It never repeats what a server said after it had been given the mail, but for codes: that could quote the mail,
    and the password in it.
    """


class MailBusy(MailError):
    """The mail server is down, slow or asks to wait: the same mail may go later. Whether it went is not known."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class MailRefused(MailError):
    """The mail server says that this recipient cannot have the mail, whoever sends it. It did not go."""


class MailCredentials(MailError):
    """The mail server takes no mail from the bridge: its sign-in, its sender, its quota or a policy.

    No mail goes until an administrator has changed something, and each waits for that.
    """


class Transport(Protocol):
    """A way of sending mail."""

    def send(self, message: EmailMessage) -> None:
        """Hand a mail over to whom its headers name; returned from once a server has accepted it for delivery.

        Raises MailBusy, MailRefused and MailCredentials. Nothing is tried twice: the caller knows when to try again.
        """


def sender_of(message: EmailMessage) -> str:
    """The address in From."""
    return getaddresses([message["From"]])[0][1]


def recipients_of(message: EmailMessage) -> list[str]:
    """The addresses in To: the only header with recipients that our mails have."""
    return [address for _, address in getaddresses([message["To"]])]
