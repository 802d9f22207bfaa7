"""The token in a form that proves that it comes from one of the console's own pages (CSRF).

It names a session and its administrator and carries an HMAC that only the app can make, so nothing is stored, and it is
valid as long as the session. See OWASP's Cross-Site Request Forgery Prevention Cheat Sheet, "Employing HMAC CSRF
Tokens". The browser's own statement of where a request comes from, Sec-Fetch-Site, is checked as well.
"""

import hashlib
import hmac
from collections.abc import Mapping

FIELD = "form_token"
HEADER = "x-form-token"


def form_token(secret: bytes, session: str, admin: str) -> str:
    """Token for the forms of a session's pages."""
    return f"{session}.{admin}.{_mac(secret, session, admin)}"


def is_ours(secret: bytes, session: str, admin: str, token: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of this session sent the request. ``headers``: names in lower case."""
    expected = form_token(secret, session, admin)
    return _is_from_here(headers) and hmac.compare_digest(token.encode(), expected.encode())


def admin_of(secret: bytes, token: str, headers: Mapping[str, str]) -> str | None:
    """Id of the administrator whose page sent the request, in whichever session; None if it was not one of the
    console's pages.
    """
    session, _, rest = token.partition(".")
    admin, _, mac = rest.rpartition(".")
    is_made_here = hmac.compare_digest(mac.encode(), _mac(secret, session, admin).encode())
    return admin if is_made_here and _is_from_here(headers) else None


def _is_from_here(headers: Mapping[str, str]) -> bool:
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _mac(secret: bytes, session: str, admin: str) -> str:
    return hmac.new(secret, f"{session}\n{admin}".encode(), hashlib.sha256).hexdigest()
