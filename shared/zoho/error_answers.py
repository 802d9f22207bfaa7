"""The meaning of Zoho One's error answers."""

from http import HTTPStatus
from typing import Any

import requests
from pydantic import SecretStr

from shared.zoho.errors import (
    ZohoBusy,
    ZohoCredentials,
    ZohoForbidden,
    ZohoNotFound,
    ZohoNowhere,
    ZohoRefused,
)
from shared.zoho.secrecy import quotes

_NOWHERE = (
    "Zoho One answered 404 without a SCIM error, so the address itself leads nowhere: look for a slash too many in the "
    "store's sync endpoint, as in //Users, or a part that is missing"
)

LONGEST_WAIT = 24 * 60 * 60
"""Longest Retry-After of Zoho One that is believed, in seconds."""


def error_of(response: requests.Response, password: SecretStr | None = None) -> Exception:
    """Return Zoho One's error answer as one of our errors. Its bodies are not documented: the reason is read where it
    may be.
    """
    status, reason = response.status_code, reason_of(response, password)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500 or response.is_redirect:
        return ZohoBusy(f"Zoho One answered {status}: {reason}", _retry_after(response))
    if status == HTTPStatus.FORBIDDEN or lacks_scope(response):
        return ZohoForbidden(f"Zoho One does not allow this to the store's connection ({status}: {reason})")
    if status == HTTPStatus.UNAUTHORIZED:
        return ZohoCredentials(f"Zoho One does not accept the store's connection ({status}: {reason})")
    if status == HTTPStatus.NOT_FOUND:
        # A host answers an unknown address without a body, or with a page.
        return ZohoNotFound(reason) if _object(response) else ZohoNowhere(_NOWHERE)
    return ZohoRefused(reason)


def lacks_scope(response: requests.Response) -> bool:
    """Whether a 401 is about the scope, as OAUTH_SCOPE_MISMATCH and INVALID_OAUTHSCOPE are in Zoho's other APIs."""
    return response.status_code == HTTPStatus.UNAUTHORIZED and b"SCOPE" in response.content[:2000].upper()


def _object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def reason_of(response: requests.Response, password: SecretStr | None = None) -> str:
    """Return Zoho One's own words for what happened, without the password that was sent."""
    body = _object(response)
    found = next((body[key] for key in ("detail", "message", "error") if body.get(key)), "")
    if password is not None and quotes(str(found), password):
        return "its reason repeats the one-time password, so it is left out here"
    return str(found)[:500] or response.reason or f"status {response.status_code}"


def _retry_after(response: requests.Response) -> int:
    """Return the seconds to wait (RFC 9110 §10.2.3, as a number); half a minute where it cannot be read."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]), LONGEST_WAIT)
    return 1 if response.status_code >= 500 and not text else 30
