"""The dialects of the simulated Zoho One: how a SCIM API may differ from the standard, and from its neighbours.

Zoho One's contract is not documented, so each difference that is known of some SCIM API is a mode here. `Spoken` stands
between the calls and the organisation, which stays as it is: what it holds can be compared across dialects.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict

from local.serving import Response, Scope

type Json = Any

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CODES = {
    400: "INVALID_DATA",
    401: "INVALID_TOKEN",
    403: "NO_PERMISSION",
    404: "RESOURCE_NOT_FOUND",
    405: "INVALID_METHOD",
    409: "DUPLICATE_DATA",
    429: "TOO_MANY_REQUESTS",
}
"""Zoho's own words for a status, as its other APIs have them; everything else is INTERNAL_ERROR."""
_MEMBER = re.compile(r'members\[value eq "([^"]*)"\]')
_FIRST_NUMBER = 4_000_000_000_000_001


class Dialect(BaseModel):
    """What is different. The defaults are the standard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = "/scim"
    """The path before /Users."""
    patch: bool = True
    put: bool = True
    group_patch: bool = True
    active: Literal["boolean", "text", "only text"] = "boolean"
    """How `active` is shown; `only text` refuses a boolean too."""
    lower_case: bool = False
    """userName is kept in lower case."""
    lacks: tuple[str, ...] = ()
    """Attributes that it does not know: of users by their first name, or a schema; of groups the same."""
    refuses_unknown: bool = False
    """Whether an attribute that it does not know is an error, or is dropped."""
    numeric_ids: bool = False
    empty_answers: bool = False
    """200 without a body for DELETE and PATCH."""
    page_size: int | None = None
    """The most on a page, whatever is asked for."""
    first_index: Literal[0, 1] = 1
    filters: Literal["all", "userName", "none"] = "all"
    ignores_filters: bool = False
    """Whether a filter that it does not have is an error, or everything is listed."""
    errors: Literal["scim", "zoho"] = "scim"
    """`zoho`: status 200, and an error in the body."""
    throttles_every: int | None = None
    """Every n-th call is answered 429."""
    retry_after: int | None = None
    """The seconds in a 429's Retry-After; None: it has none."""
    members_shown: int | None = None
    members_taken: int | None = None
    """The most members in one request."""
    names: Literal["standard", "lower case"] = "standard"
    """The names of attributes in answers."""


class Answers(Protocol):
    """What is spoken to: the SCIM API of an organisation."""

    async def respond(self, scope: Scope, body: bytes) -> Response: ...


