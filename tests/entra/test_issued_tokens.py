"""Entra's own tokens, signed with a key of the test's and checked against keys that a loopback server hands out."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.entra.errors import GraphBusy
from shared.entra.issued_tokens import PROVISIONING_SERVICE, IssuedTokens
from shared.entra.signing_keys import FAILURE_SECONDS, KEYS_SECONDS, UNKNOWN_KEY_SECONDS, SigningKeys
from shared.outgoing import OutgoingSession
from shared.rules.clouds import CLOUDS, Cloud, CloudName
from shared.rules.inbound_sign_in import Federation
from tests.entra.claims import TENANT, claims_with

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Login:
    """Where Entra publishes its keys."""

    url: str = ""
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {"one": KEY})
    asked: int = 0
    silent: bool = False
    asking: Event | None = None
    """What an answer waits for."""
    reached: Event = field(default_factory=Event)


@pytest.fixture
def login() -> Iterator[Login]:
    login = Login()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            login.asked += 1
            login.reached.set()
            if login.asking is not None:
                login.asking.wait(5)
            keys = [
                json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": name, "use": "sig"}
                for name, key in login.keys.items()
            ]
            body = json.dumps({"keys": keys}).encode()
            self.send_response(503 if login.silent else 200 if self.path == f"/{TENANT}/discovery/keys" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    login.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield login
    server.shutdown()
    server.server_close()


def _token(key: rsa.RSAPrivateKey = KEY, kid: str = "one", algorithm: str = "RS256", **claims: Any) -> str:
    secret = "k" * 32 if algorithm == "HS256" else key
    return jwt.encode(claims_with(**claims), secret, algorithm=algorithm, headers={"kid": kid})


def _tokens(
    login: str, monotonic: Callable[[], float] = time.monotonic, cloud: Cloud = CLOUDS[CloudName.GLOBAL]
) -> IssuedTokens:
    return IssuedTokens(SigningKeys(OutgoingSession(), monotonic), login, cloud)


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CASES = {
    "Entra's own": (_token(), True),
    "expired": (_token(exp=LONG_AGO), False),
    "without an end": (_token(exp=None), False),
    "another tenant's": (_token(iss="https://sts.windows.net/99999999-2222-3333-4444-555555555555/"), False),
    "for another audience": (_token(aud="00000003-0000-0000-c000-000000000000"), False),
    "signed by somebody else": (_token(key=OTHER), False),
    "of an unknown key": (_token(kid="two"), False),
    "signed with a shared secret": (_token(algorithm="HS256"), False),
    "no token at all": ("not.a.token", False),
    "empty": ("", False),
}


APP, OTHER_APP = "8f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c", "9f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c"


@pytest.mark.parametrize(
    ("claims", "any_app", "one_app"),
    [
        ({}, True, False),
        ({"appid": APP}, True, True),
        ({"appid": APP.upper(), "idtyp": "app", "oid": "o", "sub": "o"}, True, True),
        ({"azp": APP}, True, True),
        ({"appid": OTHER_APP}, True, False),
        ({"appid": OTHER_APP, "azp": APP}, True, False),
        ({"appid": APP, "idtyp": "user"}, False, False),
        ({"appid": APP, "idtyp": ""}, False, False),
        ({"appid": APP, "scp": "user_impersonation"}, False, False),
        ({"appid": APP, "upn": "ann@contoso.example"}, False, False),
        ({"appid": APP, "unique_name": "ann"}, False, False),
        ({"appid": APP, "preferred_username": "ann"}, False, False),
        ({"appid": APP, "oid": "o", "sub": "another"}, False, False),
    ],
)
def test_whose_token_is_accepted(login: Login, claims: dict[str, Any], any_app: bool, one_app: bool) -> None:
    tokens = _tokens(login.url)
    assert tokens.accepts(TENANT, _token(**claims)) is any_app
    assert tokens.accepts(TENANT, _token(**claims), APP) is one_app


IDENTITY = "7f0a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c"


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({}, True),
        ({"aud": ["api://app", "another"]}, False),
        ({"sub": OTHER_APP}, False),
        ({"sub": None}, False),
        ({"aud": "api://other"}, False),
        ({"aud": None}, False),
        ({"iss": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/"}, False),
        ({"iss": None}, False),
        ({"exp": LONG_AGO}, False),
        ({"exp": None}, False),
        ({"nbf": datetime(2100, 1, 1, tzinfo=UTC)}, False),
        ({"key": OTHER}, False),
        ({"kid": "two"}, False),
        ({"algorithm": "HS256"}, False),
    ],
)
def test_an_assertion_is_entras_word_about_one_identity(login: Login, claims: dict[str, Any], accepted: bool) -> None:
    federation = Federation(tenant_id=TENANT, subject=IDENTITY, audience="api://app")
    standard = {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "aud": "api://app", "sub": IDENTITY}
    assert _tokens(login.url).asserts(federation, _token(**(standard | claims))) is accepted
    other = federation.model_copy(update={"tenant_id": "99999999-2222-3333-4444-555555555555"})
    assert not _tokens(login.url).asserts(other, _token(**(standard | claims)))


def test_an_assertion_about_somebody_else_does_not_make_us_ask_for_keys(login: Login) -> None:
    federation = Federation(tenant_id=TENANT, subject=IDENTITY, audience="api://app")
    for token in (
        _token(sub=IDENTITY),
        _token(iss=f"https://login.microsoftonline.com/{TENANT}/v2.0", sub="x"),
        "no.token.",
        "",
    ):
        assert not _tokens(login.url).asserts(federation, token)
    assert login.asked == 0


ISSUERS = {
    CloudName.GLOBAL: ("sts.windows.net", "login.microsoftonline.com"),
    CloudName.US_GOVERNMENT: ("sts.windows.net", "login.microsoftonline.us"),
    CloudName.US_DOD: ("sts.windows.net", "login.microsoftonline.us"),
    CloudName.CHINA: ("sts.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
}


@pytest.mark.parametrize("name", CloudName)
def test_each_clouds_tokens_are_its_own(login: Login, name: CloudName) -> None:
    tokens = _tokens(login.url, cloud=CLOUDS[name])
    federation = Federation(tenant_id=TENANT, subject=IDENTITY, audience="api://app")
    for first, second in set(ISSUERS.values()):
        issued = _token(iss=f"https://{first}/{TENANT}/")
        assert tokens.accepts(TENANT, issued) is (first == ISSUERS[name][0])
        asserted = _token(iss=f"https://{second}/{TENANT}/v2.0", sub=IDENTITY, aud="api://app")
        assert tokens.asserts(federation, asserted) is (second == ISSUERS[name][1])


@pytest.mark.parametrize("name", CASES)
def test_only_entras_own_token_is_accepted(login: Login, name: str) -> None:
    token, accepted = CASES[name]
    assert _tokens(login.url).accepts(TENANT, token) is accepted


def test_an_unsigned_token_is_refused(login: Login) -> None:
    claims = _token().split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg": "none", "kid": "one"}').decode().rstrip("=")
    assert not _tokens(login.url).accepts(TENANT, f"{header}.{claims}.")


def test_keys_are_asked_for_once_and_a_new_key_is_found(login: Login) -> None:
    now = [0.0]
    tokens = _tokens(login.url, lambda: now[0])
    for _ in range(5):
        assert tokens.accepts(TENANT, _token())
    assert login.asked == 1
    login.keys["two"] = OTHER
    assert tokens.accepts(TENANT, _token(OTHER, "two"))
    assert login.asked == 2
    for number in range(20):
        assert not tokens.accepts(TENANT, _token(kid=f"made-up-{number}"))
    assert login.asked == 2, "made-up tokens do not make us ask"
    now[0] += UNKNOWN_KEY_SECONDS
    assert not tokens.accepts(TENANT, _token(kid="made-up"))
    assert login.asked == 3


def test_keys_out_of_reach_are_no_refusal() -> None:
    with pytest.raises(GraphBusy):
        _tokens("http://127.0.0.1:1").accepts(TENANT, _token())


def test_a_failure_is_remembered_and_keys_that_are_known_go_on(login: Login) -> None:
    now = [0.0]
    tokens = _tokens(login.url, lambda: now[0])
    assert tokens.accepts(TENANT, _token())
    now[0] += KEYS_SECONDS
    login.silent = True
    for _ in range(5):
        assert tokens.accepts(TENANT, _token()), "known keys are good for a day"
        with pytest.raises(GraphBusy):
            tokens.accepts(TENANT, _token(kid="two"))
    assert login.asked == 2
    now[0] += FAILURE_SECONDS
    login.silent = False
    assert not tokens.accepts(TENANT, _token(kid="two"))
    assert login.asked == 3


def test_what_needs_no_key_asks_nobody(login: Login) -> None:
    tokens = _tokens(login.url)
    for claims in ({"iss": "https://evil.example/"}, {"aud": "another"}, {"aud": ["x", PROVISIONING_SERVICE]}):
        assert not tokens.accepts(TENANT, _token(kid="made-up", **claims))
    assert not tokens.accepts(TENANT, _token(kid="made-up", algorithm="HS256"))
    assert login.asked == 0


def test_made_up_tokens_make_one_thread_wait(login: Login) -> None:
    """Entra's keys take a while: whoever comes meanwhile is told so at once."""
    tokens, answers = _tokens(login.url), list[str]()

    def present() -> None:
        since = time.monotonic()
        try:
            told = str(tokens.accepts(TENANT, _token(kid="made-up")))
        except GraphBusy:
            told = "busy"
        answers.append(f"{told} {'at once' if time.monotonic() - since < 1 else 'late'}")

    login.asking = Event()
    first = Thread(target=present)
    first.start()
    assert login.reached.wait(5)
    others = [Thread(target=present) for _ in range(8)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert answers == ["busy at once"] * 8
    login.asking.set()
    first.join()
    assert login.asked == 1
