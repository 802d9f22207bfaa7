"""Zoho One for one machine: `python -m local.zoho_one [--port N] [--latency-ms MS] [--licences N] [--data-center DC]
[--dialect JSON]`.

It has the two interfaces of Zoho One that the bridge uses, the accounts servers under `/dc/{data center}` and the SCIM
API under `/scim`, in a dialect (dialect.py); `/_sign_in`, where a user tries their password; and one of its own:
`/_state`, `/_faults`, `/_users`, `/_groups`, `/_tokens`, `/_scim_token`, `/_home` and `/_dialect` show and change its
state and behaviour; POST to `/_kept` keeps its users and groups, PUT restores them. Below `/_scim` its SCIM API is
plain, whatever its dialect, and counts nothing. When ready it prints in one line its address, client and tokens.
"""

import argparse
import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from local.faults import FAULTS, Fault, Faults
from local.serving import (
    DroppableProtocol,
    Receive,
    Response,
    Scope,
    Send,
    answer,
    end_quietly_on_signals,
    listen,
    log_to_stderr,
    pause,
    read_body,
    serve,
    url_of,
)
from local.zoho_one.accounts import CLIENT_ID, DATA_CENTERS, Accounts
from local.zoho_one.dialect import Dialect, Spoken
from local.zoho_one.directory import Directory
from local.zoho_one.passwords import hidden

REMEMBERED_CALLS = 100
RESOURCES = TypeAdapter(list[dict[str, Any]])
LIES = {
    "error": Response.json(
        {"code": "INTERNAL_ERROR", "status": "failure", "message": "The request was not carried out"}
    ),
    "page": Response(200, b"<!doctype html><title>Sign in</title>", [("content-type", "text/html")]),
    "silence": Response(200),
}
"""Successful answers that do not say what was done."""
SIGN_IN = TypeAdapter(dict[Literal["userName", "password"], str])


@dataclass
class Call:
    """One call from outside. `status` is empty if its connection was dropped."""

    at: float
    method: str
    path: str
    query: str
    kind: str
    body: Any
    status: int | None = None


class Organisation(Protocol):
    """The users and groups of an organisation, behind its SCIM API: Directory, or PlainDirectory."""

    async def respond(self, scope: Scope, body: bytes) -> Response: ...
    async def add_user(self, user: dict[str, Any]) -> Response: ...
    async def add_group(self, group: dict[str, Any]) -> Response: ...
    def held(self, resource_type: str) -> list[dict[str, Any]]: ...
    def with_password(self) -> list[str]: ...
    def signs_in(self, user_name: str, password: str) -> bool: ...
    def clear(self) -> None: ...
    def keep(self) -> None: ...
    def go_back(self) -> None: ...


