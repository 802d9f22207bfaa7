"""The simulated Entra's sign-in of people to one app: OpenID Connect's authorization code flow with PKCE.

It shows a page on which anybody can be chosen, asks for no password, and refuses what Entra refuses, with its codes.
Its ID tokens are signed with a key that it publishes and can change. Sources:
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow,
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference,
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity,
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import base64
import hashlib
import html
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local.entra.directory import EntraDirectory
from local.entra.graph_errors import GraphError
from local.entra.graph_request import Content, GraphRequest
from local.entra.graph_settings import FEDERATED_SUBJECT, GraphSettings
from local.entra.person import Person
from local.serving import Response

SIGN_IN_CLIENT_ID = "6d0b4b1e-7a52-4c39-8a0f-94c1b8e3d27a"
"""The app registration that people sign in to."""
IDENTITY_CLIENT_ID = "b7c9d2e4-1f63-4a85-9c07-52d8e6f1a3b0"
"""The managed identity that its federated credential trusts."""
EXCHANGE = "api://AzureADTokenExchange"
CODE_LIFETIME = 600  # seconds
TOKEN_LIFETIME = 3900  # seconds
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated Entra</title>
<h1>{title}</h1><p>{text}</p>{form}</html>"""
FORM = '<form method="post">{buttons}<button name="person" value="">Cancel</button></form>'
BUTTON = '<p><button name="person" value="{id}">{name}</button> {roles}</p>'


