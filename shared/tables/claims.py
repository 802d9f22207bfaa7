"""Row keys that find a person, group or account by a value. Only the value's hash is in the key."""

import hashlib
from enum import StrEnum

from shared.rules.user_name import folded


class Lookup(StrEnum):
    """What finds a person in one round trip."""

    ID = "id"
    USER_NAME = "userName"
    EXTERNAL_ID = "externalId"
    EMAIL = "email"


def claim(kind: str, value: str) -> str:
    """Return the row key for a value: a hash, because keys may not hold ``/ # ? \\`` and have a length."""
    if kind in (Lookup.USER_NAME, Lookup.EMAIL):
        # Same comparison as scim2-models for attributes that are not caseExact: RFC 8265, UsernameCaseMapped.
        value = folded(value)
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
