"""Tokens that look like Entra's: none is accepted, whatever its header says and wherever it says its key is."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import RSAAlgorithm

from shared.entra.issued_tokens import PROVISIONING_SERVICE, IssuedTokens
from shared.entra.signing_keys import SigningKeys
from tests.entra.claims import TENANT, claims_with

KEY, EVIL = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
JWK = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "one", "use": "sig"}
EVIL_JWK = json.loads(RSAAlgorithm.to_jwk(EVIL.public_key())) | {"kid": "one"}


class Entra(requests.Session):
    """Publishes one key, and notes who else was asked for one."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, url: str | bytes, **_: Any) -> requests.Response:
        self.asked.append(str(url))
        response = requests.Response()
        response.status_code = 200
        response._content = json.dumps({"keys": [JWK]}).encode()
        return response


def _part(value: object) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(value, default=lambda at: int(at.timestamp())).encode())
        .decode()
        .rstrip("=")
    )


def _signed(key: Any = EVIL, algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    return jwt.encode(claims_with(**claims), key, algorithm, headers={"kid": "one"} | (header or {}))


def _unsigned(algorithm: str, signature: str = "") -> str:
    return f"{_part({'alg': algorithm, 'kid': 'one'})}.{_part(claims_with())}.{signature}"


def _hmac(secret: bytes, algorithm: str) -> str:
    """Signed with the public key as a shared secret, which PyJWT itself refuses to do."""

    head = f"{_part({'alg': algorithm, 'kid': 'one'})}.{_part(claims_with())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    return f"{head}.{base64.urlsafe_b64encode(hmac.new(secret, head.encode(), digest).digest()).decode().rstrip('=')}"


GOOD = _signed(KEY)
HEAD, BODY, SIGNATURE = GOOD.split(".")
LATE = datetime(2020, 1, 1, tzinfo=UTC)
FORGED = {
    **{f"unsigned, {name}": _unsigned(name) for name in ("none", "None", "NONE", "nOnE", "", "RS256")},
    **{f"the public key as a secret, {name}": _hmac(PUBLIC, name) for name in ("HS256", "HS384", "HS512")},
    "the modulus as a secret": _hmac(JWK["n"].encode(), "HS256"),
    "an empty secret": _hmac(b"", "HS256"),
    "another key": _signed(),
    "another key in the header": _signed(header={"jwk": EVIL_JWK}),
    "an address of keys in the header": _signed(header={"jku": "https://evil.example/keys"}),
    "a certificate's address in the header": _signed(header={"x5u": "https://evil.example/c"}),
    "a certificate in the header": _signed(header={"x5c": ["MIIB"]}),
    "a path as the key's id": _signed(header={"kid": "../../../../dev/null"}),
    "a query as the key's id": _signed(header={"kid": "one' OR '1'='1"}),
    "no key's id": _signed(header={"kid": ""}),
    "an unknown extension": _signed(KEY, header={"crit": ["exp2"], "exp2": 1}),
    "RS384": _signed(KEY, "RS384"),
    "RS512": _signed(KEY, "RS512"),
    "PS256": _signed(KEY, "PS256"),
    "an elliptic key": _signed(ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "another body": f"{HEAD}.{_part(claims_with(iss='x'))}.{SIGNATURE}",
    "another head": f"{_part({'alg': 'RS256', 'kid': 'one', 'typ': 'x'})}.{BODY}.{SIGNATURE}",
    "a shorter signature": GOOD[:-4],
    "a signature of nothing": f"{HEAD}.{BODY}.",
    "four parts": f"{GOOD}.x",
    "two parts": f"{HEAD}.{BODY}",
    "another tenant's issuer": _signed(KEY, iss="https://sts.windows.net/99999999-2222-3333-4444-555555555555/"),
    "an issuer that begins alike": _signed(KEY, iss=f"https://sts.windows.net/{TENANT}/x"),
    "the issuer of version 2": _signed(KEY, iss=f"https://login.microsoftonline.com/{TENANT}/v2.0"),
    "an issuer on http": _signed(KEY, iss=f"http://sts.windows.net/{TENANT}/"),
    "another audience": _signed(KEY, aud="00000003-0000-0000-c000-000000000000"),
    "several audiences": _signed(KEY, aud=[PROVISIONING_SERVICE, "x"]),
    "no audience": _signed(KEY, aud=None),
    "no issuer": _signed(KEY, iss=None),
    "no end": _signed(KEY, exp=None),
    "an end long ago": _signed(KEY, exp=LATE),
    "not valid yet": _signed(KEY, nbf=datetime(2100, 1, 1, tzinfo=UTC)),
    "an end that is no number": f"{HEAD}.{_part(claims_with(exp='tomorrow'))}.{SIGNATURE}",
    "claims that are a list": f"{HEAD}.{_part(['iss'])}.{SIGNATURE}",
    "a head that is a list": f"{_part(['alg'])}.{BODY}.{SIGNATURE}",
    "a key in PEM": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()[:40],
    "not Base64": "%%%.%%%.%%%",
    "nothing": "",
    "bytes of no letter": "\u0000.\u0000.\u0000",
    "a very long one": f"{HEAD}.{'A' * 500_000}.{SIGNATURE}",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    entra = Entra()
    tokens = IssuedTokens(SigningKeys(entra))
    assert tokens.accepts(TENANT, GOOD)
    assert not tokens.accepts(TENANT, FORGED[name])
    assert set(entra.asked) == {f"https://login.microsoftonline.com/{TENANT}/discovery/keys"}
