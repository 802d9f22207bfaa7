"""A store's token endpoint, and the access tokens that it issues."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest
from pydantic import HttpUrl

from shared.app.container import Bridge
from shared.entra.errors import GraphBusy
from shared.rules.inbound_sign_in import Federation, OAuthClient
from shared.rules.secret_token import newest_only
from shared.rules.store import Store, ZohoConnection
from shared.scim.access_tokens import LIFETIME, AccessTokens
from shared.scim.endpoint import HttpRequest
from shared.scim.token_endpoint import ASSERTION, FAILURES, MAX_BODY, TOKENS, TokenEndpoint

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FEDERATION = Federation(
    tenant_id="11111111-2222-3333-4444-555555555555",
    subject="7f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c",
    audience="api://app",
)
CLIENT = OAuthClient(client_id="entra").with_secret("s3cret:%+ é")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _store(store_id: str = "contoso", **changes: Any) -> Store:
    zoho = ZohoConnection(sync_endpoint=HttpUrl("https://zoho.example/scim"), data_center="us", client_id="c")
    return Store(id=store_id, name=store_id, zoho=zoho, oauth_client=CLIENT, federation=FEDERATION).model_copy(
        update=changes
    )


@dataclass
class Desk:
    """A token endpoint with a clock of its own."""

    at: datetime = NOW
    seconds: float = 0.0
    good: str = "good.assertion."
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = AccessTokens(b"k" * 32, lambda: self.at)
        self.endpoint = TokenEndpoint(self.tokens, self._asserts, lambda: self.seconds)

    def _asserts(self, _store: Store, federation: Federation, token: str) -> bool:
        self.asked.append(token)
        if token == "busy":
            raise GraphBusy("Entra's signing keys are out of reach")
        return federation == FEDERATION and token == self.good

    def ask(
        self,
        store: Store | None,
        form: dict[str, str] | bytes,
        headers: dict[str, str] | None = None,
        method: str = "POST",
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """The status, the body and the headers of an answer."""
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        named = {name.lower(): value for name, value in (FORM | (headers or {})).items()}
        status, told, said = self.endpoint.answer(store, method, named, body)
        assert told["Cache-Control"] == "no-store"
        return status.value, json.loads(said), told


def _secret(**changes: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": "entra", "client_secret": "s3cret:%+ é"} | changes


def _basic(client_id: str, secret: str) -> dict[str, str]:
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def _assertion(**changes: str) -> dict[str, str]:
    standard = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION}
    return standard | {"client_assertion": "good.assertion."} | changes


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        (_secret(), {}),
        (_secret(scope="anything"), {}),
        ({"grant_type": "client_credentials"}, _basic("entra", "s3cret:%+ é")),
        (_assertion(), {}),
        (_assertion(client_id="whatever"), {}),
        (_secret(), {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}),
    ],
)
def test_a_client_gets_a_token_for_its_store_for_a_quarter_of_an_hour(
    form: dict[str, str], headers: dict[str, str]
) -> None:
    desk, store = Desk(), _store()
    status, said, _ = desk.ask(store, form, headers)
    assert (status, said["token_type"], said["expires_in"]) == (200, "Bearer", 900)
    token = said["access_token"]
    assert desk.tokens.accepts(store, token)
    assert not desk.tokens.accepts(_store("fabrikam"), token), "another store's"
    assert not desk.tokens.accepts(store.model_copy(update={"incarnation": "again"}), token), "added again"
    desk.at += LIFETIME - timedelta(seconds=1)
    assert desk.tokens.accepts(store, token)
    desk.at += timedelta(seconds=1)
    assert not desk.tokens.accepts(store, token)


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        (_secret(client_secret="wrong"), {}, 401, "invalid_client"),
        (_secret(client_id="other"), {}, 401, "invalid_client"),
        (_secret(client_secret=""), {}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, _basic("entra", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic %%%"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic /w=="}, 401, "invalid_client"),
        (_secret(), _basic("entra", "s3cret:%+ é"), 400, "invalid_request"),
        (_assertion(client_assertion="another"), {}, 401, "invalid_client"),
        (_assertion(client_assertion=""), {}, 401, "invalid_client"),
        (_assertion(client_assertion_type="saml"), {}, 400, "invalid_request"),
        (_secret() | {"client_assertion": "x"}, {}, 400, "invalid_request"),
        (_assertion(client_assertion="busy"), {}, 503, "temporarily_unavailable"),
        (_secret(grant_type="password"), {}, 400, "unsupported_grant_type"),
        ({}, {}, 400, "unsupported_grant_type"),
        (_secret(), {"Content-Type": "application/json"}, 400, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=x", {}, 400, "invalid_request"),
        (b"\xff\xfe", {}, 400, "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(50)), {}, 400, "invalid_request"),
        (b"a=" + b"x" * MAX_BODY, {}, 413, "invalid_request"),
    ],
)
def test_anything_else_is_refused_in_oauths_words(
    form: dict[str, str] | bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answered, said, told = Desk().ask(_store(), form, headers)
    assert (answered, said["error"]) == (status, error)
    assert "s3cret" not in json.dumps(said)
    assert ("WWW-Authenticate" in told) is (status == 401)
    assert ("Retry-After" in told) is (status == 503)


def test_only_by_post() -> None:
    assert Desk().ask(_store(), b"", method="GET")[0] == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("form", [_secret(), _assertion()])
def test_a_store_that_knows_no_client_is_answered_as_one_that_is_not_there(form: dict[str, str]) -> None:
    desk = Desk()
    bare = _store(oauth_client=None, federation=None)
    assert desk.ask(bare, form)[:2] == desk.ask(None, form)[:2]
    assert desk.ask(None, form)[0] == 401
    assert desk.asked == []


def test_a_token_ends_with_its_credential() -> None:
    desk, store = Desk(), _store()
    rotated = store.model_copy(update={"oauth_client": CLIENT.with_secret("second")})
    token = desk.ask(store, _secret())[1]["access_token"]
    federated = desk.ask(store, _assertion())[1]["access_token"]
    assert desk.tokens.accepts(rotated, token), "two secrets are valid, so that Entra can be given the new one"
    assert rotated.oauth_client is not None
    newest = rotated.oauth_client.model_copy(update={"secret_hashes": newest_only(rotated.oauth_client.secret_hashes)})
    assert not desk.tokens.accepts(store.model_copy(update={"oauth_client": newest}), token)
    assert desk.tokens.accepts(store.model_copy(update={"oauth_client": None}), federated)
    other = FEDERATION.model_copy(update={"audience": "api://other"})
    for federation in (None, other):
        assert not desk.tokens.accepts(store.model_copy(update={"federation": federation}), federated)


def test_refusals_are_limited_and_stop_nobody_who_is_right() -> None:
    desk, store, other = Desk(), _store(), _store("fabrikam")
    statuses = [desk.ask(store, _secret(client_secret=f"guess {number}"))[0] for number in range(FAILURES + 3)]
    assert statuses == [401] * FAILURES + [429] * 3
    assert desk.ask(store, _secret())[0] == 200, "a valid request passes whatever others send"
    assert desk.ask(other, _secret(client_secret="guess"))[0] == 401
    desk.seconds += 60
    assert desk.ask(store, _secret(client_secret="guess"))[0] == 401


def test_tokens_are_limited_too() -> None:
    desk, store = Desk(), _store()
    statuses = [desk.ask(store, _secret())[0] for _ in range(TOKENS + 1)]
    assert statuses == [200] * TOKENS + [429]


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "another"},
        {"aud": "fabrikam "},
        {"exp": int(NOW.timestamp()) - 1},
        {"credential": "0" * 16},
        {"more": "x"},
        {"exp": None},
    ],
)
def test_a_token_that_says_something_else_is_refused(change: dict[str, Any]) -> None:
    desk, store = Desk(), _store()
    token = desk.tokens.issue(store, FEDERATION.credential)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert desk.tokens.accepts(store, jwt.encode(claims, b"k" * 32, algorithm="HS256"))
    changed = {name: value for name, value in (claims | change).items() if value is not None}
    assert not desk.tokens.accepts(store, jwt.encode(changed, b"k" * 32, algorithm="HS256"))
    assert not desk.tokens.accepts(store, jwt.encode(claims, b"o" * 32, algorithm="HS256"))
    assert not desk.tokens.accepts(store, jwt.encode(claims, "", algorithm="none"))


@pytest.mark.parametrize("path", ["/oauth/token", "/scim/oauth/token", "/OAuth/Token/"])
def test_entra_signs_in_with_client_credentials(bridge: Bridge, store: Store, path: str) -> None:
    bridge.stores.put(store.model_copy(update={"oauth_client": CLIENT}))
    url = f"https://bridge.example/scim/{store.id}"

    def ask(form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        request = HttpRequest("POST", f"{url}{path}", FORM, urlencode(form).encode())
        answer = bridge.sync_endpoint.handle(store.id, request)
        return answer.status, json.loads(answer.body)

    status, said = ask(_secret())
    assert status == 200
    query = "/Users?filter=userName%20eq%20%22nobody%22"
    headers = {"Authorization": f"Bearer {said['access_token']}"}
    assert bridge.sync_endpoint.handle(store.id, HttpRequest("GET", url + query, headers)).status == 200
    assert bridge.sync_endpoint.handle(store.id, HttpRequest("GET", url + query)).status == 401
    assert ask(_secret(client_secret="wrong"))[0] == 401
    nowhere = HttpRequest("POST", "https://b.example/scim/nowhere/oauth/token", FORM, urlencode(_secret()).encode())
    assert bridge.sync_endpoint.handle("nowhere", nowhere).status == 401
