"""A Flask application with the console's layout, static files and headers, and without any page."""

import hashlib
from pathlib import Path

from flask import Flask, request
from jinja2 import StrictUndefined
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response

ROOT = "/console"
STATIC = Path(__file__).parent / "static"
VERSION = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(STATIC.iterdir()))).hexdigest()[:12]
"""Digest of the static files. It is a part of their address: a browser may keep them and never has old ones."""
YEAR = 365 * 24 * 3600  # seconds

STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy of a page that runs no script and sends no form."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address of a callback holds a code
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=31536000",  # browsers ignore it on http
}
"""Headers of every answer that does not set them itself."""


class PlainText(BaseConverter):
    """What every variable part of an address may be: an id, a name of a field, a language, a format.

    It may become a part of a header or of a file's name, so nothing else finds a page.
    """

    regex = "[A-Za-z0-9_.-]{1,200}"


def bare_app() -> Flask:
    """Build the application. Its answers are not cached, except for the static files, which are cached for a year."""
    app = Flask(__name__, static_folder="static", static_url_path=f"{ROOT}/static/{VERSION}")
    app.url_map.converters["default"] = PlainText
    app.config.update(SEND_FILE_MAX_AGE_DEFAULT=YEAR)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_harden)
    return app


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
