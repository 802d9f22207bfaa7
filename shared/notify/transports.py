"""The ways of sending mail, and the one that the app's settings choose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from shared.notify.folder import MailFolder
from shared.notify.graph_mail import GraphMail
from shared.notify.ses import Ses, SesAccess
from shared.notify.smtp import Smtp, SmtpServer
from shared.notify.transport import Transport


@dataclass(frozen=True)
class Mailbox:
    """An Exchange Online mailbox, reached through Microsoft Graph; the sender's address names it."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder on this machine."""

    path: Path


type MailWay = SmtpServer | SesAccess | Mailbox | LocalFolder


def transport_for(way: MailWay, session: requests.Session, graph_token: Callable[[], str]) -> Transport:
    """The transport for a way of sending. ``graph_token`` gives an access token for Microsoft Graph when it is asked.

    Raises ImportError where boto3 is needed and not installed.
    """
    match way:
        case SmtpServer():
            return Smtp(way)
        case SesAccess():
            return Ses(way)
        case LocalFolder(path):
            return MailFolder(path)
        case Mailbox():
            return GraphMail(session, graph_token)
