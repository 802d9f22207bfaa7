"""The simulated Entra's sign-in: access tokens for an app, by secret, by certificate, or as a managed identity.

People's sign-in is in graph_sign_in.py.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://learn.microsoft.com/entra/identity-platform/certificate-credentials,
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import base64
import secrets
import time
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from local.entra.graph_errors import GraphError
from local.entra.graph_request import Content, GraphRequest
from local.entra.graph_settings import GraphSettings
from local.entra.graph_sign_in import EXCHANGE, GraphSignIn, LoginError

TOKEN_LIFETIME = 3599  # seconds, as Entra gives
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANTS = ("client_credentials", "authorization_code", "refresh_token")
IDENTITY_PATH = "/msi/token"
IDENTITY_HEADER = "made-up-identity-header"


class IdentityError(GraphError):
    """A refusal of the managed identity's service."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, "", message)
        self.body = {"statusCode": status, "message": message}


class GraphLogin:
    """Hands out access tokens and knows them again."""

    def __init__(self, settings: GraphSettings, sign_in: GraphSignIn) -> None:
        self._settings = settings
        self._sign_in = sign_in
        self._tokens: set[str] = set()

    def accepts(self, request: GraphRequest) -> bool:
        """Whether a request carries a token of this simulator's."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and token in self._tokens

    def expire_tokens(self) -> None:
        """Let every token end ahead of its time."""
        self._tokens.clear()

    def configuration(self, request: GraphRequest, tenant: str) -> Content:
        """The tenant's OpenID configuration, by which MSAL finds the endpoints."""
        self._check_tenant(tenant)
        browser = self._sign_in.browser_base or request.base
        return {
            "token_endpoint": f"{request.base}/{tenant}/oauth2/v2.0/token",
            "authorization_endpoint": f"{browser}/{tenant}/oauth2/v2.0/authorize",
            "jwks_uri": f"{request.base}/{tenant}/discovery/v2.0/keys",
            "issuer": f"{request.base}/{tenant}/v2.0",
        }

    def token(self, request: GraphRequest, tenant: str) -> Content:
        """An access token by the grant of client credentials, or what somebody's sign-in gives."""
        self._check_tenant(tenant)
        form = dict(parse_qsl(request.body.decode()))
        if form.get("grant_type") not in GRANTS or not form.get("client_id"):
            raise LoginError(400, "unsupported_grant_type", "AADSTS70003: This grant is not simulated here")
        if form.get("client_assertion_type") == JWT_BEARER:
            assertion = form["client_assertion"]
            if not self._sign_in.check_assertion(assertion):
                self._check_assertion(assertion, f"{request.base}{request.path}", form["client_id"])
        elif self._settings.client_secret not in (None, form.get("client_secret")):
            raise LoginError(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if form["grant_type"] != "client_credentials":
            return self._sign_in.redeem(request, tenant, form)
        return {"token_type": "Bearer", "expires_in": TOKEN_LIFETIME, "access_token": self._issue()}

    def identity_token(self, request: GraphRequest) -> Content:
        """An access token of the managed identity, as App Service gives it on the machine itself."""
        if not secrets.compare_digest(request.headers.get("x-identity-header", ""), IDENTITY_HEADER):
            raise IdentityError(401, "X-IDENTITY-HEADER is missing or wrong")
        request.allow("api-version", "resource", "client_id")
        if request.query.get("api-version") != "2019-08-01" or not request.query.get("resource"):
            raise IdentityError(400, "api-version 2019-08-01 and resource are needed")
        exchange = request.query["resource"].startswith(EXCHANGE)
        tenant = self._settings.tenant or ""
        return {
            "access_token": self._sign_in.assertion(request, tenant) if exchange else self._issue(),
            "expires_on": str(int(time.time()) + TOKEN_LIFETIME),
            "resource": request.query["resource"],
            "token_type": "Bearer",
        }

    def _issue(self) -> str:
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        return token

    def _check_tenant(self, tenant: str) -> None:
        if self._settings.tenant not in (None, tenant):
            raise LoginError(400, "invalid_tenant", f"AADSTS90002: Tenant '{tenant}' not found.")

    def _check_assertion(self, assertion: str, audience: str, client_id: str) -> None:
        unknown = LoginError(401, "invalid_client", "AADSTS700027: The certificate is not registered with the app.")
        if self._settings.certificate is None:
            raise unknown
        certificate = load_pem_x509_certificate(self._settings.certificate.encode())
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).decode().rstrip("=")
        try:
            if jwt.get_unverified_header(assertion).get("x5t#S256", "").rstrip("=") != thumbprint:
                raise unknown
            key = certificate.public_key()
            jwt.decode(assertion, key, algorithms=["PS256"], audience=audience, issuer=client_id)  # type: ignore[arg-type]  # an RSA key, as made
        except jwt.InvalidTokenError:
            raise unknown from None
