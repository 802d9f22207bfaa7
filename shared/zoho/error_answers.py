"""The meaning of Zoho One's error answers.

Its errors are not documented. They may be SCIM's (RFC 7644 §3.12), or in the style of Zoho's other APIs: a code, a
message and a status in words, with any HTTP status, 200 included. So what an answer means is read from its body where
the status says success, and only from words that are known. Any other, such as an internal error, stays unclear:
nothing follows from it.
"""

import re
from email.utils import parsedate_to_datetime
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

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_FAILED = frozenset({"failure", "failed", "error"})
_MEANINGS: tuple[tuple[HTTPStatus, re.Pattern[str]], ...] = tuple(
    (status, re.compile(words, re.IGNORECASE))
    for status, words in (
        (HTTPStatus.TOO_MANY_REQUESTS, r"too.?many.?(requests|calls)|throttl|rate.?limit|api.?limit|try again"),
        (HTTPStatus.FORBIDDEN, r"scope|no.?permission|permission.?denied|not.?authori[sz]ed to|forbidden"),
        (HTTPStatus.UNAUTHORIZED, r"oauth.?token|invalid.?token|token.?expired|unauthori[sz]ed|authentication"),
        (HTTPStatus.METHOD_NOT_ALLOWED, r"invalid.?method|method.?not|not.?supported|not.?implemented"),
        (HTTPStatus.CONFLICT, r"duplicate|already|exists|in use|uniqueness"),
        (HTTPStatus.NOT_FOUND, r"not.?found|no.?such|does ?n.t exist|does not exist"),
        (HTTPStatus.BAD_REQUEST, r"invalid|mandatory|required|licen[cs]e|not.?allowed|pattern|data cent"),
    )
)
"""The words of Zoho's codes and messages, and the status that says the same; the first that is found counts."""

LONGEST_WAIT = 24 * 60 * 60
"""Longest Retry-After of Zoho One that is believed, in seconds."""


def error_of(response: requests.Response, password: SecretStr | None = None) -> Exception:
    """Return Zoho One's error answer as one of our errors. Its bodies are not documented: the reason is read where it
    may be.
    """
    status, reason = meaning_of(response), reason_of(response, password)
    if status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
        return ZohoRefused(f"{reason} ({status}): Test Connection shows which methods and filters Zoho One takes")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT) or status >= 500 or response.is_redirect:
        return ZohoBusy(f"Zoho One answered {status}: {reason}", wait_of(response, status))
    if status == HTTPStatus.FORBIDDEN or lacks_scope(response):
        return ZohoForbidden(f"Zoho One does not allow this to the store's connection ({status}: {reason})")
    if status == HTTPStatus.UNAUTHORIZED:
        return ZohoCredentials(f"Zoho One does not accept the store's connection ({status}: {reason})")
    if status == HTTPStatus.NOT_FOUND:
        # A host answers an unknown address without a body, or with a page.
        return ZohoNotFound(reason) if _object(response) else ZohoNowhere(_NOWHERE)
    return ZohoRefused(reason)


def meaning_of(response: requests.Response) -> int:
    """Return the status of an answer; for an error that comes with a success, the status that says the same."""
    status = response.status_code
    body = _object(response) if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES else {}
    if not is_error(body):
        return status
    for key in ("status", "status_code", "statusCode", "code"):
        text = str(body.get(key))
        if text.isascii() and text.isdecimal() and 400 <= int(text[:9]) < 500:
            return int(text)
    said = f"{body.get('code', '')} {body.get('scimType', '')} {_told(body)}"
    return next((meaning for meaning, words in _MEANINGS if words.search(said)), status)


def is_error(body: dict[str, Any]) -> bool:
    """Whether a JSON object says that something failed, in the style of SCIM or of Zoho."""
    schemas = body.get("schemas")
    is_scim = isinstance(schemas, list) and ERROR in schemas
    return is_scim or bool(body.get("error") or body.get("errors")) or str(body.get("status")).lower() in _FAILED


def lacks_scope(response: requests.Response) -> bool:
    """Whether a 401 is about the scope, as OAUTH_SCOPE_MISMATCH and INVALID_OAUTHSCOPE are in Zoho's other APIs."""
    return meaning_of(response) == HTTPStatus.UNAUTHORIZED and b"SCOPE" in response.content[:2000].upper()


def _object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def reason_of(response: requests.Response, password: SecretStr | None = None) -> str:
    """Return Zoho One's own words for what happened, without the password that was sent."""
    found = _told(_object(response))
    if password is not None and quotes(found, password):
        return "its reason repeats the one-time password, so it is left out here"
    return found[:500] or response.reason or f"status {response.status_code}"


def _told(body: dict[str, Any]) -> str:
    """Return the words of an error, which some APIs put into an object or a list of their own."""
    for key in ("detail", "message", "description", "error_description", "error", "errors"):
        found = body.get(key)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            return _told(found) or str(found.get("code") or "")
        if found:
            return str(found)
    return ""


def wait_of(response: requests.Response, status: int) -> int:
    """Return the seconds to wait (RFC 9110 §10.2.3); half a minute where it cannot be read. ``status``: its meaning.

    A date is read beside the answer's own, so that no two clocks are compared.
    """
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]), LONGEST_WAIT)
    if text and "Date" in response.headers:
        try:
            until, now = (parsedate_to_datetime(each) for each in (text, response.headers["Date"]))
            return min(max(round((until - now).total_seconds()), 0), LONGEST_WAIT)
        except (ValueError, TypeError):
            return 30
    return 1 if status >= 500 and not text else 30
