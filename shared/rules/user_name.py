"""Comparison of names and addresses."""

import unicodedata


def folded(name: str) -> str:
    """Return the form in which names and addresses are compared, as scim2-models compares values that are not caseExact
    (RFC 8265, §3.3).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
