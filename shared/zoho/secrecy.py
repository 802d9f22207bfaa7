"""Keeping a one-time password out of what Zoho One says about it."""

import html
from urllib.parse import unquote

from pydantic import SecretStr

PIECE = 6
"""Characters in a row that count as a leak: a part of a password is a secret too, and an answer may be cut short."""


def quotes(text: str, password: SecretStr) -> bool:
    """Whether a text repeats a part of a password, plain or escaped for a URL or HTML."""
    secret = password.get_secret_value()
    pieces = {secret[start : start + PIECE] for start in range(max(len(secret) - PIECE + 1, 1))}
    return any(piece in form for form in (text, unquote(text), html.unescape(text)) for piece in pieces)
