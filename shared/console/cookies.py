"""The cookies of the pages. Scripts cannot read them; browsers send them when a link of another site leads here
(Lax).
"""

from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether the address is the browser's own machine without TLS. Not every browser returns a Secure cookie there."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")


def set_cookie(name: str, value: str, *, path: str = "/", seconds: int | None = None, secure: bool = True) -> str:
    """Build a Set-Cookie header. ``seconds``: lifetime; None: until the browser is closed; 0 deletes the cookie.

    The value may contain what a URL's path may, unescaped: the Functions host escapes everything else.
    """
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path={path}{age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
