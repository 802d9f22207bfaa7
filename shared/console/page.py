"""HTML pages, as strict as they can be: no script, no frame, nothing from elsewhere, nothing kept."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = (Path(__file__).parent / "templates" / "style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of a callback holds a code
    "X-Content-Type-Options": "nosniff",
}


class MalformedAddress(Exception):
    """The request's URL cannot be read."""


@dataclass(frozen=True)
class PageRequest:
    """A browser's request."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    raw_headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By their names in small letters."""
        return {name.lower(): value for name, value in self.raw_headers.items()}

    @property
    def cookies(self) -> Mapping[str, str]:
        """What the browser sent back; nothing where it cannot be read."""
        try:
            return {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("cookie", "")).items()}
        except CookieError:
            return {}

    @property
    def origin(self) -> str:
        """Scheme and host. Raises MalformedAddress: the Host header is as the browser sent it."""
        try:
            url = urlsplit(self.url)
        except ValueError:
            raise MalformedAddress from None
        return f"{url.scheme}://{url.netloc}"


@dataclass(frozen=True)
class Page:
    """What goes back."""

    status: int
    html: str = field(repr=False)
    headers: Mapping[str, str]


def page(status: int, template: str, cookie: str | None = None, **values: object) -> Page:
    """A page from a template."""
    html = _TEMPLATES.get_template(template).render(style=_STYLE, **values)
    return Page(status, html, {**HEADERS, **({"Set-Cookie": cookie} if cookie else {})})


def redirect(url: str, cookie: str | None = None) -> Page:
    """Send the browser elsewhere."""
    return Page(302, "", {**HEADERS, "Location": url, **({"Set-Cookie": cookie} if cookie else {})})
