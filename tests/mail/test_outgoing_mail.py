"""The way of sending mail that the settings choose, and the rest that a failing one is given."""

import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from local.store import new_key
from shared.app.outgoing_mail import NO_BOTO3, NO_WAY, open_postbox
from shared.mail.folder import MailFolder
from shared.mail.graph_mail import GraphMail
from shared.mail.password_mail import NoPostbox, Postbox
from shared.mail.rested import FAILURES, REST, Rested
from shared.mail.ses import Ses
from shared.mail.smtp import Smtp
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused
from shared.settings import Settings
from tests.mail.mails import PASSWORD, a_mail

TENANT = "00000000-0000-0000-0000-000000000001"
NEEDED = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "BRIDGE_ENCRYPTION_KEYS": new_key(),
    "BRIDGE_MAIL_FROM": "it@contoso.example",
}
SES = {"BRIDGE_MAIL": "ses", "BRIDGE_SES_REGION": "eu-central-1"}
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("settings", "transport"),
    [
        ({"BRIDGE_MAIL": "smtp", "BRIDGE_SMTP_HOST": "smtp.contoso.example"}, Smtp),
        (SES, Ses),
        ({"BRIDGE_MAIL": "graph", "BRIDGE_MAIL_TENANT_ID": TENANT}, GraphMail),
        ({"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": "/nowhere"}, MailFolder),
    ],
)
def test_the_settings_choose(settings: dict[str, str], transport: type) -> None:
    postbox = open_postbox(Settings.model_validate(NEEDED | settings), lambda: NOW, in_azure=False)
    assert isinstance(postbox, Postbox)
    assert type(postbox.transport._transport) is transport


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({}, NO_WAY), ({"BRIDGE_MAIL": "smtp"}, "BRIDGE_MAIL=smtp needs BRIDGE_SMTP_HOST"), (SES, NO_BOTO3)],
)
def test_a_wrong_setting_is_told_and_stops_nothing_else(
    settings: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)  # as where it is not installed
    assert open_postbox(Settings.model_validate(NEEDED | settings), lambda: NOW, in_azure=False) == NoPostbox(reason)


def test_a_folder_keeps_mails_for_its_owner_only(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path / "mailbox")
    folder.send(a_mail("anna@contoso.example"))
    folder.send(a_mail("ben@contoso.example"))
    first, second = sorted((tmp_path / "mailbox").iterdir())
    assert (b"anna@" in first.read_bytes(), b"ben@" in second.read_bytes()) == (True, True)
    assert first.stat().st_mode & 0o077 == 0
    (tmp_path / "file").touch()
    with pytest.raises(MailBusy) as raised:
        MailFolder(tmp_path / "file").send(a_mail("anna@contoso.example"))
    assert PASSWORD not in str(raised.value)


class Failing:
    """A transport that fails as it is told."""

    def __init__(self) -> None:
        self.error: MailError | None = None
        self.tries = 0

    def send(self, message: EmailMessage) -> None:
        self.tries += 1
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [MailBusy("down"), MailCredentials("who?")])
def test_three_failures_in_a_row_bring_a_minute_of_rest(error: MailError) -> None:
    now = [NOW]
    failing = Failing()
    rested = Rested(failing, lambda: now[0])
    failing.error = error
    for _ in range(FAILURES + 2):
        with pytest.raises(MailError):
            rested.send(a_mail())
    assert (failing.tries, rested.is_resting) == (FAILURES, True)
    now[0] += REST + timedelta(seconds=1)
    with pytest.raises(MailError):
        rested.send(a_mail())
    assert (failing.tries, rested.is_resting) == (FAILURES + 1, True), "one more is enough"
    rested.wake()
    failing.error = None
    rested.send(a_mail())
    assert not rested.is_resting


def test_a_refused_mail_says_nothing_of_the_server() -> None:
    failing = Failing()
    failing.error = MailRefused("no such mailbox")
    rested = Rested(failing, lambda: NOW)
    for _ in range(FAILURES + 2):
        with pytest.raises(MailRefused):
            rested.send(a_mail())
    assert not rested.is_resting


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"BRIDGE_MAIL": "smtp"}, "BRIDGE_SMTP_HOST"),
        ({"BRIDGE_MAIL": "ses"}, "BRIDGE_SES_REGION"),
        ({"BRIDGE_MAIL": "graph"}, "BRIDGE_MAIL_TENANT_ID"),
        ({"BRIDGE_MAIL": "folder"}, "BRIDGE_MAIL_FOLDER"),
        ({"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": "/tmp/x"}, None),
        ({"BRIDGE_MAIL": "ses", "BRIDGE_SES_REGION": "eu-central-1"}, None),
        ({"BRIDGE_MAIL": "graph", "BRIDGE_MAIL_TENANT_ID": f"{0:08}-0000-0000-0000-{0:012}"}, None),
        ({}, None),
    ],
)
def test_the_app_settings_say_what_they_lack(settings: dict[str, str], message: str | None) -> None:
    read = Settings.model_validate(NEEDED | settings)
    if message is None:
        assert (read.mail_way(in_azure=False) is None) == (settings == {})
    else:
        with pytest.raises(ValueError, match=message):
            read.mail_way(in_azure=False)


def test_a_folder_is_no_way_of_mailing_in_azure(tmp_path: Path) -> None:
    settings = {"BRIDGE_MAIL": "folder", "BRIDGE_MAIL_FOLDER": str(tmp_path)}
    with pytest.raises(ValueError, match="for one machine"):
        Settings.model_validate(NEEDED | settings).mail_way(in_azure=True)
