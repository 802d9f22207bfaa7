"""Mail through Microsoft Graph: against the simulated one, over HTTP."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from local.entra.directory import EntraDirectory
from local.entra.people import PEOPLE
from local.entra.server import graph_of
from shared.mail.graph_mail import GraphMail, meaning
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused
from tests.mail.mails import PASSWORD, a_mail, betrays, told

SENDER = PEOPLE[0].user_principal_name


class Graph:
    """The simulated Graph, and the way to send through it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "made-up"}
        self.token: str = self.session.post(f"{url}/t/oauth2/v2.0/token", data=form, timeout=5).json()["access_token"]
        self.transport = self.sending_with(lambda: self.token)

    def sending_with(self, token: Callable[[], str]) -> GraphMail:
        return GraphMail(self.session, token, f"{self.url}/v1.0")

    def mails(self) -> list[dict[str, Any]]:
        mails: list[dict[str, Any]] = self.session.get(f"{self.url}/_state", timeout=5).json()["mails"]
        return mails

    def fail(self, **fault: Any) -> None:
        assert self.session.post(f"{self.url}/_faults", json=[fault], timeout=5).status_code == 204


@pytest.fixture
def graph() -> Iterator[Graph]:
    with graph_of(EntraDirectory(PEOPLE)) as url:
        graph = Graph(url)
        yield graph
        graph.session.close()


def test_sends_as_html_from_the_mailbox_in_from_and_keeps_no_copy(graph: Graph) -> None:
    mail = a_mail("anna@contoso.example", "ben@contoso.example", sender=SENDER)
    graph.transport.send(mail)
    (sent,) = graph.mails()
    assert sent["from"] == SENDER
    assert sent["saveToSentItems"] is False
    assert sent["message"]["subject"] == "Your new Zoho One account"
    assert sent["message"]["body"]["contentType"] == "HTML"
    assert f">{PASSWORD}</code>" in sent["message"]["body"]["content"]
    addresses = [recipient["emailAddress"]["address"] for recipient in sent["message"]["toRecipients"]]
    assert addresses == ["anna@contoso.example", "ben@contoso.example"]


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ({"status": 429, "body": "TooManyRequests", "headers": {"Retry-After": "17"}}, MailBusy, "429 TooManyRequests"),
        ({"status": 503, "body": "ServiceUnavailable"}, MailBusy, "503 ServiceUnavailable"),
        ({"status": 401, "body": "InvalidAuthenticationToken"}, MailCredentials, "permission Mail.Send"),
        ({"status": 403, "body": "ErrorAccessDenied"}, MailCredentials, "403 ErrorAccessDenied"),
        ({"status": 404, "body": "MailboxNotEnabledForRESTAPI"}, MailCredentials, "the sender a mailbox"),
        ({"status": 400, "body": "ErrorInvalidRecipients"}, MailRefused, "400 ErrorInvalidRecipients"),
        ({"status": 400, "body": "ErrorSubmissionQuotaExceeded"}, MailBusy, "may send no more for now"),
        ({"status": 400, "body": f"Bad: {PASSWORD}"}, MailCredentials, "answered 400"),
        ({"status": 307, "headers": {"Location": "http://127.0.0.1:1/"}}, MailCredentials, "answered 307"),
    ],
)
def test_says_what_graph_refuses(graph: Graph, fault: dict[str, Any], error: type[MailError], text: str) -> None:
    graph.fail(method="POST", path="/v1.0/users/{id}/sendMail", **fault)
    with pytest.raises(error) as raised:
        graph.transport.send(a_mail(sender=SENDER))
    assert type(raised.value) is error
    assert text in str(raised.value)
    assert not betrays(told(raised.value))
    assert graph.mails() == []
    graph.transport.send(a_mail(sender=SENDER))
    assert len(graph.mails()) == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "ErrorInvalidRecipients", MailRefused),
        (404, "ErrorRecipientNotFound", MailRefused),
        (400, "ErrorSubmissionQuotaExceeded", MailBusy),
        (403, "ErrorExceededMessageLimit", MailBusy),
        (429, "ApplicationThrottled", MailBusy),
        (503, "ErrorInvalidRecipients", MailBusy),
        (400, "ErrorSendAsDenied", MailCredentials),
        (403, "ErrorSendAsDenied", MailCredentials),
        (400, "ErrorMessageSubmissionBlocked", MailCredentials),
        (400, "ErrorInvalidUser", MailCredentials),
        (400, "RequestBodyRead", MailCredentials),
        (413, "", MailCredentials),
        (200, "", MailCredentials),
    ],
)
def test_only_a_word_about_the_recipient_gives_a_mail_up(status: int, code: str, error: type[MailError]) -> None:
    assert type(meaning(status, code)) is error


def test_waits_as_long_as_graph_asks(graph: Graph) -> None:
    graph.fail(status=429, headers={"Retry-After": "17"})
    with pytest.raises(MailBusy) as raised:
        graph.transport.send(a_mail(sender=SENDER))
    assert raised.value.retry_after == 17


def test_a_sender_without_a_mailbox_and_a_wrong_token_are_for_an_administrator(graph: Graph) -> None:
    with pytest.raises(MailCredentials):
        graph.transport.send(a_mail(sender="nobody@contoso.example"))
    with pytest.raises(MailCredentials):
        graph.sending_with(lambda: "wrong").send(a_mail(sender=SENDER))


def test_an_answer_that_is_not_graphs_is_told_by_its_status(graph: Graph) -> None:
    transport = GraphMail(graph.session, lambda: graph.token, f"{graph.url}/elsewhere")
    with pytest.raises(MailCredentials, match=r"answered 405 Request_BadRequest"):
        transport.send(a_mail(sender=SENDER))


def test_nobody_there_is_for_later(graph: Graph) -> None:
    with pytest.raises(MailBusy, match=r"did not answer \(ConnectionError\)"):
        GraphMail(graph.session, lambda: "", "http://127.0.0.1:1").send(a_mail())


def test_the_password_is_in_no_log(graph: Graph, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    graph.transport.send(a_mail(sender=SENDER))
    graph.fail(status=400, body=PASSWORD)
    with pytest.raises(MailCredentials):
        graph.transport.send(a_mail(sender=SENDER))
    assert "sendMail" in caplog.text
    assert not betrays(caplog.text)
