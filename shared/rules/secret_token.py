"""The secret tokens of a sync endpoint: two may live, so that Entra can be given a new one before the old one ends."""

import hashlib

MOST_LIVE = 2


def token_hash(token: str) -> str:
    """What a store keeps of a secret token: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def with_token(hashes: tuple[str, ...], token: str) -> tuple[str, ...]:
    """The live tokens with a new one, newest first: of those before, only the newest stays."""
    return (token_hash(token), *hashes)[:MOST_LIVE]


def newest_only(hashes: tuple[str, ...]) -> tuple[str, ...]:
    """The live tokens once Entra has the newest."""
    return hashes[:1]
