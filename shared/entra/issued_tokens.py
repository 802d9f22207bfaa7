"""Tokens that Entra issues: those that its provisioning service sends where the portal's Secret Token is left blank,
and those by which it proves who it is (workload identity federation).

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Authorization to
provisioning connectors in the application gallery" and the sample's token validation.
"""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import jwt

from shared.entra.errors import GraphBusy
from shared.rules.clouds import BY_LOGIN, CLOUDS, Cloud, CloudName
from shared.rules.inbound_sign_in import Federation
from shared.rules.store import Store

LOGIN = "https://login.microsoftonline.com"
PROVISIONING_SERVICE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The audience, the same for every SCIM application in every tenant."""
KEYS_SECONDS = 3600
UNKNOWN_KEY_SECONDS = 60.0
"""Shortest time between two requests for Entra's keys on unknown keys, which anybody can make up."""
TIMEOUT = 5
LEEWAY = 60
"""Seconds by which the two clocks may differ."""


class CloudTokens:
    """Checks tokens of whatever cloud a store's tenant is in. Threads may share it."""

    def __init__(self, cloud: Cloud) -> None:
        """``cloud``: of stores that do not read Microsoft Graph, so that nothing says theirs."""
        self._own = cloud
        self._by_login = {host: IssuedTokens(f"https://{host}", cloud=known) for host, known in BY_LOGIN.items()}

    def of(self, store: Store) -> "IssuedTokens":
        """Return the check of the store's cloud."""
        host = store.entra.login.host if store.entra else None
        return self._by_login.get(host or "", self._by_login[self._own.login])


class IssuedTokens:
    """Checks tokens that Entra issued for its provisioning service in one tenant. Threads may share it."""

    def __init__(
        self,
        login: str = LOGIN,
        monotonic: Callable[[], float] = time.monotonic,
        cloud: Cloud = CLOUDS[CloudName.GLOBAL],
    ) -> None:
        """``login``: where the cloud publishes its keys."""
        self._login = login
        self._cloud = cloud
        self._monotonic = monotonic
        self._clients: dict[str, jwt.PyJWKClient] = {}
        self._asked: dict[str, float] = {}
        self._lock = Lock()

    def accepts(self, tenant: str, token: str, app: str | None = None) -> bool:
        """Whether the token is valid, this tenant's and no user's. Raises GraphBusy: Entra's keys are out of reach.

        ``app``: the only application whose tokens are accepted; None: any of the tenant. The audience is the same for
        all, so any SCIM application of the tenant gets such a token: Microsoft calls this way one for testing.
        """
        claims = self._claims(tenant, token, PROVISIONING_SERVICE, f"https://{self._cloud.issued_by}/{tenant}/")
        if claims is None or _is_users(claims):
            return False
        return app is None or str(claims.get("appid", claims.get("azp"))).lower() == app

    def asserts(self, federation: Federation, token: str) -> bool:
        """Whether the token is valid, and Entra's word that its bearer is this identity. Raises GraphBusy.

        https://learn.microsoft.com/entra/workload-id/workload-identity-federation
        """
        issuer = f"https://{self._cloud.issuer}/{federation.tenant_id}/v2.0"
        if not _is_about(token, issuer, federation):
            return False  # before Entra's keys are asked for
        claims = self._claims(federation.tenant_id, token, federation.audience, issuer)
        return claims is not None and claims.get("sub") == federation.subject

    def _claims(self, tenant: str, token: str, audience: str, issuer: str) -> dict[str, Any] | None:
        """Return the claims of a valid token, or None. Raises GraphBusy."""
        try:
            key = self._key(tenant, str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=audience,
                issuer=issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            return None
        return claims

    def _key(self, tenant: str, key_id: str) -> jwt.PyJWK | None:
        with self._lock:
            url = f"{self._login}/{tenant}/discovery/keys"
            client = self._clients.setdefault(
                tenant, jwt.PyJWKClient(url, cache_keys=False, lifespan=KEYS_SECONDS, timeout=TIMEOUT)
            )
            found = _find(client, key_id, refresh=False)
            now = self._monotonic()
            if found is None and now - self._asked.get(tenant, -UNKNOWN_KEY_SECONDS) >= UNKNOWN_KEY_SECONDS:
                self._asked[tenant] = now
                found = _find(client, key_id, refresh=True)
            return found


def _is_users(claims: Mapping[str, Any]) -> bool:
    """Whether a token stands for a user, and not for an application alone.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference: ``scp`` and names are only in
    tokens for users, ``idtyp`` is "app" where it is there; an application's ``oid`` is its ``sub``.
    """
    if claims.get("idtyp", "app") != "app" or claims.keys() & {"scp", "upn", "unique_name", "preferred_username"}:
        return True
    return "oid" in claims and "sub" in claims and claims["oid"] != claims["sub"]


def _is_about(token: str, issuer: str, federation: Federation) -> bool:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return False
    return claims.get("iss") == issuer and claims.get("sub") == federation.subject


def _find(client: jwt.PyJWKClient, key_id: str, *, refresh: bool) -> jwt.PyJWK | None:
    try:
        keys = client.get_signing_keys(refresh=refresh)
    except jwt.PyJWKClientConnectionError:
        raise GraphBusy("Entra's signing keys are out of reach") from None
    except jwt.PyJWKClientError:
        return None
    return next((key for key in keys if key.key_id == key_id), None)