class LoginError(GraphError):
    """A refusal in OAuth's form."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.body = {"error": error, "error_description": description}


class SigningKey:
    """The key of the tenant's tokens."""

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(16)

    @cached_property
    def private(self) -> rsa.RSAPrivateKey:
        """Made when it is first needed."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def published(self) -> dict[str, Any]:
        """As the tenant publishes it."""
        public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key()))
        return public | {"kid": self.id, "use": "sig", "alg": "RS256"}


@dataclass(frozen=True)
class Code:
    """What an authorization code stands for."""

    person: str
    redirect_uri: str
    nonce: str
    challenge: str
    expires: float


@dataclass
class GraphSignIn:
    """One app's sign-in."""

    directory: EntraDirectory
    settings: GraphSettings
    browser_base: str | None = None
    """Where browsers reach it without a certificate: http."""
    key: SigningKey = field(default_factory=SigningKey)
    _codes: dict[str, Code] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _refresh_tokens: dict[str, str] = field(default_factory=dict)

    def keys(self, _request: GraphRequest, _tenant: str) -> Content:
        """The keys that count now."""
        return {"keys": [self.key.published()]}

    def rotate(self) -> None:
        """Another key: what the former one signed is worth nothing any more."""
        self.key = SigningKey()

    def authorize(self, request: GraphRequest, _tenant: str) -> Response:
        """The page on which somebody is chosen."""
        if refusal := self._wrong_question(request):
            return refusal
        assigned = self.settings.app_roles
        people = [person for person in self.directory.people() if person.id in assigned]
        people += [person for person in self.directory.people() if person.id not in assigned][:5]
        buttons = "".join(
            BUTTON.format(
                id=person.id,
                name=html.escape(person.display_name),
                roles=", ".join(sorted(assigned[person.id])) or "no role" if person.id in assigned else "not assigned",
            )
            for person in people
        )
        return _page(200, "Who signs in?", "The simulated Entra takes your word for it.", FORM.format(buttons=buttons))

    def choose(self, request: GraphRequest, _tenant: str) -> Response:
        """Back to the app, with a code or with a refusal."""
        if refusal := self._wrong_question(request):
            return refusal
        query = request.query
        answer = {"state": query["state"]}
        person = self.directory.find(dict(parse_qsl(request.body.decode())).get("person", ""))
        if wrong := self._wrong_person(person):
            answer |= {"error": "access_denied", "error_description": wrong}
        else:
            assert person
            code = answer["code"] = secrets.token_urlsafe(32)
            expires = time.monotonic() + CODE_LIFETIME
            self._codes[code] = Code(person.id, query["redirect_uri"], query["nonce"], query["code_challenge"], expires)
        return Response(302, headers=[("location", f"{query['redirect_uri']}?{urlencode(answer)}")])

    def redeem(self, request: GraphRequest, tenant: str, form: dict[str, str]) -> Content:
        """Tokens for a code, or anew for a refresh token. The app has proven who it is."""
        if form["client_id"] != SIGN_IN_CLIENT_ID:
            raise LoginError(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form["grant_type"] == "refresh_token":
            person, nonce = self._refresh_tokens.get(form["refresh_token"]), None
            if person is None:
                raise _invalid("AADSTS9002313: Invalid request. Request is malformed or invalid.")
        else:
            code = self._code(form)
            person, nonce = code.person, code.nonce
        found = self.directory.find(person)
        if wrong := self._wrong_person(found):
            raise _invalid(wrong)
        assert found
        answer: Content = {"token_type": "Bearer", "expires_in": TOKEN_LIFETIME, "scope": "openid profile"}
        answer |= {"access_token": secrets.token_urlsafe(32), "id_token": self._id_token(request, tenant, found, nonce)}
        if self.settings.offline_access:
            refresh_token = answer["refresh_token"] = secrets.token_urlsafe(32)
            self._refresh_tokens[refresh_token] = person
        return answer

    def assertion(self, request: GraphRequest, tenant: str) -> str:
        """A managed identity's token that an app can trust in its own place."""
        now = int(time.time())
        subject = _subject_of(request.query.get("client_id", ""))
        claims: dict[str, Any] = {"iss": _issuer(request, tenant), "sub": subject, "aud": request.query["resource"]}
        claims |= {"iat": now, "nbf": now, "exp": now + TOKEN_LIFETIME}
        return jwt.encode(claims, self.key.private, "RS256", {"kid": self.key.id})

    def check_assertion(self, assertion: str) -> bool:
        """Whether it is a managed identity's token. Raises LoginError where the federated credential does not fit."""
        try:
            if jwt.get_unverified_header(assertion).get("kid") != self.key.id:
                return False
            public = self.key.private.public_key()
            claims = jwt.decode(assertion, public, algorithms=["RS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            raise LoginError(401, "invalid_client", "AADSTS50027: JWT token is invalid or malformed.") from None
        if claims["aud"] != EXCHANGE:
            raise LoginError(401, "invalid_client", f"AADSTS700212: No matching record for audience '{claims['aud']}'.")
        if claims["sub"] != self.settings.federated_subject:
            raise LoginError(401, "invalid_client", f"AADSTS700213: No matching record for subject '{claims['sub']}'.")
        return True

    def _wrong_question(self, request: GraphRequest) -> Response | None:
        """Entra's own page where it does not send the browser back: to an address it does not know, nobody is sent."""
        request.allow(
            *("client_id", "response_type", "redirect_uri", "scope", "state", "nonce", "prompt"),
            *("code_challenge", "code_challenge_method", "client_info"),
        )
        query = request.query
        if query.get("client_id") != SIGN_IN_CLIENT_ID:
            return _page(400, "Sorry, but we're having trouble signing you in.", "AADSTS700016: no such application.")
        if query.get("redirect_uri") not in self.settings.redirect_uris:
            return _page(400, "Sorry, but we're having trouble signing you in.", "AADSTS50011: redirect URI mismatch.")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return _page(400, "Sorry, but we're having trouble signing you in.", "AADSTS900144: the request is wrong.")
        return None

    def _wrong_person(self, person: Person | None) -> str | None:
        if person is None:
            return "AADSTS65004: User declined to consent to access the app."
        if self.settings.sign_in_error is not None:
            return f"{self.settings.sign_in_error}: Simulated."
        if not person.account_enabled or person.deleted_date_time:
            return "AADSTS50057: The user account is disabled."
        if person.id not in self.settings.app_roles:
            return f"AADSTS50105: The signed in user '{person.user_principal_name}' is not assigned to a role."
        return None

    def _code(self, form: dict[str, str]) -> Code:
        text = form.get("code", "")
        if text in self._used:
            raise _invalid("AADSTS54005: OAuth2 Authorization code was already redeemed.")
        code = self._codes.pop(text, None)
        self._used.add(text)
        if code is None or code.expires <= time.monotonic():
            raise _invalid("AADSTS70008: The provided authorization code has expired.")
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(verifier).decode().rstrip("=") != code.challenge:
            raise _invalid("AADSTS501481: The Code_Verifier does not match the code_challenge.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise _invalid("AADSTS500112: The reply address does not match the one of the authorization code.")
        return code

    def _id_token(self, request: GraphRequest, tenant: str, person: Person, nonce: str | None) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "ver": "2.0",
            "iss": _issuer(request, tenant),
            "aud": SIGN_IN_CLIENT_ID,
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFETIME,
            "sub": hashlib.sha256(person.id.encode()).hexdigest()[:43],
            "oid": person.id,
            "tid": tenant,
            "name": person.display_name,
            "preferred_username": person.user_principal_name,
            "nonce": nonce,
            "roles": sorted(self.settings.app_roles[person.id]) or None,
        } | self.settings.id_token
        said = {name: value for name, value in claims.items() if value is not None}
        algorithm = self.settings.id_token_algorithm
        key: Any = {"none": None, "HS256": "a key of nobody's, long enough for it"}.get(algorithm, self.key.private)
        return jwt.encode(said, key, algorithm, {"kid": self.key.id})


def _subject_of(client_id: str) -> str:
    """The object id of the managed identity with this client id."""
    return FEDERATED_SUBJECT if client_id == IDENTITY_CLIENT_ID else f"object-id-of-{client_id}"


def _issuer(request: GraphRequest, tenant: str) -> str:
    return f"{request.base}/{tenant}/v2.0"


def _invalid(description: str) -> LoginError:
    return LoginError(400, "invalid_grant", description)


def _page(status: int, title: str, text: str, form: str = "") -> Response:
    shown = PAGE.format(title=title, text=text, form=form).encode()
    return Response(status, shown, [("content-type", "text/html; charset=utf-8")])
