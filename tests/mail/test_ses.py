"""Mail through Amazon SES: against moto, and against a server that refuses."""

import email
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from pydantic import SecretStr

from shared.mail.ses import Ses, SesAccess, meaning
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused
from tests.mail.mails import LETTERHEAD, PASSWORD, a_mail, betrays, told

REGION = "eu-west-1"
ACCESS = SesAccess(REGION, "AKIAMADEUP", SecretStr("made-up"))


@pytest.fixture
def aws() -> Iterator[None]:
    """SES with a verified sender."""
    with mock_aws():
        boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity=LETTERHEAD.sender)
        yield


@pytest.mark.usefixtures("aws")
def test_sends_the_whole_message() -> None:
    Ses(SesAccess(REGION)).send(a_mail("anna@contoso.example", "ben@contoso.example"))
    (sent,) = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert sent.source == LETTERHEAD.sender
    assert list(dict.fromkeys(sent.destinations)) == ["anna@contoso.example", "ben@contoso.example"]
    message = email.message_from_string(sent.raw_data)
    assert message["Subject"] == "Your new Zoho One account"
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
    assert PASSWORD in sent.raw_data.splitlines()


@pytest.mark.usefixtures("aws")
def test_an_unverified_sender_is_for_an_administrator() -> None:
    with pytest.raises(MailCredentials, match="MessageRejected: the sender is not verified"):
        Ses(ACCESS).send(a_mail(sender="somebody@else.example"))


@pytest.mark.usefixtures("aws")
def test_an_address_that_ses_cannot_take_is_refused() -> None:
    with pytest.raises(MailRefused, match="ASCII"):
        Ses(ACCESS).send(a_mail("jürgen@contoso.example"))
    with pytest.raises(MailCredentials, match="another sender"):
        Ses(ACCESS).send(a_mail(sender="jürgen@contoso.example"))


class Refusing(BaseHTTPRequestHandler):
    """An SES that answers what it is told, and quotes the mail in it."""

    status, code = 200, ""
    calls = 0

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).calls += 1
        body = json.dumps({"message": f"{PASSWORD} {sent}"}).encode()
        self.send_response(self.status)
        self.send_header("x-amzn-ErrorType", self.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Refusing]]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        Refusing.calls = 0
        yield Refusing
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, "TooManyRequestsException", MailBusy),
        (400, "LimitExceededException", MailBusy),
        (400, "ThrottlingException", MailBusy),
        (503, "ServiceUnavailable", MailBusy),
        (403, "AccessDeniedException", MailCredentials),
        (403, "InvalidClientTokenId", MailCredentials),
        (400, "SendingPausedException", MailCredentials),
        (400, "AccountSuspendedException", MailCredentials),
        (400, "MailFromDomainNotVerifiedException", MailCredentials),
        (400, "MessageRejected", MailCredentials),
        (400, "BadRequestException", MailCredentials),
        (404, "NotFoundException", MailCredentials),
    ],
)
def test_says_what_ses_refuses_and_asks_once(
    refusing: type[Refusing], status: int, code: str, error: type[MailError]
) -> None:
    refusing.status, refusing.code = status, code
    with pytest.raises(error, match=f"answered {status} {code}") as raised:
        Ses(ACCESS).send(a_mail())
    assert type(raised.value) is error
    assert not betrays(told(raised.value))
    assert refusing.calls == 1


NOT_VERIFIED = "Email address is not verified. The following identities failed the check in region EU-WEST-1: "


@pytest.mark.parametrize(
    ("status", "code", "message", "error"),
    [
        (400, "BadRequestException", "Invalid domain name: 'contoso'", MailRefused),
        (400, "InvalidParameterValue", "Local address contains control or whitespace", MailRefused),
        (400, "BadRequestException", "Missing final '@domain'", MailRefused),
        (400, "BadRequestException", "Configuration set does not exist", MailCredentials),
        (400, "MessageRejected", f"{NOT_VERIFIED}it@contoso.example", MailCredentials),
        (400, "MessageRejected", f"{NOT_VERIFIED}anna@contoso.example", MailCredentials),
        (400, "MessageRejected", "Sending suspended for this account.", MailCredentials),
        (400, "MessageRejected", "Domain contains dot-dot", MailCredentials),
        (400, "ThrottlingException", "Daily message quota exceeded", MailBusy),
        (400, "LimitExceededException", "", MailBusy),
        (403, "AccessDeniedException", "", MailCredentials),
        (400, "SomethingNew", "", MailCredentials),
        (500, "BadRequestException", "Illegal address", MailBusy),
    ],
)
def test_only_a_word_about_the_recipient_gives_a_mail_up(
    status: int, code: str, message: str, error: type[MailError]
) -> None:
    assert type(meaning(status, code, message)) is error


def test_nobody_there_is_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:1")
    with pytest.raises(MailBusy, match="EndpointConnectionError"):
        Ses(ACCESS).send(a_mail())


def test_no_keys_are_for_an_administrator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(MailCredentials, match="NoCredentialsError"):
        Ses(SesAccess(REGION)).send(a_mail())


def test_the_password_is_in_no_log(refusing: type[Refusing], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refusing.status, refusing.code = 400, "MessageRejected"
    with pytest.raises(MailCredentials):
        Ses(ACCESS).send(a_mail())
    assert not betrays(caplog.text)
    assert "made-up" not in repr(ACCESS)


def test_boto3_is_imported_by_who_uses_it_only() -> None:
    program = "import sys, shared.mail.ses; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
