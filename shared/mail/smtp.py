"""Mail through an SMTP server (RFC 5321)."""

import contextlib
import ipaddress
import logging
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

from pydantic import SecretStr

from shared.mail.smtp_replies import Stage, concerns_recipient, enhanced_code
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused, recipients_of
from shared.rules.outside_address import AddressRefused, ensure_reachable

TIMEOUT = 10.0
"""Seconds for each of a server's answers, about ten of them; RFC 5321 §4.5.3.2 allows minutes, longer than any
lease here.
"""

_log = logging.getLogger("bridge.notify")


class Security(StrEnum):
    """How the connection is encrypted."""

    STARTTLS = "STARTTLS"  # starts unencrypted, usually on port 587
    TLS = "TLS"  # from the first byte, usually on port 465
    NONE = "none"  # to a relay on the same machine only


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and how to connect to it. Raises ValueError if passwords would be sent unencrypted."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    user_name: str | None = None
    """None for a server that identifies the app by its address."""
    password: SecretStr | None = None
    authority: str | None = None
    """PEM certificates of an organisation's own authority, trusted instead of the public ones."""
    private_network: bool = False
    """Whether the name may lead to an address of the organisation's own network."""

    def __post_init__(self) -> None:
        if self.security is Security.NONE and not _is_loopback(self.host):
            raise ValueError(f"Without encryption, one-time passwords could be read on their way to {self.host}")
        if (self.user_name is None) != (self.password is None):
            raise ValueError("A user name needs a password, and a password a user name")


class Smtp:
    """Sends mail through one server, on a new connection each time: mails are few, and servers close idle ones."""

    def __init__(self, server: SmtpServer, timeout: float = TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    def send(self, message: EmailMessage) -> None:
        """See Transport. If only some recipients are refused, the others get the mail and it counts as sent."""
        try:
            connection = self._connected()
            try:
                refused = connection.send_message(message)
            finally:
                # The server has accepted the mail or not: an error in closing the connection does not change that.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    connection.quit()
        except AddressRefused as refusal:
            raise MailCredentials(
                f"{refusal}: look at BRIDGE_SMTP_HOST, and for a mail server in your own network set "
                "BRIDGE_SMTP_PRIVATE_NETWORK"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise _meaning(error) from None
        if refused:
            codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
            _log.warning(
                "The mail server refused %d of %d recipients (%s)", len(refused), len(recipients_of(message)), codes
            )

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context(cadata=server.authority)
        connection: smtplib.SMTP
        if server.security is Security.TLS:
            connection = _CheckedTls(server, self._timeout, context)
        else:
            connection = _Checked(server, self._timeout)
        try:
            connection.connect(server.host, server.port)
            if server.security is Security.STARTTLS:
                connection.starttls(context=context)
            if server.user_name is not None and server.password is not None:
                connection.login(server.user_name, server.password.get_secret_value())
        except UnicodeEncodeError:
            connection.close()
            raise MailCredentials("A mail server accepts only ASCII in the user name and the password") from None
        except BaseException:
            connection.close()
            raise
        return connection


class _Checked(smtplib.SMTP):
    """Looks where a name led, before a byte is read or sent."""

    def __init__(self, server: SmtpServer, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._server = server
        self._host = server.host  # smtplib's name for what a certificate has to name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = socket.create_connection((host, port), timeout)
        try:
            address = str(found.getpeername()[0])
            ensure_reachable(address, private=self._server.private_network, loopback=_is_loopback(self._server.host))
        except BaseException:
            found.close()
            raise
        return found


class _CheckedTls(smtplib.SMTP_SSL, _Checked):
    def __init__(self, server: SmtpServer, timeout: float, context: ssl.SSLContext) -> None:
        self.context = context
        _Checked.__init__(self, server, timeout)


def _meaning(error: smtplib.SMTPException | OSError) -> MailError:
    """Return what an error of smtplib means for the mail."""
    match error:
        case ssl.SSLCertVerificationError():
            return MailCredentials(f"The mail server's certificate is not valid: {error.verify_message}")
        case smtplib.SMTPNotSupportedError():
            return MailCredentials(f"The mail server cannot do what the settings ask for: {error}")
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            return _of_recipients(recipients)
        case smtplib.SMTPDataError(smtp_code=code, smtp_error=reply):
            # The server has seen the mail by now, so its words are not passed on.
            return _of_refusals([(code, _text(reply))], Stage.MAIL, " ".join(_codes(code, _text(reply))))
        case smtplib.SMTPSenderRefused(smtp_code=code, smtp_error=reply):
            return _of_refusals([(code, _text(reply))], Stage.SENDER, f"{code} {_text(reply)}")
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=reply):
            said = f"The mail server answered {code} {_text(reply)}"
            return MailBusy(said) if _is_passing(code) else MailCredentials(said)
        case smtplib.SMTPException() if not isinstance(error, smtplib.SMTPServerDisconnected):
            return MailCredentials(f"The mail server offers no supported sign-in method: {error}")
        case ssl.SSLError():
            return MailCredentials(f"No encrypted connection to the mail server: {error.reason}")
        case _:
            return MailBusy(f"The mail server did not answer ({type(error).__name__})")


def _of_recipients(recipients: dict[str, tuple[int, bytes]]) -> MailError:
    refusals = [(code, _text(reply)) for code, reply in recipients.values()]
    return _of_refusals(refusals, Stage.RECIPIENT, "; ".join(f"{code} {text}" for code, text in refusals))


def _of_refusals(refusals: Sequence[tuple[int, str]], stage: Stage, said: str) -> MailError:
    """Return what the refusals at this stage, one per recipient, mean: the mildest of them."""
    if any(_is_passing(code) for code, _ in refusals):
        return MailBusy(f"The mail server does not accept the mail now: {said}, to {stage}")
    if all(concerns_recipient(stage, code, text) for code, text in refusals):
        return MailRefused(f"The mail server refuses the recipient: {said}, to {stage}")
    return MailCredentials(
        f"The mail server refuses mail from this sender because of a quota or a policy: {said}, to {stage}"
    )


def _codes(code: int, text: str) -> list[str]:
    """Return a reply's codes without its text."""
    enhanced = enhanced_code(text)
    return [str(code), enhanced] if enhanced else [str(code)]


def _is_passing(code: int) -> bool:
    """Return whether a reply is temporary: 4xx (RFC 5321 §4.2.1), or none at all (smtplib's -1)."""
    return code < 500


def _text(reply: bytes | str) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
