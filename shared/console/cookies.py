"""The cookies of the pages: out of reach of scripts, and sent along when another site's page leads back here (Lax)."""

from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether a browser reaches this address on its own machine without TLS: a Secure cookie would not come back
    there, but for Chromium's kindness."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")


def set_cookie(name: str, value: str, *, path: str = "/", seconds: int | None = None, secure: bool = True) -> str:
    """A Set-Cookie header. ``seconds``: until the browser is closed where there are none; 0 deletes it.

    The value may hold what a URL's path may, unescaped: the Functions host escapes everything else.
    """
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path={path}{age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
