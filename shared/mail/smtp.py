"""Mail through an SMTP server (RFC 5321)."""

import contextlib
import ipaddress
import logging
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

from pydantic import SecretStr

from shared.mail.smtp_replies import Stage, concerns_recipient, enhanced_code
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused, recipients_of

TIMEOUT = 10.0
"""Seconds for each of a server's answers, about ten; RFC 5321 §4.5.3.2 allows minutes, which no lease of ours lasts."""

_log = logging.getLogger("bridge.notify")


class Security(StrEnum):
    """How the connection is encrypted."""

    STARTTLS = "STARTTLS"  # begun in clear, usually on port 587
    TLS = "TLS"  # from the first byte, usually on port 465
    NONE = "none"  # to a relay on the same machine only


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and how to speak to it. Raises ValueError where passwords would travel in clear."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    user_name: str | None = None
    """None for a server that knows us by our address."""
    password: SecretStr | None = None
    authority: str | None = None
    """Certificates in PEM of an organisation's own authority, trusted instead of the public ones."""

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
        """See Transport. Where only some recipients are refused, the others get the mail and it counts as sent."""
        try:
            connection = self._connected()
            try:
                refused = connection.send_message(message)
            finally:
                # By now the mail is taken or not: what goes wrong in taking leave does not change that.
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    connection.quit()
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
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.security is Security.STARTTLS:
                connection.starttls(context=context)
            if server.user_name is not None and server.password is not None:
                connection.login(server.user_name, server.password.get_secret_value())
        except UnicodeEncodeError:
            connection.close()
            raise MailCredentials("A mail server takes only ASCII in the user name and the password") from None
        except BaseException:
            connection.close()
            raise
        return connection


def _meaning(error: smtplib.SMTPException | OSError) -> MailError:
    """What an error of smtplib means for the mail."""
    match error:
        case ssl.SSLCertVerificationError():
            return MailCredentials(f"The mail server's certificate is not valid: {error.verify_message}")
        case smtplib.SMTPNotSupportedError():
            return MailCredentials(f"The mail server cannot do what the settings ask for: {error}")
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            return _of_recipients(recipients)
        case smtplib.SMTPDataError(smtp_code=code, smtp_error=reply):
            # The server has seen the mail by now, so its words stay here.
            return _of_refusals([(code, _text(reply))], Stage.MAIL, " ".join(_codes(code, _text(reply))))
        case smtplib.SMTPSenderRefused(smtp_code=code, smtp_error=reply):
            return _of_refusals([(code, _text(reply))], Stage.SENDER, f"{code} {_text(reply)}")
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=reply):
            said = f"The mail server answered {code} {_text(reply)}"
            return MailBusy(said) if _is_passing(code) else MailCredentials(said)
        case smtplib.SMTPException() if not isinstance(error, smtplib.SMTPServerDisconnected):
            return MailCredentials(f"The mail server offers no way to sign in that we know: {error}")
        case ssl.SSLError():
            return MailCredentials(f"No encrypted connection to the mail server: {error.reason}")
        case _:
            return MailBusy(f"The mail server did not answer ({type(error).__name__})")


def _of_recipients(recipients: dict[str, tuple[int, bytes]]) -> MailError:
    refusals = [(code, _text(reply)) for code, reply in recipients.values()]
    return _of_refusals(refusals, Stage.RECIPIENT, "; ".join(f"{code} {text}" for code, text in refusals))


def _of_refusals(refusals: Sequence[tuple[int, str]], stage: Stage, said: str) -> MailError:
    """What a refusal at this stage means, of each recipient at one: the mildest of them."""
    if any(_is_passing(code) for code, _ in refusals):
        return MailBusy(f"The mail server does not take the mail now: {said}, to {stage}")
    if all(concerns_recipient(stage, code, text) for code, text in refusals):
        return MailRefused(f"The mail server refuses the recipient: {said}, to {stage}")
    return MailCredentials(
        f"The mail server refuses mail of this sender, by its quota or by its policy: {said}, to {stage}"
    )


def _codes(code: int, text: str) -> list[str]:
    """A reply without its words."""
    enhanced = enhanced_code(text)
    return [str(code), enhanced] if enhanced else [str(code)]


def _is_passing(code: int) -> bool:
    """Whether a reply is of the passing kind: 4xx (RFC 5321 §4.2.1), or none at all (smtplib's -1)."""
    return code < 500


def _text(reply: bytes | str) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
