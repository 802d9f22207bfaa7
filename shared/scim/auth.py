"""Authorisation of requests to a sync endpoint."""

import hmac
from datetime import datetime

from scim2_models import UnauthorizedException

from shared.entra.issued_tokens import IssuedTokens
from shared.rules.schedule import closed
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.scim.access_tokens import AccessTokens
from shared.scim.errors import CREDENTIALS_RETRY, ServiceUnavailableException

NEEDS_TOKEN = "The request needs the directory store's secret token: paste it into Secret Token in Entra"  # noqa: S105


def ensure_authorized(
    store: Store, authorization: str | None, access_tokens: AccessTokens, entra_tokens: IssuedTokens
) -> None:
    """Accept a bearer token (RFC 6750): one of the store's valid secret tokens, or one that the app or Entra issued.

    Raises UnauthorizedException, and GraphBusy where Entra's signing keys are out of reach.
    """
    scheme, _, token = (authorization or "").partition(" ")
    presented = token_hash(token.strip())
    if scheme.lower() == "bearer":
        matches = [hmac.compare_digest(presented, kept) for kept in store.token_hashes]  # all, in constant time
        if any(matches):
            return
        if store.credentials and access_tokens.accepts(store, token.strip()):
            return
        if store.entra_tenant is not None and entra_tokens.accepts(store.entra_tenant, token.strip(), store.entra_app):
            return
    raise UnauthorizedException(detail=NEEDS_TOKEN)


def ensure_open(store: Store, method: str, path: str, now: datetime) -> None:
    """Allow writes only while provisioning runs; reads always. Raises ServiceUnavailableException."""
    reads = method in ("GET", "HEAD") or path.rstrip("/").endswith("/.search")  # RFC 7644 §3.4.3
    if reads or (shut := closed(now, store.schedule)) is None:
        return
    if shut.until is not None:
        raise ServiceUnavailableException(shut.reason, round((shut.until - now).total_seconds()))
    raise ServiceUnavailableException(
        f"{shut.reason} An admin has to test the connection and start it.", CREDENTIALS_RETRY
    )
