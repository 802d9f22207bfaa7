"""Row keys by which a person, group or account is found: each stands for a value, and only its hash is in the key."""

import hashlib
from enum import StrEnum

from shared.rules.user_name import folded


class Lookup(StrEnum):
    """What a person can be found by in one round trip."""

    ID = "id"
    USER_NAME = "userName"
    EXTERNAL_ID = "externalId"
    EMAIL = "email"


def claim(kind: str, value: str) -> str:
    """The row key for a value: a hash, because keys may not hold ``/ # ? \\`` and have a length."""
    if kind in (Lookup.USER_NAME, Lookup.EMAIL):
        # As scim2-models compares what is not caseExact: RFC 8265, UsernameCaseMapped.
        value = folded(value)
    return f"{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"
