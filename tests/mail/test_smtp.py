"""Mail through a real SMTP server: encrypted, signed in, and all failures."""

import email
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.mail.smtp import Security, Smtp, SmtpServer
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused
from tests.mail.mails import PASSWORD, a_mail, betrays, told
from tests.mail.smtp_server import SECRET, USER, Certificate, MailServer, new_certificate, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(certificate: Certificate) -> Iterator[MailServer]:
    """A server that accepts mail after STARTTLS and a sign-in, as the public ones do."""
    with serving(MailServer(), certificate, require_starttls=True, auth_required=True) as server:
        yield server


@pytest.fixture
def access(server: MailServer, certificate: Certificate) -> SmtpServer:
    """Valid access to that server."""
    return SmtpServer("localhost", server.port, Security.STARTTLS, USER, SecretStr(SECRET), certificate.pem)


def parsed(server: MailServer) -> EmailMessage:
    (envelope,) = server.taken
    assert isinstance(envelope.content, bytes)
    return email.message_from_string(envelope.content.decode(), policy=default)


def test_sends_after_starttls_and_a_sign_in(server: MailServer, access: SmtpServer) -> None:
    Smtp(access).send(a_mail("anna@contoso.example", "ben@contoso.example"))
    assert server.taken[0].mail_from == "it@contoso.example"
    assert server.taken[0].rcpt_tos == ["anna@contoso.example", "ben@contoso.example"]
    text, html = (part.get_content() for part in parsed(server).iter_parts())
    assert PASSWORD in text.splitlines()
    assert f">{PASSWORD}</code>" in html


def test_sends_on_a_connection_that_is_encrypted_from_the_start(certificate: Certificate) -> None:
    with serving(MailServer(), certificate, tls=True) as server:
        Smtp(SmtpServer("127.0.0.1", server.port, Security.TLS, authority=certificate.pem)).send(a_mail())
    assert parsed(server)["To"] == "anna@contoso.example"


def test_sends_in_clear_to_a_relay_on_the_same_machine_only(certificate: Certificate) -> None:
    with serving(MailServer(), certificate, starttls=False) as server:
        Smtp(SmtpServer("127.0.0.1", server.port, Security.NONE)).send(a_mail())
    assert len(server.taken) == 1
    for host in ("mail.contoso.example", "10.0.0.1", "localhost.contoso.example"):
        with pytest.raises(ValueError, match="could be read on their way"):
            SmtpServer(host, 25, Security.NONE)


def test_sends_to_an_address_that_is_not_ascii(server: MailServer, access: SmtpServer) -> None:
    Smtp(access).send(a_mail("jürgen@xn--bcher-kva.example"))
    assert server.taken[0].rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert parsed(server)["To"].addresses[0].addr_spec == "jürgen@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("name", "days", "says"),
    [("mail.evil.example", 1, "Hostname mismatch"), ("localhost", -1, "certificate has expired")],
)
def test_trusts_no_certificate_that_is_not_valid(tmp_path: Path, name: str, days: int, says: str) -> None:
    wrong = new_certificate(tmp_path, name, days)
    with serving(MailServer(), wrong, require_starttls=True) as server:
        access = SmtpServer("localhost", server.port, authority=wrong.pem)
        with pytest.raises(MailCredentials, match=says):
            Smtp(access).send(a_mail())
    assert server.taken == []


def test_trusts_no_authority_but_the_given_or_the_public_ones(server: MailServer, access: SmtpServer) -> None:
    with pytest.raises(MailCredentials, match="self-signed certificate"):
        Smtp(replace(access, authority=None)).send(a_mail())


def test_does_not_send_where_encryption_is_missing(certificate: Certificate) -> None:
    with serving(MailServer(), certificate, starttls=False) as server, pytest.raises(MailCredentials, match="STARTTLS"):
        Smtp(SmtpServer("localhost", server.port, authority=certificate.pem)).send(a_mail())
    assert server.taken == []


def says(**replies: str) -> Callable[[MailServer], None]:
    def change(server: MailServer) -> None:
        for name, reply in replies.items():
            setattr(server, name, reply)

    return change


def refuses(*reply: str) -> Callable[[MailServer], None]:
    def change(server: MailServer) -> None:
        server.refused = dict(zip(("anna@contoso.example", "ben@contoso.example"), reply, strict=False))

    return change