class ZohoOne:
    """The ASGI application. ``kind``: what holds its users and groups."""

    def __init__(
        self,
        url: str,
        home: str,
        latency: float,
        licences: int | None,
        kind: Callable[[Callable[[str], bool], int | None], Organisation] = Directory,
        dialect: Dialect = Dialect(),  # noqa: B008 - it is frozen
    ) -> None:
        self.accounts = Accounts(url, home)
        self.described = {
            "url": url,
            "accounts": self.accounts.address(home),
            "sync_endpoint": f"{url}{dialect.base}",
            "client_id": CLIENT_ID,
            "client_secret": self.accounts.client_secret,
            "refresh_token": self.accounts.refresh_token,
            "scim_token": self.accounts.scim_token,
        }
        self.directory = kind(self.accounts.accepts, licences)
        self._first_dialect = dialect
        self._spoken = Spoken(self.directory, dialect)
        self._latency = latency
        self._faults = Faults()
        self._counts: Counter[str] = Counter()
        self._calls: deque[Call] = deque(maxlen=REMEMBERED_CALLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if scope["path"].startswith("/_scim/"):
            plain = {**scope, "path": scope["path"].replace("/_scim", "/scim", 1)}
            await answer(send, *await self.directory.respond(plain, body))
            return
        if scope["path"].startswith("/_"):
            await answer(send, *await self._control(scope["method"], scope["path"], body))
            return
        response = await self._call(scope, body)
        if response is None:
            await DroppableProtocol.drop(scope, receive)
        else:
            await answer(send, *response)

    async def _call(self, scope: Scope, body: bytes) -> Response | None:
        """Answer a call of either interface, or return None if its connection is to be dropped."""
        call = self._described(scope, body)
        self._counts[f"{call.method} {call.kind}"] += 1
        self._calls.append(call)
        fault = self._faults.take(call.method, call.kind, call.path) or Fault.model_construct()
        await pause(self._latency + fault.latency)
        if fault.drop == "before":
            return None
        if fault.status is not None and not fault.carried_out:
            response = _faulty(fault, fault.status)
        elif fault.lie is not None and not fault.carried_out:
            response = LIES[fault.lie]
        else:
            response = await self._carry_out(scope, body)
            response = LIES[fault.lie] if fault.lie else response
            response = _faulty(fault, fault.status) if fault.status is not None else response
        if fault.drop == "after":
            return None
        call.status = response.status
        return response

    async def _carry_out(self, scope: Scope, body: bytes) -> Response:
        if self._spoken.is_scim(scope["path"]):
            return await self._spoken.respond(scope, body)
        if scope["path"].startswith("/dc/"):
            return self.accounts.respond(scope["method"], scope["path"], scope["query_string"].decode(), body)
        return Response(404)

    async def _control(self, method: str, path: str, body: bytes) -> Response:
        simple: dict[tuple[str, str], Callable[[], object]] = {
            ("DELETE", "/_state"): self._reset,
            ("POST", "/_kept"): self.directory.keep,
            ("PUT", "/_kept"): self.directory.go_back,
            ("DELETE", "/_faults"): self._faults.waiting.clear,
            ("DELETE", "/_tokens"): self.accounts.expire_access_tokens,
        }
        if (method, path) in simple:
            simple[method, path]()
            return Response(204)
        match method, path:
            case "GET", "/_state":
                return Response.json(self._state())
            case "GET", "/_faults":
                return Response.json(FAULTS.dump_python(self._faults.waiting, mode="json"))
            case "PUT", "/_home":
                return self._move(body)
            case "POST", "/_scim_token":
                return Response.json(self.accounts.rotate_scim_token(keep=body == b"keep"))
            case "PUT", "/_dialect":
                return self._speak(body)
            case "POST", "/_sign_in":
                return self._sign_in(body)
            case "POST", "/_faults" | "/_users" | "/_groups":
                return await self._add(path, body)
        return Response(404)

    def _move(self, body: bytes) -> Response:
        try:
            self.accounts.move(body.decode())
        except ValueError:
            return Response(422)
        return Response(204)

    def _speak(self, body: bytes) -> Response:
        try:
            self._spoken = Spoken(self.directory, Dialect.model_validate_json(body))
        except ValidationError as error:
            return Response(422, error.json(include_url=False).encode(), [("content-type", "application/json")])
        return Response(204)

    def _sign_in(self, body: bytes) -> Response:
        try:
            said = SIGN_IN.validate_json(body)
        except ValidationError:
            return Response(422)
        return Response(204 if self.directory.signs_in(said["userName"], said["password"]) else 401)

    async def _add(self, path: str, body: bytes) -> Response:
        try:
            if path == "/_faults":
                self._faults.waiting += FAULTS.validate_json(body)
                return Response(204)
            add = self.directory.add_user if path == "/_users" else self.directory.add_group
            responses = [await add(resource) for resource in RESOURCES.validate_json(body)]
        except ValidationError as error:
            return Response(422, error.json(include_url=False).encode(), [("content-type", "application/json")])
        failed = any(response.status >= HTTPStatus.BAD_REQUEST for response in responses)
        return Response.json([json.loads(response.body) for response in responses], 422 if failed else 201)

    def _state(self) -> dict[str, Any]:
        grants = self.accounts.grants
        return {
            "users": self.directory.held("User"),
            "with_password": self.directory.with_password(),
            "groups": self.directory.held("Group"),
            "calls": dict(self._counts),
            "tokens": {"issued": asdict(grants.issued), "refresh_tokens": len(grants.refresh_tokens)},
            "last_calls": [vars(call) for call in self._calls],
        }

    def _described(self, scope: Scope, body: bytes) -> Call:
        path: str = scope["path"]
        said = None  # what the accounts servers receive is secret
        kind = path
        if self._spoken.is_scim(path):
            path = self._spoken.inner(path)
            _, resource, *rest = path.split("/")
            kind = f"/{resource}/{{id}}" if rest and not rest[0].startswith(".") else path
            said = hidden(_read(body))
        elif path.startswith("/dc/"):
            kind = "/" + "/".join(path.split("/")[3:])
        return Call(time.time(), scope["method"], path, scope["query_string"].decode(), kind, said)

    def _reset(self) -> None:
        self.directory.clear()
        self.accounts.reset()
        self._spoken = Spoken(self.directory, self._first_dialect)
        self._faults.waiting.clear()
        self._counts.clear()
        self._calls.clear()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _faulty(fault: Fault, status: int) -> Response:
    response = Response.json(fault.body, status) if fault.body is not None else Response(status)
    return Response(status, response.body, [*response.headers, *fault.headers.items()])


async def run(port: int, home: str, latency: float, licences: int | None, dialect: Dialect) -> None:
    """Serve one organisation until the process has to end. `latency` is in seconds, for each call."""
    listener = listen(port)
    zoho_one = ZohoOne(url_of(listener), home, latency, licences, dialect=dialect)
    await serve(zoho_one, listener, zoho_one.described)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.zoho_one", description="Simulate Zoho One on this machine.")
    parser.add_argument("--port", type=int, default=7072, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0, help="minimum duration of each call")
    parser.add_argument("--licences", type=int, help="how many users may be active; no limit when not given")
    parser.add_argument("--data-center", choices=DATA_CENTERS, default="us", help="where the organisation lives")
    parser.add_argument(
        "--dialect", type=Dialect.model_validate_json, default=Dialect(), help='as JSON, such as {"patch": false}'
    )
    arguments = parser.parse_args()
    log_to_stderr()
    logging.getLogger("scim2_server").setLevel(logging.WARNING)  # it logs what was wrong with each refused request
    end_quietly_on_signals()
    latency = arguments.latency_ms / 1000
    asyncio.run(run(arguments.port, arguments.data_center, latency, arguments.licences, arguments.dialect))
