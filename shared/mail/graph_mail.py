"""Mail from an Exchange Online mailbox, through Microsoft Graph.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from collections.abc import Callable
from email.message import EmailMessage
from http import HTTPStatus
from urllib.parse import quote

import requests

from shared.entra.answers import error_code
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused, recipients_of, sender_of

GRAPH = "https://graph.microsoft.com/v1.0"
CONNECT_SECONDS = 5
READ_SECONDS = 20
RETRY_AFTER = 60
"""Seconds, if Graph does not say."""
OF_RECIPIENT = frozenset({"ErrorInvalidRecipients", "ErrorInvalidRecipientAddress", "ErrorRecipientNotFound"})
"""Error codes by which Graph refuses a recipient, for any sender. No list of all codes is documented."""
OF_QUOTA = frozenset({"ErrorSubmissionQuotaExceeded", "ErrorExceededMessageLimit", "ErrorQuotaExceeded"})
"""Error codes of temporary failures, although their status says otherwise."""
QUOTA_RETRY_AFTER = 60 * 60
"""Seconds: a mailbox's quota of recipients is counted per day."""


class GraphMail:
    """Sends mail from the mailbox in From. The app needs the application permission ``Mail.Send``.

    The message is sent as JSON, not MIME: only then can Graph be asked not to store a copy, with the password, in Sent
    Items. The drawback is that JSON has a single body, the HTML, from which Exchange makes the text.
    """

    def __init__(self, session: requests.Session, token: Callable[[], str], graph: str = GRAPH) -> None:
        """``token``: returns a valid access token for Graph; its errors are not caught."""
        self._session = session
        self._token = token
        self._graph = graph

    def send(self, message: EmailMessage) -> None:
        """See Transport."""
        html = message.get_body(("html",))
        assert html is not None  # message.compose adds it
        content = {
            "message": {
                "subject": message["Subject"],
                "body": {"contentType": "HTML", "content": html.get_content()},
                "toRecipients": [{"emailAddress": {"address": address}} for address in recipients_of(message)],
            },
            "saveToSentItems": False,
        }
        try:
            response = self._session.post(
                f"{self._graph}/users/{quote(sender_of(message), safe='@')}/sendMail",
                json=content,
                headers={"Authorization": f"Bearer {self._token()}"},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise MailBusy(f"Microsoft Graph did not answer ({type(error).__name__})") from None
        if response.status_code != HTTPStatus.ACCEPTED:
            raise _meaning(response)


def _meaning(response: requests.Response) -> MailError:
    code, wait = error_code(response.content), response.headers.get("Retry-After", "")
    seconds = int(wait[:6]) if wait.isascii() and wait.isdecimal() else None
    return meaning(response.status_code, code, seconds)


def meaning(status: int, code: str, retry_after: int | None = None) -> MailError:
    """Return what an answer other than 202 means for the mail: only an answer about a recipient gives the mail up."""
    said = f"Microsoft Graph answered {status} {code}".rstrip()
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MailBusy(said, RETRY_AFTER if retry_after is None else retry_after)
    if code in OF_QUOTA:
        return MailBusy(f"{said}: the sender's mailbox may send no more for now", retry_after or QUOTA_RETRY_AFTER)
    if code in OF_RECIPIENT:
        return MailRefused(f"{said}: the recipient's address")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return MailCredentials(f"{said}: the app needs the permission Mail.Send, and the sender a mailbox")
    return MailCredentials(f"{said}: Exchange Online accepts no mail from this sender")
