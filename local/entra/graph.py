"""The simulated Entra's Microsoft Graph, read over HTTP with an access token, and its sign-in.

Under `/_` it has a face of its own: `/_state` and `/_calls` show what it holds and how often it was called, `/_people`
changes people, groups and assignments (graph_people.py), `/_settings` how it behaves (graph_settings.py), `/_faults`
takes what the next calls shall answer instead (zoho_faults.py). `DELETE /_tokens` and `DELETE /_links` end all access
tokens, and all links of delta queries; `DELETE /_keys` changes the key that ID tokens are signed with; `DELETE /_state`
takes it back to how it began. What it does not know it refuses, so that nobody relies on it.

Sources: https://learn.microsoft.com/graph/json-batching, and those in the files it is made of.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from local.entra.directory import EntraDirectory, UnknownPersonError
from local.entra.graph_assignments import GraphAssignments
from local.entra.graph_delta import GraphDelta
from local.entra.graph_errors import GraphError
from local.entra.graph_groups_delta import GraphGroupsDelta
from local.entra.graph_links import GraphLinks
from local.entra.graph_login import IDENTITY_PATH, GraphLogin
from local.entra.graph_mail import read_mail
from local.entra.graph_people import ACTIONS, act
from local.entra.graph_request import Content, GraphRequest
from local.entra.graph_settings import GraphSettings
from local.entra.graph_sign_in import GraphSignIn
from local.entra.graph_users import GraphUsers
from local.faults import FAULTS, Fault, Faults
from local.serving import DroppableProtocol, Headers, Receive, Response, Scope, Send, answer, pause, read_body

LARGEST_BATCH = 20


class Route(NamedTuple):
    """What answers a method and a kind of path, and the permission it takes: none for the sign-in."""

    method: str
    kind: str
    permission: str | None
    handle: Callable[..., Content | Response | None]

    @property
    def pattern(self) -> re.Pattern[str]:
        """What paths of this kind look like."""
        return re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(self.kind)))


class Graph:
    """An ASGI application that shows one directory."""

    def __init__(self, directory: EntraDirectory) -> None:
        self._directory = directory
        self.settings = GraphSettings()
        self.sign_in = GraphSignIn(directory, self.settings)
        self._login = GraphLogin(self.settings, self.sign_in)
        self._links = GraphLinks(self.settings)
        self._users = GraphUsers(directory, self._links)
        delta = GraphDelta(directory, self._users, self.settings, self._links)
        groups_delta = GraphGroupsDelta(directory, self.settings, self._links)
        self._faults = Faults()
        self._calls: Counter[str] = Counter()
        self._mails: list[Content] = []
        self._lock = threading.Lock()  # http and https are served by threads of their own
        assignments = GraphAssignments(directory, self._links)
        routes = [
            Route("POST", "/{tenant}/oauth2/v2.0/token", None, self._login.token),
            Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", None, self._login.configuration),
            Route("GET", "/{tenant}/discovery/v2.0/keys", None, self.sign_in.keys),
            Route("GET", "/{tenant}/oauth2/v2.0/authorize", None, self.sign_in.authorize),
            Route("POST", "/{tenant}/oauth2/v2.0/authorize", None, self.sign_in.choose),
            Route("GET", IDENTITY_PATH, None, self._login.identity_token),
            Route("POST", "/v1.0/$batch", "User.Read.All", self._batch),
            Route("GET", "/v1.0/users", "User.Read.All", self._users.page),
            Route("GET", "/v1.0/users/delta", "User.Read.All", delta.answer),
            Route("GET", "/v1.0/users/{id}", "User.Read.All", self._users.get),
            Route("POST", "/v1.0/users/{id}/sendMail", "Mail.Send", self._send_mail),
            Route("GET", "/v1.0/groups/delta", "GroupMember.Read.All", groups_delta.answer),
            Route("GET", "/v1.0/groups/{id}", "GroupMember.Read.All", assignments.group),
            Route("GET", "/v1.0/groups/{id}/members", "GroupMember.Read.All", assignments.members),
            Route(
                "GET",
                "/v1.0/servicePrincipals/{id}/appRoleAssignedTo",
                "Application.Read.All",
                assignments.app_role_assigned_to,
            ),
            Route("GET", "/v1.0/domains", "Domain.Read.All", assignments.domains),
        ]
        self._routes = [(route, route.pattern) for route in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = GraphRequest(
            method=scope["method"],
            base=f"{scope['scheme']}://{headers.get('host', '')}",
            path=scope["path"],
            query=dict(parse_qsl(scope["query_string"].decode())),
            headers=headers,
            body=await read_body(receive),
        )
        if request.path.startswith("/_"):
            with self._lock:
                response = self._control(request)
            await answer(send, *response)
            return
        with self._lock:
            fault = self._count(request)
        await pause(self.settings.latency + fault.latency)
        if fault.drop == "before":
            await DroppableProtocol.drop(scope, receive)
            return
        with self._lock:
            response = self._carry_out(request, fault)
        if fault.drop == "after":
            await DroppableProtocol.drop(scope, receive)
        else:
            await answer(send, *response)

    def _count(self, request: GraphRequest) -> Fault:
        """Count a call, and take the fault that waits for it."""
        route, _ = self._route(request)
        kind = route.kind if route else request.path
        self._calls[f"{request.method} {kind}"] += 1
        return self._faults.take(request.method, kind, request.path) or Fault.model_construct()

    def _carry_out(self, request: GraphRequest, fault: Fault) -> Response:
        if fault.status is not None:
            return _faulty(fault, fault.status)
        try:
            content = self._handle(request)
        except GraphError as error:
            return _json(error.status, error.body, error.headers)
        if isinstance(content, Response):
            return content
        return Response(202) if content is None else _json(200, content)

    def _handle(self, request: GraphRequest) -> Content | Response | None:
        route, parts = self._route(request)
        if route is None and request.method != "GET":
            raise GraphError(405, "Request_BadRequest", f"{request.method} {request.path} is not simulated here")
        if route is None:
            raise GraphError(404, "BadRequest", f"Resource not found for {request.path}")
        if route.permission is not None:
            if not self._login.accepts(request):
                raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty or not one of these.")
            if route.permission not in self.settings.permissions and request.path != "/v1.0/$batch":
                raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges.")
        return route.handle(request, *parts)

    def _route(self, request: GraphRequest) -> tuple[Route | None, tuple[str | Any, ...]]:
        for route, pattern in self._routes:
            if route.method == request.method and (match := pattern.fullmatch(request.path)):
                return route, match.groups()
        return None, ()

    def _batch(self, request: GraphRequest) -> Content:
        asked = json.loads(request.body)["requests"]
        if not 0 < len(asked) <= LARGEST_BATCH:
            raise GraphError(400, "BadRequest", f"A batch has 1 to {LARGEST_BATCH} requests")
        answers = []
        for each in reversed(asked):  # in any order, as Graph documents
            url = urlsplit(each["url"])
            query = dict(parse_qsl(url.query))
            alone = replace(request, method=each["method"], path=f"/v1.0{url.path}", query=query, body=b"")
            status, body, headers = self._carry_out(alone, self._count(alone))
            content = json.loads(body) if body else None
            answers.append({"id": each["id"], "status": status, "headers": dict(headers), "body": content})
        return {"responses": answers}

    def _send_mail(self, request: GraphRequest, sender: str) -> None:
        self._users.find(sender)
        self._mails.append(read_mail(sender, request.body))

    def _control(self, request: GraphRequest) -> Response:
        """Its own face: what is asked is shown, or done, or refused with 422."""
        asked = f"{request.method} {request.path}"
        shown: dict[str, Callable[[], Content]] = {
            "GET /_state": self._state,
            "GET /_calls": lambda: dict(self._calls),
            "GET /_settings": lambda: self.settings.model_dump(mode="json"),
        }
        done: dict[str, Callable[[], object]] = {
            "DELETE /_state": self._begin_again,
            "DELETE /_calls": self._calls.clear,
            "POST /_faults": lambda: self._faults.waiting.extend(FAULTS.validate_json(request.body)),
            "DELETE /_faults": self._faults.waiting.clear,
            "DELETE /_tokens": self._login.expire_tokens,
            "DELETE /_links": self._links.expire,
            "DELETE /_keys": self.sign_in.rotate,
            "PATCH /_settings": lambda: self._set(json.loads(request.body)),
            "POST /_people": lambda: act(self._directory, ACTIONS.validate_json(request.body)),
        }
        try:
            if asked in shown:
                return _json(200, shown[asked]())
            if asked in done:
                done[asked]()
                return Response(204)
        except (ValueError, UnknownPersonError, KeyError) as error:
            return _json(422, {"error": str(error)})
        return Response(404)

    def _begin_again(self) -> None:
        self._directory.begin_again()
        self._set(GraphSettings().model_dump())
        self._links.expire()
        self._login.expire_tokens()
        self._faults.waiting.clear()
        self._calls.clear()
        self._mails.clear()

    def _set(self, values: Content) -> None:
        for name, value in values.items():
            setattr(self.settings, name, value)

    def _state(self) -> Content:
        people = [person.model_dump(mode="json", by_alias=True) for person in self._directory.people()]
        users = [{**row, "assigned": self._directory.is_assigned(row["id"])} for row in people]
        return {"users": users, "mails": self._mails, "calls": dict(self._calls)}


def _faulty(fault: Fault, status: int) -> Response:
    """The answer a fault asks for: a text is the error's code, or below 400 the whole body."""
    headers = [*fault.headers.items()]
    if isinstance(fault.body, str) and status < 400:
        return Response(status, fault.body.encode(), headers)
    if fault.body is None or isinstance(fault.body, str):
        return _json(status, GraphError(status, fault.body or "simulated", "Simulated").body, headers)
    return _json(status, fault.body, headers)


def _json(status: int, content: object, headers: Headers = ()) -> Response:
    text = json.dumps(content, ensure_ascii=False).encode()
    return Response(status, text, [("content-type", "application/json"), *headers])
