"""The access tokens that the app issues to Entra's provisioning service for one store's sync endpoint.

A token is a JWT (RFC 7519), signed by a key that only the app has. It names the store and the credential that it was
issued for: it ends with the credential, and opens no other store.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from pydantic import ConfigDict, ValidationError

from shared.model import Model
from shared.rules.store import Store

LIFETIME = timedelta(minutes=15)
ISSUER = "zoho-one-bridge"


class _Claims(Model):
    model_config = ConfigDict(extra="forbid")

    iss: str
    aud: str
    iat: int
    exp: int
    credential: str


@dataclass(frozen=True)
class AccessTokens:
    """Issues and checks them. ``key``: the same in every process."""

    key: bytes
    now: Callable[[], datetime]

    def issue(self, store: Store, credential: str) -> str:
        """Return a token for a credential of the store's."""
        issued = self.now()
        claims = _Claims(
            iss=ISSUER,
            aud=_audience(store),
            iat=int(issued.timestamp()),
            exp=int((issued + LIFETIME).timestamp()),
            credential=credential,
        )
        return jwt.encode(claims.model_dump(), self.key, algorithm="HS256")

    def accepts(self, store: Store, token: str) -> bool:
        """Whether the app issued the token for this store, and it is still valid."""
        # By the app's own clock, below.
        options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = _Claims.model_validate(jwt.decode(token, self.key, algorithms=["HS256"], options=options))  # type: ignore[arg-type]  # a plain dict
        except (jwt.InvalidTokenError, ValidationError):
            return False
        if claims.iss != ISSUER or claims.aud != _audience(store) or claims.exp <= self.now().timestamp():
            return False
        return claims.credential in store.credentials


def _audience(store: Store) -> str:
    return f"{store.id} {store.incarnation}"
