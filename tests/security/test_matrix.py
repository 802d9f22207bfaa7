"""Who gets in where: every address and method of the app for twelve callers."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.app.container import Bridge
from shared.console.form_token import FIELD, form_token
from shared.console.sign_in import IDLE
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest
from tests.console.conftest import SignIns
from tests.console.signing_in import ADMIN, ORIGIN, OWNER, UNASSIGNED, WITHOUT_ROLE, Visitor
from tests.security.routes import OWNERS, OWNERS_FORMS, PUBLIC, Way, ways

COOKIE = "__Host-bridge-session"
TO_SIGN_IN = ("/console/sign-in?", "/console/signed-out")
PRINCIPAL = "eyJyb2xlX3R5cCI6InJvbGVzIiwiY2xhaW1zIjpbeyJ0eXAiOiJyb2xlcyIsInZhbCI6Ik9yZ2FuaXphdGlvbi5Pd25lciJ9XX0="
"""An owner, as App Service Authentication would say it."""


@dataclass
class Caller:
    """Somebody who sends requests."""

    visitor: Visitor
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    def send(self, way: Way, method: str = "") -> TestResponse:
        """One request, with a form token if the caller has one."""
        client: FlaskClient = self.visitor.client
        data = {FIELD: self.token} if self.token else None
        return client.open(
            way.path, method=method or way.method, base_url=ORIGIN, headers=dict(self.headers), data=data
        )


@pytest.fixture
def strangers(sign_ins: SignIns, new_store_token: str) -> dict[str, Caller]:
    """Ten callers who must not get in."""
    callers = {"nobody": Caller(sign_ins.visitor())}
    headers = {"X-MS-CLIENT-PRINCIPAL": PRINCIPAL, "X-MS-CLIENT-PRINCIPAL-ID": "owner", "X-Forwarded-User": "owner"}
    callers["somebody with the platform's headers"] = Caller(sign_ins.visitor(), headers)
    callers["a store's secret token"] = Caller(sign_ins.visitor(), {"Authorization": f"Bearer {new_store_token}"})
    callers["a made-up cookie"] = Caller(_with_cookie(sign_ins, "a" * 43 + ".1." + "0" * 64))
    owner = sign_ins.visitor()
    owner.sign_in(OWNER)
    value = owner.session_cookie
    callers["an altered cookie"] = Caller(_with_cookie(sign_ins, value[:-1] + ("0" if value[-1] != "0" else "1")))
    callers["a cookie made younger"] = Caller(_with_cookie(sign_ins, value.replace(".1", ".2", 1)))
    gone = sign_ins.visitor()
    gone.sign_in(OWNER)
    kept = gone.session_cookie
    gone.post("/console/sign-out", {FIELD: gone.token()})
    callers["a cookie from before the sign-out"] = Caller(_with_cookie(sign_ins, kept))
    for name, person in (("somebody without a role", WITHOUT_ROLE), ("somebody who is not assigned", UNASSIGNED)):
        refused = sign_ins.visitor()
        refused.sign_in(person)
        callers[name] = Caller(refused)
    other = sign_ins.visitor(BRIDGE_SIGN_IN_CLIENT_ID="99999999-9999-4999-8999-999999999999")
    other.session_cookie = value
    callers["a session of another app"] = Caller(other)
    return callers


def _with_cookie(sign_ins: SignIns, value: str) -> Visitor:
    visitor = sign_ins.visitor()
    visitor.session_cookie = value
    return visitor


def _ways(callers: Mapping[str, Caller], store: Store) -> list[Way]:
    app = next(iter(callers.values())).visitor.app
    values = {"store_id": store.id, "identity_id": "0" * 32, "group_id": "0" * 32, "reader": "user", "language": "en"}
    return list(ways(app, values | {"target": "title", "form": "csv"}))


def test_no_stranger_gets_in_anywhere(strangers: dict[str, Caller], store: Store, table_calls: list[str]) -> None:
    counts, found = Counter[str](), _ways(strangers, store)
    assert len({way.endpoint for way in found}) > 60, "the routes are read"
    for name, caller in strangers.items():
        for way in found:
            if way.endpoint in PUBLIC:
                continue
            table_calls.clear()
            answer = caller.send(way)
            where = (name, way, answer.status_code)
            led = answer.status_code in (302, 303) and answer.headers["Location"].startswith(TO_SIGN_IN)
            assert led or answer.status_code in (401, 403), where
            assert store.name not in answer.text, where
            assert set(table_calls) <= {"GET"}, (where, "nothing was written")
            counts[name] += 1
    assert len(counts) == 10
    assert sum(counts.values()) > 800


def test_no_other_method_does_anything(sign_ins: SignIns, store: Store, table_calls: list[str]) -> None:
    nobody = Caller(sign_ins.visitor())
    for way in _ways({"nobody": nobody}, store):
        if way.endpoint in PUBLIC:
            continue
        for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
            table_calls.clear()
            answer = nobody.send(way, method)
            assert store.name not in answer.text, (way, method)
            assert set(table_calls) <= {"GET"}, (way, method)


def _signed_in(sign_ins: SignIns, person: str) -> Caller:
    visitor = sign_ins.visitor()
    visitor.sign_in(person)
    return Caller(visitor, token=visitor.token())


def test_an_admin_does_nothing_that_is_an_owners(sign_ins: SignIns, store: Store, table_calls: list[str]) -> None:
    admin, owner, own = _signed_in(sign_ins, ADMIN), _signed_in(sign_ins, OWNER), 0
    for way in _ways({"admin": admin}, store):
        if way.endpoint in OWNERS or (way.endpoint in OWNERS_FORMS and way.method == "POST"):
            table_calls.clear()
            answer = admin.send(way)
            assert answer.status_code == 403, way
            assert set(table_calls) <= {"GET"}, way
            assert owner.send(way).status_code != 403 or way.endpoint == "sign_in.end_all", way
            own += 1
            if way.endpoint.startswith("sign_in."):  # which may have ended the owner's own session
                owner = _signed_in(sign_ins, OWNER)
        elif way.endpoint not in PUBLIC and way.method == "GET":
            assert 403 != admin.send(way).status_code < 500, way
    assert own >= 6


def test_no_form_counts_that_is_not_of_the_own_session(sign_ins: SignIns, store: Store, table_calls: list[str]) -> None:
    """Every form of every page, sent as another site's page or another session's could send it."""
    owner, other = _signed_in(sign_ins, OWNER), _signed_in(sign_ins, ADMIN)
    secret = sign_ins.bridge.secret("forms")
    kinds: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "none": ({}, {}),
        "made up": ({FIELD: "x" * 40}, {}),
        "another's": ({FIELD: other.token}, {}),
        "of another key": ({FIELD: form_token(b"other", owner.token.partition(".")[0], OWNER)}, {}),
        "of no session": ({FIELD: form_token(secret, "local", OWNER)}, {}),
        "from another site": ({FIELD: owner.token}, {"Sec-Fetch-Site": "cross-site"}),
        "from a neighbour": ({FIELD: owner.token}, {"Sec-Fetch-Site": "same-site"}),
    }
    sent = 0
    for way in _ways({"owner": owner}, store):
        if way.method != "POST" or way.endpoint in PUBLIC:
            continue
        for kind, (data, headers) in kinds.items():
            table_calls.clear()
            answer = owner.visitor.client.post(way.path, base_url=ORIGIN, data=data, headers=headers)
            # A form of an earlier session of the same administrator's is kept, shown again, and not carried out.
            assert answer.status_code == (409 if kind == "of no session" else 403), (kind, way)
            assert set(table_calls) <= {"GET", "POST"}, (kind, way)  # a form of another session is kept to be shown
            sent += 1
    assert sent > 250
    assert owner.visitor.get("/console/").status_code == 200, "the session goes on"


def test_a_session_that_was_not_used_for_an_hour_opens_nothing(sign_ins: SignIns, store: Store) -> None:
    owner = _signed_in(sign_ins, OWNER)
    sign_ins.clock.forward(seconds=IDLE.total_seconds() + 1)
    for way in _ways({"owner": owner}, store):
        if way.endpoint not in PUBLIC and way.method == "GET":
            assert owner.send(way).status_code == 302, way


SCIM_PATHS = (
    *("", "/", "/Users", "/Users/x", "/Groups", "/Groups/x", "/.search", "/Users/.search", "/Bulk", "/Me", "/Schemas"),
    *("/ResourceTypes", "/ServiceProviderConfig", "/scim/Users", "//Users", "/Users/../Groups", "/%2e%2e/Users", "/x"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def test_the_sync_endpoint_takes_no_token_but_the_stores_own(
    bridge: Bridge, store: Store, new_store_token: str, table_calls: list[str]
) -> None:
    digest = hashlib.sha256(new_store_token.encode()).hexdigest()
    callers: dict[str, dict[str, str]] = {
        "nobody": {},
        "an empty token": {"authorization": "Bearer "},
        "a made-up token": {"authorization": "Bearer " + "x" * 43},
        "the token's digest": {"authorization": f"Bearer {digest}"},
        "part of the token": {"authorization": f"Bearer {new_store_token[:-1]}"},
        "more than the token": {"authorization": f"Bearer {new_store_token}x"},
        "in other letters": {"authorization": f"Bearer {new_store_token.swapcase()}"},
        "another scheme": {"authorization": f"Basic {new_store_token}"},
        "without a scheme": {"authorization": new_store_token},
        "an administrator's headers": {"x-ms-client-principal": PRINCIPAL, "cookie": f"{COOKIE}=x"},
        "a token in another header": {"x-authorization": f"Bearer {new_store_token}", "token": new_store_token},
        "an unsigned token": {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0."},
    }
    for name, headers in callers.items():
        for path in SCIM_PATHS:
            for method in METHODS:
                table_calls.clear()
                url = f"https://bridge.example/scim/{store.id}{path}?access_token={new_store_token}"
                answer = bridge.sync_endpoint.handle(store.id, HttpRequest(method, url, headers, b'{"userName": "x"}'))
                assert answer.status == 401, (name, method, path)
                assert set(table_calls) <= {"GET"}, (name, method, path)
