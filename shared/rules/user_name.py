"""When two names are the same name."""

import unicodedata


def folded(name: str) -> str:
    """What names and addresses are compared by: as scim2-models compares what is not caseExact (RFC 8265, §3.3)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