SPAM = f"spam, because of: {PASSWORD}"


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (refuses("550 5.1.1 No such user", "550 5.1.1 No such user"), MailRefused, "recipient: 550 5.1.1 No such user"),
        (refuses("550 5.1.1 No such user", "450 4.2.1 Try later"), MailBusy, "450 4.2.1 Try later"),
        (refuses("550 5.1.1 No such user", "554 5.7.1 No relaying"), MailCredentials, "554 5.7.1 No relaying"),
        (says(to_sender="550 5.7.60 Not your address"), MailCredentials, "550 5.7.60 Not your address, to MAIL FROM"),
        (says(to_sender="530 5.7.0 Sign in first"), MailCredentials, "530 5.7.0 Sign in first"),
        (says(to_sender="451 4.3.0 Greylisted"), MailBusy, "451 4.3.0 Greylisted"),
        (says(to_mail=f"554 5.7.1 {SPAM}"), MailCredentials, "policy: 554 5.7.1, to DATA"),
        (says(to_mail=f"554 5.2.252 SendAsDenied; {SPAM}"), MailCredentials, "554 5.2.252, to DATA"),
        (says(to_mail=f"550 5.1.1 {SPAM}"), MailRefused, "recipient: 550 5.1.1, to DATA"),
        (says(to_mail=f"452 4.3.1 {SPAM}"), MailBusy, "452, to DATA"),
    ],
)
def test_says_what_the_server_refuses(
    server: MailServer,
    access: SmtpServer,
    change: Callable[[MailServer], None],
    error: type[MailError],
    text: str,
) -> None:
    change(server)
    with pytest.raises(error) as raised:
        Smtp(access).send(a_mail("anna@contoso.example", "ben@contoso.example"))
    assert type(raised.value) is error
    assert text in str(raised.value)
    assert not betrays(told(raised.value))
    assert server.taken == []


@pytest.mark.parametrize("password", ["wrong", "wröng"])
def test_a_wrong_password_is_for_an_administrator(server: MailServer, access: SmtpServer, password: str) -> None:
    with pytest.raises(MailError) as raised:
        Smtp(replace(access, password=SecretStr(password))).send(a_mail())
    assert isinstance(raised.value, MailCredentials)
    assert password not in str(raised.value)


def test_a_password_needs_a_user_name() -> None:
    with pytest.raises(ValueError, match="needs a password"):
        SmtpServer("localhost", user_name="bridge")
    assert "made-up" not in repr(SmtpServer("localhost", user_name="bridge", password=SecretStr("made-up")))


def test_some_refused_recipients_do_not_keep_the_mail_from_the_others(
    server: MailServer, access: SmtpServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.refused = {"ben@contoso.example": "550 No such user"}
    Smtp(access).send(a_mail("anna@contoso.example", "ben@contoso.example"))
    assert server.taken[0].rcpt_tos == ["anna@contoso.example"]
    assert "refused 1 of 2 recipients (550)" in caplog.text
    assert "ben" not in caplog.text


def test_a_server_that_takes_its_leave_badly_has_the_mail_all_the_same(server: MailServer, access: SmtpServer) -> None:
    server.hangs_up_on_quit = True
    Smtp(access).send(a_mail())
    assert len(server.taken) == 1


def test_nobody_there_and_nobody_answering_are_for_later(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MailBusy, match="did not answer"):
            Smtp(SmtpServer("127.0.0.1", port, authority=certificate.pem), timeout=0.1).send(a_mail())
    with pytest.raises(MailBusy, match="ConnectionRefusedError"):
        Smtp(SmtpServer("127.0.0.1", port, authority=certificate.pem)).send(a_mail())


def test_a_server_that_speaks_no_tls_is_for_an_administrator(certificate: Certificate) -> None:
    with serving(MailServer(), certificate) as server, pytest.raises(MailCredentials, match="No encrypted connection"):
        Smtp(SmtpServer("127.0.0.1", server.port, Security.TLS, authority=certificate.pem)).send(a_mail())


def test_the_password_is_in_no_log(
    server: MailServer,
    access: SmtpServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the server's own log, which may contain what it received
    caplog.set_level(logging.DEBUG)
    transport = Smtp(access)
    transport.send(a_mail())
    server.to_mail = f"554 {SPAM}"
    with pytest.raises(MailCredentials):
        transport.send(a_mail())
    assert not betrays(caplog.text + "".join(capfd.readouterr()))


def test_the_search_finds_passwords() -> None:
    mail = a_mail()
    assert betrays(mail.as_string())
    assert betrays(f"Data={ssl.DER_cert_to_PEM_cert(mail.as_bytes()).replace(chr(10), '')}")
    assert not betrays(str(mail["Subject"]) + repr(mail))


@pytest.mark.parametrize("name", ["mail.contoso.example", "metadata.evil.example"])
def test_a_name_that_leads_to_this_machine_is_not_followed(
    server: MailServer, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **named: resolve("127.0.0.1", *rest, **named))
    for security in (Security.STARTTLS, Security.TLS):
        access = SmtpServer(name, server.port, security, authority=certificate.pem, private_network=True)
        with pytest.raises(MailCredentials, match="not on the internet"):
            Smtp(access).send(a_mail())
    assert server.taken == []
