"""The way of sending mail that the app's settings choose, ready to be used."""

import logging
from collections.abc import Callable
from datetime import datetime

import requests

from shared.entra.credentials import EntraTokens
from shared.entra.errors import GraphBusy, GraphError
from shared.mail.folder import MailFolder
from shared.mail.graph_mail import GraphMail
from shared.mail.password_mail import NoPostbox, Postbox
from shared.mail.rested import Rested
from shared.mail.ses import Ses, SesAccess
from shared.mail.settings import LocalFolder, Mailbox, MailSettings, MailWay
from shared.mail.smtp import Smtp, SmtpServer
from shared.mail.transport import MailBusy, MailCredentials, Transport
from shared.outgoing import OutgoingSession

NO_WAY = "The app has no way of sending mail: set BRIDGE_MAIL"
NO_BOTO3 = "BRIDGE_MAIL=ses needs boto3: publish requirements-ses.txt under the name requirements.txt"

_log = logging.getLogger("bridge.notify")


def open_postbox(settings: MailSettings, now: Callable[[], datetime], *, in_azure: bool) -> Postbox | NoPostbox:
    """The postbox; a setting of mail that is wrong is no reason to provision nobody."""
    try:
        chosen = settings.mail_way(in_azure=in_azure)
        if chosen is None:
            return NoPostbox(NO_WAY)
        way, sender = chosen
        return Postbox(Rested(_transport(way), now), sender)
    except ValueError as error:
        reason = str(error)
    except ImportError:
        reason = NO_BOTO3
    _log.error("No mail goes out. %s", reason)
    return NoPostbox(reason)


def _transport(way: MailWay) -> Transport:
    match way:
        case SmtpServer():
            return Smtp(way)
        case SesAccess():
            return Ses(way)
        case LocalFolder(path):
            return MailFolder(path)
        case Mailbox():
            session = OutgoingSession()
            return GraphMail(session, _graph_token(way, session), f"{way.connection.graph_origin}/v1.0")


def _graph_token(mailbox: Mailbox, session: requests.Session) -> Callable[[], str]:
    """What gives a valid token, and says what is wrong in the words of a transport."""
    secret = mailbox.secret
    tokens = EntraTokens(mailbox.connection, session, lambda: secret.get_secret_value() if secret else "")

    def current() -> str:
        try:
            return tokens.current()
        except GraphBusy as busy:
            raise MailBusy(str(busy), busy.retry_after) from None
        except GraphError as error:
            raise MailCredentials(str(error)) from None

    return current