class _Refused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Spoken:
    """An organisation's SCIM API in a dialect."""

    def __init__(self, organisation: Answers, dialect: Dialect) -> None:
        self.dialect = dialect
        self._organisation = organisation
        self._numbers: dict[str, int] = {}
        self._calls = 0

    def is_scim(self, path: str) -> bool:
        """Whether a path is of the SCIM API."""
        rest = path.removeprefix(self.dialect.base)
        if not path.startswith(self.dialect.base) or (rest and not rest.startswith("/")):
            return False
        return bool(self.dialect.base) or not path.startswith(("/dc/", "/scim/"))

    def inner(self, path: str) -> str:
        """Return a path as after /scim."""
        return path.removeprefix(self.dialect.base).removeprefix("/v2") or "/"

    async def respond(self, scope: Scope, body: bytes) -> Response:
        """Answer a request."""
        if self.dialect == Dialect():
            return await self._organisation.respond(scope, body)
        method, path = scope["method"], self.inner(scope["path"])
        query = dict(parse_qsl(scope["query_string"].decode()))
        self._calls += 1
        try:
            self._check(method, path)
            said = self._read(body) if body else None
            query = self._asked(path, query)
        except _Refused as refusal:
            return self._error(refusal.status, str(refusal))
        _, collection, key, *_ = [*path.split("/"), "", ""]
        inner = f"/scim/{collection}/{self._real(key)}" if key else f"/scim{path}"
        passed = {**scope, "path": inner, "raw_path": inner.encode(), "query_string": urlencode(query).encode()}
        content = b"" if said is None else json.dumps(said).encode()
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-length"]
        headers += [(b"content-length", str(len(content)).encode())] if content else []
        return self._told(method, await self._organisation.respond({**passed, "headers": headers}, content))

    def _check(self, method: str, path: str) -> None:
        dialect, on_groups = self.dialect, path.startswith("/Groups")
        if dialect.throttles_every and self._calls % dialect.throttles_every == 0:
            raise _Refused(429, "Too many requests")
        lacking = {"PATCH": not (dialect.patch and (dialect.group_patch or not on_groups)), "PUT": not dialect.put}
        if lacking.get(method):
            raise _Refused(405, f"{method} is not supported")

    # -- requests --

    def _read(self, body: bytes) -> Json:
        said = json.loads(body)
        if "Operations" in said:
            kept = [one for one in map(self._operation, said["Operations"]) if one is not None]
            self._count_members(member for one in kept if one.get("path") == "members" for member in one["value"] or ())
            return said | {"Operations": kept or [{"op": "replace", "value": {}}]}
        unknown = [name for name in said if name in self.dialect.lacks]
        self._refuse_unknown(unknown)
        taken = {name: self._value(name, value) for name, value in said.items() if name not in unknown}
        self._count_members(taken.get("members", ()))
        return taken

    def _operation(self, operation: Json) -> Json | None:
        path = str(operation.get("path", ""))
        attribute = next((name for name in self.dialect.lacks if re.match(rf"{re.escape(name)}(\W|$)", path)), None)
        if attribute:
            self._refuse_unknown([attribute])
            return None
        if match := _MEMBER.fullmatch(path):
            path = f'members[value eq "{self._real(match[1])}"]'
        changed = operation | {"path": path}
        if "value" in operation:
            changed["value"] = self._value(path, operation["value"])
        return changed

    def _value(self, name: str, value: Json) -> Json:
        if name == "active" and self.dialect.active == "only text":
            if isinstance(value, bool):
                raise _Refused(400, "active is a text")
            return str(value).lower() == "true"
        if name == "userName" and self.dialect.lower_case and isinstance(value, str):
            return value.lower()
        if name == "members" and isinstance(value, list):
            return [{**member, "value": self._real(str(member["value"]))} for member in value]
        if name.endswith("manager.value"):
            return self._real(str(value))
        if isinstance(value, dict) and isinstance(value.get("manager"), dict):
            manager = value["manager"] | {"value": self._real(str(value["manager"].get("value")))}
            return value | {"manager": manager}
        return value

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        if self.dialect.refuses_unknown and (unknown := next(iter(names), None)):
            raise _Refused(400, f"The attribute {unknown} is unknown")

    def _count_members(self, members: Iterable[Json]) -> None:
        if self.dialect.members_taken is not None and len(list(members)) > self.dialect.members_taken:
            raise _Refused(400, f"At most {self.dialect.members_taken} members in one request")

    def _asked(self, path: str, query: dict[str, str]) -> dict[str, str]:
        dialect = self.dialect
        if path not in ("/Users", "/Groups"):
            return query
        wanted = query.get("filter")
        by_name = (wanted or "").startswith("userName eq ")
        if wanted is not None and (dialect.filters == "none" or (dialect.filters == "userName" and not by_name)):
            if not dialect.ignores_filters:
                raise _Refused(400, "This filter is not supported")
            query = {name: value for name, value in query.items() if name != "filter"}
        elif wanted is not None and dialect.numeric_ids and wanted.startswith("id eq "):
            query = query | {"filter": f'id eq "{self._real(json.loads(wanted.removeprefix("id eq ")))}"'}
        start = int(query.get("startIndex", dialect.first_index)) + 1 - dialect.first_index
        count = min(int(query.get("count", 100)), dialect.page_size or 1_000_000)
        return query | {"startIndex": str(start), "count": str(count)}

    # -- answers --

    def _told(self, method: str, answer: Response) -> Response:
        if answer.status >= 400:
            error = json.loads(answer.body) if answer.body else {}
            return self._error(answer.status, error.get("detail", ""), answer)
        if self.dialect.empty_answers and method in ("DELETE", "PATCH"):
            return Response(200)
        if not answer.body:
            return answer
        said = json.loads(answer.body)
        if "Resources" in said or "totalResults" in said:
            said["Resources"] = [self._shown(one) for one in said.get("Resources", ())]
            if "startIndex" in said:
                said["startIndex"] += self.dialect.first_index - 1
        else:
            said = self._shown(said)
        said = _lowered(said) if self.dialect.names == "lower case" else said
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        return Response(answer.status, json.dumps(said).encode(), headers)

    def _shown(self, resource: Json) -> Json:
        shown = dict(resource)
        if "id" in shown and "attributes" not in shown and not str(shown["id"]).startswith("urn:"):
            shown["id"] = self._number(shown["id"])
        if self.dialect.active != "boolean" and "active" in shown:
            shown["active"] = str(shown["active"])
        if isinstance(shown.get("members"), list):
            shown["members"] = [one | {"value": self._number(one["value"])} for one in shown["members"]]
            shown["members"] = shown["members"][: self.dialect.members_shown]
        for name, value in shown.items():
            if isinstance(value, dict) and isinstance(value.get("manager"), dict):
                manager = value["manager"] | {"value": self._number(value["manager"].get("value"))}
                shown[name] = value | {"manager": manager}
        return shown

    def _error(self, status: int, detail: str, answer: Response | None = None) -> Response:
        headers: list[tuple[str, str]] = []
        if status == 429 and self.dialect.retry_after is not None:
            headers = [("Retry-After", str(self.dialect.retry_after))]
        if self.dialect.errors == "zoho" and status != 401:
            error = {"code": CODES.get(status, "INTERNAL_ERROR"), "status": "error", "message": detail}
            plain = Response.json(error)
            return Response(200, plain.body, [*plain.headers, *headers])
        if answer is not None:
            return answer
        scim = Response.json({"schemas": [ERROR], "status": str(status), "detail": detail}, status)
        return Response(status, scim.body, [*scim.headers, *headers])

    # -- ids --

    def _number(self, key: Json) -> Json:
        if not self.dialect.numeric_ids or key is None:
            return key
        return self._numbers.setdefault(str(key), _FIRST_NUMBER + len(self._numbers))

    def _real(self, key: str) -> str:
        if not self.dialect.numeric_ids:
            return key
        return next((real for real, number in self._numbers.items() if str(number) == key), key)


def _lowered(said: Json) -> Json:
    if isinstance(said, Mapping):
        return {name if name.startswith("urn:") else name.lower(): _lowered(value) for name, value in said.items()}
    return [_lowered(one) for one in said] if isinstance(said, list) else said
