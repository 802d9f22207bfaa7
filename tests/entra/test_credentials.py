"""Access tokens through MSAL, from the simulated sign-in over https with a certificate nobody else trusts."""

import logging
from typing import Any

import pytest
import requests

from local.entra.certificate import make_certificate
from shared.entra.credentials import EntraTokens
from shared.entra.errors import GraphBusy, GraphCredentials, GraphUnclear
from shared.outgoing import OutgoingSession
from shared.rules.entra_connection import Credential
from tests.conftest import Entra

TOKEN = "/{tenant}/oauth2/v2.0/token"
DISCOVERY = "/{tenant}/v2.0/.well-known/openid-configuration"

UNREADABLE = "\n".join(f"-----BEGIN {kind}-----\nx\n-----END {kind}-----" for kind in ("CERTIFICATE", "PRIVATE KEY"))


def works(entra: Entra, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{entra.ready['graph']}/domains", headers=headers, timeout=5).status_code == 200


def test_a_secret_gives_a_token_that_is_kept_until_it_is_rejected(entra: Entra) -> None:
    tokens = entra.tokens()
    first = tokens.current()
    assert works(entra, first)
    assert tokens.current() == first
    assert entra.sign_ins() == 1
    tokens.rejected("another")
    assert tokens.current() == first
    tokens.rejected(first)
    assert tokens.current() != first
    assert entra.sign_ins() == 2


def test_a_certificate_gives_a_token(entra: Entra) -> None:
    certificate, key = make_certificate("bridge")
    entra.set(certificate=certificate)
    assert works(entra, entra.tokens(lambda: key + certificate, credential=Credential.CERTIFICATE).current())


def test_a_managed_identity_gives_a_token_without_any_secret(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_secret() -> str:
        raise AssertionError("a managed identity has no secret")

    monkeypatch.setenv("IDENTITY_ENDPOINT", entra.ready["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", entra.ready["identity_header"])
    for client_id in (None, entra.ready["client_id"]):
        tokens = entra.tokens(no_secret, credential=Credential.MANAGED_IDENTITY, client_id=client_id)
        assert works(entra, tokens.current())
        assert tokens.current() == tokens.current()
    assert entra.sign_ins() == 2
    entra.fail("/msi/token", status=500, body={"statusCode": 500, "message": "later"})
    with pytest.raises(GraphBusy):
        entra.tokens(no_secret, credential=Credential.MANAGED_IDENTITY).current()
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(GraphCredentials):
        entra.tokens(no_secret, credential=Credential.MANAGED_IDENTITY).current()


@pytest.mark.parametrize(
    ("secret", "changes", "text"),
    [
        ("wrong", {}, "AADSTS7000215.*paste the secret's Value"),
        (" ", {}, "no client secret"),
        (None, {"tenant_id": "00000000-0000-0000-0000-000000000000"}, r"Directory \(tenant\) ID"),
        ("no PEM", {"credential": "certificate"}, "not PEM"),
        ("".join(make_certificate("unknown")), {"credential": "certificate"}, "AADSTS700027.*upload it"),
        (make_certificate("a")[0] + make_certificate("b")[1], {"credential": "certificate"}, "not the certificate's"),
        (UNREADABLE, {"credential": "certificate"}, "cannot be read"),
    ],
)
def test_wrong_credentials_name_the_cure(entra: Entra, secret: str | None, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(GraphCredentials, match=text) as raised:
        entra.tokens(None if secret is None else lambda: secret, **changes).current()
    assert raised.value.__cause__ is None
    assert "PRIVATE KEY" not in str(raised.value)


def test_a_secret_that_was_put_right_is_read_again(entra: Entra) -> None:
    secrets = iter(["wrong", entra.ready["client_secret"]])
    tokens = entra.tokens(lambda: next(secrets))
    with pytest.raises(GraphCredentials):
        tokens.current()
    assert works(entra, tokens.current())


@pytest.mark.parametrize(
    ("path", "fault", "error"),
    [
        (TOKEN, {"status": 503}, GraphBusy),
        (TOKEN, {"status": 500, "body": "<html>"}, GraphBusy),
        (TOKEN, {"status": 400, "body": {"error": "temporarily_unavailable"}}, GraphBusy),
        (TOKEN, {"status": 200, "body": "<html>"}, GraphUnclear),
        (TOKEN, {"status": 200, "body": ["a"]}, GraphUnclear),
        (TOKEN, {"status": 200, "body": {}}, GraphUnclear),
        (TOKEN, {"status": 307, "headers": {"Location": "http://127.0.0.1:1/"}}, GraphBusy),
        (DISCOVERY, {"status": 503}, GraphBusy),
        (DISCOVERY, {"status": 200, "body": {}}, GraphUnclear),
    ],
)
def test_a_sign_in_that_is_out_of_order_is_for_later(
    entra: Entra, path: str, fault: dict[str, Any], error: type[GraphBusy]
) -> None:
    entra.fail(path, **fault)
    tokens = entra.tokens()
    with pytest.raises(error):
        tokens.current()


def test_a_certificate_that_nobody_trusts_is_refused_whatever_the_caller_says(entra: Entra) -> None:
    session = OutgoingSession()
    with pytest.raises(requests.exceptions.SSLError):
        session.get(entra.ready["login"], verify=False)
    with pytest.raises(GraphBusy, match="SSLError"):
        EntraTokens(entra.connection(), session, lambda: "secret", local=True).current()
    session.close()


def test_tokens_and_secrets_are_in_no_log(entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = entra.tokens().current()
    with pytest.raises(GraphCredentials):
        entra.tokens(lambda: "sesame-open").current()
    assert entra.ready["tenant_id"] in caplog.text
    for secret in (token, "sesame-open", entra.ready["client_secret"]):
        assert secret not in caplog.text
