"""The tokens that Entra's provisioning service sends where the portal's Secret Token is left blank.

https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups, "Authorization to
provisioning connectors in the application gallery" and the sample's token validation.
"""

import time
from collections.abc import Callable
from threading import Lock

import jwt

from shared.entra.errors import GraphBusy

LOGIN = "https://login.microsoftonline.com"
PROVISIONING_SERVICE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
"""The audience, the same for every SCIM application in every tenant."""
KEYS_SECONDS = 3600
UNKNOWN_KEY_SECONDS = 60.0
"""Shortest time between two requests for Entra's keys on unknown keys, which anybody can make up."""
TIMEOUT = 5
LEEWAY = 60
"""Seconds by which the two clocks may differ."""


class IssuedTokens:
    """Checks tokens that Entra issued for its provisioning service in one tenant. Threads may share it."""

    def __init__(self, login: str = LOGIN, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._login = login
        self._monotonic = monotonic
        self._clients: dict[str, jwt.PyJWKClient] = {}
        self._asked: dict[str, float] = {}
        self._lock = Lock()

    def accepts(self, tenant: str, token: str) -> bool:
        """Whether the token is valid and this tenant's. Raises GraphBusy where Entra's keys are out of reach."""
        try:
            key = self._key(tenant, str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                return False
            jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=PROVISIONING_SERVICE,
                issuer=f"https://sts.windows.net/{tenant}/",
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError:
            return False
        return True

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


def _find(client: jwt.PyJWKClient, key_id: str, *, refresh: bool) -> jwt.PyJWK | None:
    try:
        keys = client.get_signing_keys(refresh=refresh)
    except jwt.PyJWKClientConnectionError:
        raise GraphBusy("Entra's signing keys are out of reach") from None
    except jwt.PyJWKClientError:
        return None
    return next((key for key in keys if key.key_id == key_id), None)
