"""Addresses from the browser that a page may redirect to: the console's own pages, and nothing else."""

import re
from urllib.parse import urlsplit

from werkzeug.urls import iri_to_uri

START = "/console/"

_OWN = re.compile(r"/(console|oauth/start)([/?][A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")
"""A path of the app from its first character on: no scheme, no host, no backslash, nothing that a browser drops."""
_SIGN_IN = re.compile(r"/console/(sign-in(?!/form/)|sign-out|signed-out)\b.*")


def own_address(address: str) -> str:
    """The address if it is one of the app's pages to return to, otherwise the first page."""
    return address if _OWN.fullmatch(address) and not _SIGN_IN.fullmatch(address) else START


def address_of(url: str) -> str:
    """Path and query of a URL, escaped as a browser does it."""
    parts = urlsplit(iri_to_uri(url))
    return parts.path + (f"?{parts.query}" if parts.query else "")
