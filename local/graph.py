"""The simulated Entra's Microsoft Graph: users and domains, read over HTTP with an access token, and mail sent.

A mail goes nowhere: `/_state` shows it. `/_faults` takes what the next calls shall answer instead.
Whatever it does not know it refuses, so that nobody relies on a parameter that is silently ignored here.

Sources: https://learn.microsoft.com/graph/api/user-list, https://learn.microsoft.com/graph/api/domain-list,
https://learn.microsoft.com/graph/api/user-sendmail,
https://learn.microsoft.com/graph/errors,
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import json
import re
import secrets
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.entra_directory import EntraDirectory
from local.person import Person
from local.serving import Headers, Receive, Scope, Send, answer, read_body
from local.zoho_faults import FAULTS, Faults

type Content = dict[str, Any]

LARGEST_PAGE = 999
DEFAULT_PAGE = 100
TOKEN_LIFETIME = 3599  # seconds, as Entra gives
TENANT_DOMAIN = ".onmicrosoft.example"
# Graph returns these where no $select asks for others; `manager` is a relation there, and cannot be selected.
DEFAULT_FIELDS = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
]
FIELDS = {field.alias or name for name, field in Person.model_fields.items()} - {"manager"}

TOKEN_PATH = re.compile(r"/[^/]+/oauth2/v2\.0/token")
USER_PATH = re.compile(r"/v1\.0/users/([^/]+)")
MAIL_PATH = re.compile(r"/v1\.0/users/([^/]+)/sendMail")


class GraphError(Exception):
    """An answer that is not a success, with Graph's error code."""

    def __init__(self, status: int, code: str, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}
        self.headers = headers


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class _EmailAddress(_Strict):
    address: str
    name: str | None = None


class _Recipient(_Strict):
    email_address: _EmailAddress


class _Body(_Strict):
    content_type: Literal["Text", "HTML"]
    content: str


class _Message(_Strict):
    subject: str
    body: _Body
    to_recipients: list[_Recipient] = Field(min_length=1)


class _SendMail(_Strict):
    message: _Message
    save_to_sent_items: bool = True


class Graph:
    """An ASGI application that shows one directory."""

    def __init__(self, directory: EntraDirectory) -> None:
        self._directory = directory
        self._token = secrets.token_urlsafe(32)
        self._faults = Faults()
        self._mails: list[Content] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode()))
        more: Headers = ()
        try:
            status, content = self._respond(scope["method"], scope["path"], query, headers, body)
        except GraphError as error:
            status, content, more = error.status, error.body, error.headers
        text = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        await answer(send, status, text, [("content-type", "application/json"), *more])

    def _respond(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, Content | None]:
        """The status and the content, which an accepted mail and an accepted fault have not."""
        if (method, path) == ("POST", "/_faults"):
            self._faults.waiting += FAULTS.validate_json(body)
            return 204, None
        mail = MAIL_PATH.fullmatch(path)
        self._fail_if_asked(method, "/v1.0/users/{id}/sendMail" if mail else path, path)
        if method == "POST" and mail:
            self._authenticate(headers)
            self._send_mail(mail[1], body)
            return 202, None
        return 200, self._answer(method, path, query, headers, body)

    def _answer(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> Content:
        if method == "POST" and TOKEN_PATH.fullmatch(path):
            return self._issue_token(dict(parse_qsl(body.decode())))
        if method != "GET":
            raise GraphError(405, "Request_BadRequest", f"{method} is not simulated here")
        if path == "/_state":
            people = [person.model_dump(mode="json", by_alias=True) for person in self._directory.people()]
            users = [{**row, "assigned": self._directory.is_assigned(row["id"])} for row in people]
            return {"users": users, "mails": self._mails}
        self._authenticate(headers)
        base = f"http://{headers['host']}"
        if path == "/v1.0/users":
            return self._list_users(f"{base}{path}", query)
        if match := USER_PATH.fullmatch(path):
            return self._get_user(match[1], query)
        if path == "/v1.0/domains":
            return self._list_domains()
        raise GraphError(404, "BadRequest", f"Resource not found for {path}")

    def _authenticate(self, headers: dict[str, str]) -> None:
        if headers.get("authorization") != f"Bearer {self._token}":
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty or not one of this simulator.")

    def _fail_if_asked(self, method: str, kind: str, path: str) -> None:
        fault = self._faults.take(method, kind, path)
        if fault is not None:
            raise GraphError(fault.status or 500, str(fault.body or "simulated"), "Simulated", [*fault.headers.items()])

    def _send_mail(self, sender: str, body: bytes) -> None:
        self._find(sender)
        try:
            mail = _SendMail.model_validate_json(body)
        except ValidationError as error:
            raise GraphError(400, "BadRequest", str(error)) from None
        self._mails.append({"from": sender, **mail.model_dump(mode="json", by_alias=True)})

    def _issue_token(self, form: dict[str, str]) -> Content:
        if form.get("grant_type") != "client_credentials" or not form.get("client_id"):
            raise GraphError(400, "unsupported_grant_type", "Only client credentials are simulated here")
        return {"token_type": "Bearer", "expires_in": TOKEN_LIFETIME, "access_token": self._token}

    def _list_users(self, url: str, query: dict[str, str]) -> Content:
        _refuse_others(query, {"$select", "$top", "$skiptoken"})
        fields = _selected(query)
        size = _number(query, "$top", DEFAULT_PAGE, least=1, most=LARGEST_PAGE)
        start = _number(query, "$skiptoken", 0, least=0, most=None)
        people = [person for person in self._directory.people() if person.deleted_date_time is None]
        page: Content = {"value": [_show(person, fields) for person in people[start : start + size]]}
        if start + size < len(people):
            page["@odata.nextLink"] = f"{url}?{urlencode({**query, '$skiptoken': start + size}, safe='$,')}"
        return page

    def _get_user(self, key: str, query: dict[str, str]) -> Content:
        _refuse_others(query, {"$select"})
        return _show(self._find(key), _selected(query))

    def _find(self, key: str) -> Person:
        for person in self._directory.people():
            if person.deleted_date_time is None and key.lower() in (person.id, person.user_principal_name.lower()):
                return person
        raise GraphError(404, "Request_ResourceNotFound", f"Resource '{key}' does not exist")

    def _list_domains(self) -> Content:
        names = sorted({person.user_principal_name.rpartition("@")[2] for person in self._directory.people()})
        return {
            "value": [
                {
                    "id": name,
                    "isVerified": True,
                    "isInitial": name.endswith(TENANT_DOMAIN),
                    "isDefault": name == names[0],
                }
                for name in names
            ]
        }


def _show(person: Person, fields: list[str]) -> Content:
    row = person.model_dump(mode="json", by_alias=True)
    return {field: row[field] for field in fields}


def _selected(query: dict[str, str]) -> list[str]:
    fields = query["$select"].split(",") if "$select" in query else DEFAULT_FIELDS
    for field in fields:
        if field not in FIELDS:
            raise GraphError(400, "Request_BadRequest", f"Could not find a property named '{field}' on type 'user'")
    return fields


def _refuse_others(query: dict[str, str], known: set[str]) -> None:
    if unknown := set(query) - known:
        raise GraphError(400, "Request_UnsupportedQuery", f"Not simulated here: {', '.join(sorted(unknown))}")


def _number(query: dict[str, str], name: str, default: int, *, least: int, most: int | None) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise GraphError(400, "Request_BadRequest", f"Invalid value '{text}' for {name}")
    return int(text)
