"""The secret tokens of a sync endpoint: two may be valid, so that Entra can be given a new one before the old one
expires.
"""

import hashlib

MOST_LIVE = 2


def token_hash(token: str) -> str:
    """Return what a store keeps of a secret token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def with_token(hashes: tuple[str, ...], token: str) -> tuple[str, ...]:
    """Return the valid tokens with a new one, newest first: of the earlier ones only the newest stays."""
    return (token_hash(token), *hashes)[:MOST_LIVE]


def newest_only(hashes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the valid tokens once Entra uses the newest."""
    return hashes[:1]
