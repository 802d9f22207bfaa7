"""A real mail server on the loopback interface that stores what it accepts, and answers as a test requires."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.serving import listen

USER, SECRET = "bridge", "made-up"


@dataclass(frozen=True)
class Certificate:
    """A certificate that signed itself, and the file with its key."""

    pem: str
    file: Path


@dataclass
class MailServer:
    """What the server received, and what it answers."""

    port: int = 0
    taken: list[Envelope] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Replies to some recipients."""
    to_sender: str = "250 OK"
    to_mail: str = "250 OK"
    hangs_up_on_quit: bool = False

    async def handle_MAIL(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        reply = self.refused.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.to_mail.startswith("250"):
            self.taken.append(envelope)
        return self.to_mail

    async def handle_QUIT(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.hangs_up_on_quit:
            server.transport.abort()
        return "221 Bye"


@contextlib.contextmanager
def serving(server: MailServer, certificate: Certificate, *, tls: bool = False, **options: Any) -> Iterator[MailServer]:
    """Serve until the end of the block. ``options`` are aiosmtpd's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file)
    loop, listener = asyncio.new_event_loop(), listen(0)
    if not tls and options.pop("starttls", True):
        options["tls_context"] = context

    def connection() -> SMTP:
        return SMTP(server, hostname="localhost", loop=loop, enable_SMTPUTF8=True, authenticator=_signs_in, **options)

    listening = loop.run_until_complete(loop.create_server(connection, sock=listener, ssl=context if tls else None))
    server.port = listener.getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="smtp")
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        # A client that hung up at once may still be on its way in: its socket would be left open.
        loop.run_until_complete(asyncio.sleep(0.01))
        listening.close()
        listening.abort_clients()
        loop.run_until_complete(asyncio.sleep(0))
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(task)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _signs_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    valid = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), SECRET.encode())
    return AuthResult(success=valid, handled=False)


def new_certificate(folder: Path, name: str = "localhost", days: int = 1) -> Certificate:
    """A certificate for this machine, or for another name, valid for this number of days from an hour ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(hours=1) + min(timedelta(days=days), timedelta())
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ip_address("127.0.0.1")))
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=abs(days)) - timedelta(minutes=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_SIGNS, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}-{days}.pem"
    file.write_bytes(pem + private)
    return Certificate(pem.decode(), file)


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
