"""The token that a form carries to show that it came from one of our own pages (CSRF).

It is an HMAC over who is signed in and the day, which nobody else can make; there is no session to keep. See OWASP's
Cross-Site Request Forgery Prevention Cheat Sheet, "Employing HMAC CSRF Tokens". The browser's own word on where a
request comes from, Sec-Fetch-Site, is asked as well.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

FIELD = "form_token"
HEADER = "x-form-token"
LIVES = timedelta(hours=12)
"""At least, and twice that at the most: longer than a page stays open on a working day."""


def form_token(secret: bytes, admin: str, now: datetime) -> str:
    """For the forms of a page that is made now."""
    return _token(secret, admin, _period(now))


def is_ours(secret: bytes, admin: str, now: datetime, token: str, headers: Mapping[str, str]) -> bool:
    """Whether a request was sent by a page of ours, for this admin, not too long ago. ``headers`` in small letters."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    periods = (_period(now), _period(now) - 1)
    return any(hmac.compare_digest(token.encode(), _token(secret, admin, period).encode()) for period in periods)


def _period(now: datetime) -> int:
    return int(now.timestamp() // LIVES.total_seconds())


def _token(secret: bytes, admin: str, period: int) -> str:
    return hmac.new(secret, f"{admin}\n{period}".encode(), hashlib.sha256).hexdigest()
