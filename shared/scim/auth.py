"""Who may write to a sync endpoint."""

import hmac

from scim2_models import UnauthorizedException

from shared.directory.secret_token import token_hash
from shared.directory.store import Provisioning, Store
from shared.entra.issued_tokens import IssuedTokens
from shared.scim.errors import CREDENTIALS_RETRY, ServiceUnavailableException


def ensure_authorized(store: Store, authorization: str | None, entra_tokens: IssuedTokens) -> None:
    """Accept a bearer token (RFC 6750) that is one of the store's live secret tokens, or Entra's own.

    Raises UnauthorizedException, and GraphBusy where Entra's signing keys are out of reach.
    """
    scheme, _, token = (authorization or "").partition(" ")
    presented = token_hash(token.strip())
    if scheme.lower() == "bearer":
        matches = [hmac.compare_digest(presented, kept) for kept in store.token_hashes]  # each, whichever it is
        if any(matches):
            return
        if store.entra_tenant is not None and entra_tokens.accepts(store.entra_tenant, token.strip()):
            return
    raise UnauthorizedException(
        detail="The request needs the directory store's secret token: paste it into Secret Token in Entra"
    )


def ensure_started(store: Store, method: str, path: str) -> None:
    """Let writes through only where provisioning is started; reads always. Raises ServiceUnavailableException."""
    reads = method in ("GET", "HEAD") or path.rstrip("/").endswith("/.search")  # RFC 7644 §3.4.3
    if store.provisioning is Provisioning.STOPPED and not reads:
        raise ServiceUnavailableException(
            "Provisioning is stopped for this directory store: an admin has to test the connection and start it",
            CREDENTIALS_RETRY,
        )
