"""The token that a form carries to show that it came from one of our own pages (CSRF).

It names a session and its admin, with an HMAC that nobody else can make, so that there is nothing to keep: it is worth
something for as long as the session lasts. See OWASP's Cross-Site Request Forgery Prevention Cheat Sheet, "Employing
HMAC CSRF Tokens". The browser's own word on where a request comes from, Sec-Fetch-Site, is asked as well.
"""

import hashlib
import hmac
from collections.abc import Mapping

FIELD = "form_token"
HEADER = "x-form-token"


def form_token(secret: bytes, session: str, admin: str) -> str:
    """For the forms of a session's pages."""
    return f"{session}.{admin}.{_mac(secret, session, admin)}"


def is_ours(secret: bytes, session: str, admin: str, token: str, headers: Mapping[str, str]) -> bool:
    """Whether a request was sent by a page of this session. ``headers`` in small letters."""
    expected = form_token(secret, session, admin)
    return _is_from_here(headers) and hmac.compare_digest(token.encode(), expected.encode())


def admin_of(secret: bytes, token: str, headers: Mapping[str, str]) -> str | None:
    """Whose page sent a request, whichever session it was of; None where it was no page of ours."""
    session, _, rest = token.partition(".")
    admin, _, mac = rest.rpartition(".")
    is_made_here = hmac.compare_digest(mac.encode(), _mac(secret, session, admin).encode())
    return admin if is_made_here and _is_from_here(headers) else None


def _is_from_here(headers: Mapping[str, str]) -> bool:
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _mac(secret: bytes, session: str, admin: str) -> str:
    return hmac.new(secret, f"{session}\n{admin}".encode(), hashlib.sha256).hexdigest()
