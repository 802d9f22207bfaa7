"""Access tokens for Microsoft Graph, through MSAL.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msal  # type: ignore[import-untyped]  # ships no types
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from msal.exceptions import MsalServiceError  # type: ignore[import-untyped]  # ships no types

from shared.entra.errors import GraphBusy, GraphCredentials, GraphError, GraphUnclear
from shared.rules.entra_connection import Credential, EntraConnection
from shared.rules.outside_address import AddressRefused, ensure_microsoft

LATER = frozenset({"temporarily_unavailable", "server_error", "throttled"})
"""OAuth errors that say nothing about the credentials: RFC 6749 §4.1.2.1, and Entra's own."""

CURES: Mapping[str, str] = {
    "AADSTS7000215": "the client secret is wrong: paste the secret's Value, not its Secret ID",
    "AADSTS7000222": "the client secret has expired: add a new one under Certificates & secrets",
    "AADSTS700027": "the certificate is not registered with the app: upload it under Certificates & secrets",
    "AADSTS700016": "the tenant has no app with this client id: look at Application (client) ID and tenant",
    "AADSTS90002": "there is no such tenant: look at Directory (tenant) ID",
    "AADSTS7000229": "the app has no service principal in this tenant: grant it admin consent",
}
"""https://learn.microsoft.com/entra/identity-platform/reference-error-codes"""

_CODE = re.compile(r"AADSTS\d+")
_IDENTITY_LATER = re.compile(r"(429|5\d\d|None), ")
"""MSAL's wording of the managed identity service's answer: its status, always called invalid_scope."""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Tokens(Protocol):
    """Where a client of Graph gets its access token."""

    def current(self) -> str:
        """Return a token that should be valid. Raises GraphBusy and GraphCredentials."""
        ...

    def rejected(self, token: str) -> None:
        """Record that Graph answered 401 to this token: the next ``current`` returns another one."""
        ...


class EntraTokens:
    """The tokens of one store's connection, kept until they expire. Threads may share it.

    ``secret`` is called only when a new token is requested: it returns the client secret, or in PEM the certificate
    together with its private key. For a managed identity it is never called.
    """

    def __init__(
        self, connection: EntraConnection, session: requests.Session, secret: Callable[[], str], *, local: bool = False
    ) -> None:
        """``local``: whether this is the app on one machine, with a simulated Entra on loopback."""
        self._local = local
        self._connection = connection
        self._session = session
        self._secret = secret
        self._lock = threading.Lock()
        self._acquire: Callable[[], dict[str, Any]] | None = None
        self._last = ""

    def current(self) -> str:
        """See Tokens."""
        with self._lock:
            try:
                # MSAL keeps the token, and asks for the next one five minutes before it ends.
                self._acquire = self._acquire or self._new_client()
                self._last = _token(self._acquire())
            except (MsalServiceError, requests.RequestException, RuntimeError) as error:
                raise GraphBusy(f"Entra's sign-in did not answer ({type(error).__name__})") from None
            except (ValueError, LookupError, TypeError, AttributeError):
                # MSAL assumes that answers are well formed, fails on others, and quotes them.
                self._acquire = None
                raise GraphUnclear("Entra's sign-in gave an answer that is not understood") from None
            except GraphError:
                # A new client makes the next call read the secret again, which may have been corrected.
                self._acquire = None
                raise
            return self._last

    def rejected(self, token: str) -> None:
        """See Tokens."""
        with self._lock:
            if token == self._last:
                self._acquire = None

    def _new_client(self) -> Callable[[], dict[str, Any]]:
        connection = self._connection
        try:
            ensure_microsoft(connection, local=self._local)
        except AddressRefused as refusal:
            raise GraphCredentials(str(refusal)) from None
        if connection.credential is Credential.MANAGED_IDENTITY:
            identity = (
                msal.UserAssignedManagedIdentity(client_id=connection.client_id)
                if connection.client_id
                else msal.SystemAssignedManagedIdentity()
            )
            managed = msal.ManagedIdentityClient(identity, http_client=self._session)
            return lambda: _answered(managed.acquire_token_for_client(resource=connection.graph_origin))
        confidential = self._confidential_client(msal_credential(connection.credential, self._secret()))
        scopes = [f"{connection.graph_origin}/.default"]
        return lambda: _answered(confidential.acquire_token_for_client(scopes=scopes))

    def _confidential_client(self, credential: str | dict[str, str]) -> Any:
        try:
            return msal.ConfidentialClientApplication(
                self._connection.client_id,
                client_credential=credential,
                authority=self._connection.authority,
                http_client=self._session,
                # MSAL would ask Microsoft whether the host is Microsoft's; the connection's model has checked it.
                instance_discovery=False,
            )
        except ValueError:
            # MSAL's report of every 4xx of the tenant's OpenID configuration.
            raise GraphCredentials("Entra does not know the tenant: look at Directory (tenant) ID") from None


def msal_credential(kind: Credential, secret: str) -> str | dict[str, str]:
    """Return the credential as MSAL takes it:
    https://learn.microsoft.com/entra/msal/python/advanced/client-credentials.

    Raises GraphCredentials where it is unusable.
    """
    if kind is Credential.CLIENT_SECRET:
        if not secret.strip():
            raise GraphCredentials("the store has no client secret: add one under Certificates & secrets")
        return secret
    key, certificate = _KEY.search(secret), _CERTIFICATE.search(secret)
    if key is None or certificate is None:
        raise GraphCredentials("the certificate is not PEM with both the certificate and its private key")
    try:
        public = load_pem_private_key(key[0].encode(), password=None).public_key()
        fits = public == load_pem_x509_certificate(certificate[0].encode()).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise GraphCredentials(
            "the certificate or its private key cannot be read; the key must not be encrypted"
        ) from None
    if not fits:
        raise GraphCredentials("the private key is not the certificate's")
    return {"private_key": key[0], "public_certificate": certificate[0]}


def _answered(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise GraphUnclear("Entra's sign-in gave an answer that is not understood")
    return answer


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        return token
    description = str(answer.get("error_description", ""))
    error = answer.get("error")
    if not isinstance(error, str):
        raise GraphUnclear("Entra's sign-in gave neither a token nor an error")
    if error in LATER or _IDENTITY_LATER.match(description):
        raise GraphBusy("Entra's sign-in asks to wait")
    # The description holds trace ids and sometimes what was sent: only the code is passed on.
    code = _CODE.search(description)
    if code is None:
        raise GraphCredentials("Entra does not give the app a token: look at the store's credentials")
    cure = CURES.get(code[0], "look the code up in Entra's error reference")
    raise GraphCredentials(f"Entra does not give the app a token ({code[0]}): {cure}")
