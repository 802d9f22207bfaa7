"""Tokens that Entra issues: those that its provisioning service sends where the portal's Secret Token is left blank,
and those by which it proves who it is (workload identity federation).

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Authorization to
provisioning connectors in the application gallery" and the sample's token validation;
https://learn.microsoft.com/entra/workload-id/workload-identity-federation.
"""

from collections.abc import Mapping
from typing import Any

import jwt

from shared.entra.signing_keys import SigningKeys
from shared.rules.clouds import BY_LOGIN, CLOUDS, Cloud, CloudName
from shared.rules.inbound_sign_in import Federation
from shared.rules.store import Store

LOGIN = "https://login.microsoftonline.com"
PROVISIONING_SERVICE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The audience, the same for every SCIM application in every tenant."""
ALGORITHM = "RS256"
LEEWAY = 60
"""Seconds by which the two clocks may differ."""


class IssuedTokens:
    """Checks tokens that Entra issued in one cloud. Threads may share it.

    Entra is asked for keys only if everything that needs none is in order. Its methods raise GraphBusy where Entra's
    keys are out of reach.
    """

    def __init__(self, keys: SigningKeys, login: str = LOGIN, cloud: Cloud = CLOUDS[CloudName.GLOBAL]) -> None:
        """``login``: where the cloud publishes its keys."""
        self._keys = keys
        self._login = login
        self._cloud = cloud

    def accepts(self, tenant: str, token: str, app: str | None = None) -> bool:
        """Whether the token is for the provisioning service, valid, this tenant's and no user's.

        ``app``: the only application whose tokens are accepted; None: any of the tenant. The audience is the same for
        all, so any SCIM application of the tenant gets such a token: Microsoft calls this way one for testing.
        """
        claims = self._claims(tenant, token, PROVISIONING_SERVICE, f"https://{self._cloud.issued_by}/{tenant}/")
        if claims is None or _is_users(claims):
            return False
        return app is None or str(claims.get("appid", claims.get("azp"))).lower() == app

    def asserts(self, federation: Federation, token: str) -> bool:
        """Whether the token is valid, and Entra's word that its bearer is this identity."""
        tenant = federation.tenant_id
        issuer = f"https://{self._cloud.issuer}/{tenant}/v2.0"
        claims = self._claims(tenant, token, federation.audience, issuer, subject=federation.subject)
        return claims is not None

    def _claims(
        self, tenant: str, token: str, audience: str, issuer: str, subject: str | None = None
    ) -> dict[str, Any] | None:
        """Return the claims of a valid token, or None."""
        try:
            header = jwt.get_unverified_header(token)
            said = jwt.decode(token, options={"verify_signature": False})
            if (header.get("alg"), said.get("iss"), said.get("aud")) != (ALGORITHM, issuer, audience):
                return None
            if subject is not None and said.get("sub") != subject:
                return None
            key = self._keys.find(f"{self._login}/{tenant}/discovery/keys", str(header.get("kid")))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            return None
        return claims


class CloudTokens:
    """Checks tokens of whatever cloud a store's tenant is in. Threads may share it."""

    def __init__(self, keys: SigningKeys, cloud: Cloud) -> None:
        """``cloud``: of stores that do not read Microsoft Graph, so that nothing says theirs."""
        self._own = cloud
        self._by_login = {host: IssuedTokens(keys, f"https://{host}", known) for host, known in BY_LOGIN.items()}

    def of(self, store: Store) -> IssuedTokens:
        """Return the check of the store's cloud."""
        host = store.entra.login.host if store.entra else None
        return self._by_login.get(host or "", self._by_login[self._own.login])


def _is_users(claims: Mapping[str, Any]) -> bool:
    """Whether a token stands for a user, and not for an application alone.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference: ``scp`` and names are only in
    tokens for users, ``idtyp`` is "app" where it is there; an application's ``oid`` is its ``sub``.
    """
    if claims.get("idtyp", "app") != "app" or claims.keys() & {"scp", "upn", "unique_name", "preferred_username"}:
        return True
    return "oid" in claims and "sub" in claims and claims["oid"] != claims["sub"]
