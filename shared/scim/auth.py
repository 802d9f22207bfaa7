"""Who may write to a sync endpoint."""

import hashlib
import hmac

from scim2_models import UnauthorizedException

from shared.directory.store import Store


def token_hash(token: str) -> str:
    """What a store keeps of a secret token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def ensure_authorized(store: Store, authorization: str | None) -> None:
    """Accept one of the store's live secret tokens as a bearer token (RFC 6750). Raises UnauthorizedException."""
    scheme, _, token = (authorization or "").partition(" ")
    presented = token_hash(token.strip())
    matches = [hmac.compare_digest(presented, kept) for kept in store.token_hashes]
    if scheme.lower() != "bearer" or not any(matches):
        raise UnauthorizedException(
            detail="The request needs the directory store's secret token: paste it into Secret Token in Entra"
        )
