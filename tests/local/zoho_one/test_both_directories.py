"""Whatever the bridge may send, the plain directory answers and holds what scim2-server does."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.zoho_one.directory import EXTENSION, GROUP_SCHEMA, USER_SCHEMA, Directory
from local.zoho_one.plain_directory import PlainDirectory
from local.zoho_one.scim_path import ENTERPRISE
from local.zoho_one.server import Organisation

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PATHS = (
    "displayName",
    "title",
    "externalId",
    "nickName",
    "name.givenName",
    'emails[type eq "work"].value',
    'phoneNumbers[type eq "mobile"].value',
    'addresses[type eq "work"].locality',
    'addresses[type eq "work"].country',
    f"{ENTERPRISE}:department",
    f"{ENTERPRISE}:manager.value",
    f"{EXTENSION['id']}:workLocation",
)
NAMES = st.sampled_from(("ada@contoso.example", "Ada@contoso.example", "bob@contoso.example", "zoë@contoso.example"))
TEXTS = st.sampled_from(("a", "B", "ö"))
WHO = st.integers(0, 3)
"""Which of the resources made so far, or none."""


def _user(name: str, title: str, active: bool) -> dict[str, Any]:
    work = {"type": "work", "value": name}
    mobile = {"type": "mobile", "value": title}
    home = {"type": "work", "locality": title}
    return {
        "schemas": [USER_SCHEMA, ENTERPRISE],
        "userName": name,
        "active": active,
        "title": title,
        "emails": [work],
        "phoneNumbers": [mobile],
        "addresses": [home],
        "name": {"givenName": title},
        ENTERPRISE: {"department": title, "manager": {"value": title}},
    }


USERS = st.builds(_user, NAMES, TEXTS, st.booleans())
CHANGES = st.one_of(
    st.builds(lambda path, value: {"op": "replace", "path": path, "value": value}, st.sampled_from(PATHS), TEXTS),
    st.builds(lambda path, value: {"op": "add", "path": path, "value": value}, st.sampled_from(PATHS), TEXTS),
    st.builds(lambda path: {"op": "remove", "path": path}, st.sampled_from(PATHS)),
    st.builds(lambda value: {"op": "replace", "path": "active", "value": value}, st.booleans()),
    st.builds(lambda value: {"op": "replace", "path": "userName", "value": value}, NAMES),
)
MEMBERS = st.lists(WHO, max_size=3, unique=True)
STEPS = st.one_of(
    st.tuples(st.just("POST"), st.just("Users"), st.just(0), USERS),
    st.tuples(st.just("PUT"), st.just("Users"), WHO, USERS),
    st.tuples(st.just("PATCH"), st.just("Users"), WHO, st.lists(CHANGES, min_size=1, max_size=4)),
    st.tuples(st.just("DELETE"), st.sampled_from(("Users", "Groups")), WHO, st.none()),
    st.tuples(st.just("GET"), st.sampled_from(("Users", "Groups")), WHO, st.none()),
    st.tuples(st.just("find"), st.just("Users"), st.just(0), NAMES),
    st.tuples(st.just("find"), st.just("Groups"), st.just(0), TEXTS),
    st.tuples(st.just("POST"), st.just("Groups"), st.just(0), TEXTS),
    st.tuples(st.sampled_from(("join", "leave")), st.just("Groups"), WHO, MEMBERS),
)
ATTRIBUTE = {"Users": "userName", "Groups": "displayName"}


class Side:
    """One of the two directories, with the ids that it gave."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.ids: dict[str, list[str]] = {"Users": [], "Groups": []}

    def step(self, verb: str, collection: str, number: int, said: Any) -> Any:
        """Carry out one step, and return all that is answered, ids told by their order."""
        key = [*self.ids[collection], *["nobody"] * 9][number]
        match verb:
            case "POST" if collection == "Groups":
                answer = self.call("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": said})
            case "POST":
                answer = self.call("POST", "/Users", said)
            case "PUT":
                answer = self.call("PUT", f"/{collection}/{key}", said | {"id": key})
            case "PATCH":
                answer = self.patch(f"/{collection}/{key}", said)
            case "join" | "leave":
                answer = self.patch(f"/{collection}/{key}", self._members(verb, said))
            case "find":
                question = f"filter={ATTRIBUTE[collection]} eq {json.dumps(said, ensure_ascii=False)}"
                answer = self.call("GET", f"/{collection}", query=question)
            case _:
                answer = self.call(verb, f"/{collection}/{key}")
        if verb == "POST" and answer[0] == 201:
            self.ids[collection].append(answer[1]["id"])
        return self._told(answer)

    def _members(self, verb: str, numbers: list[int]) -> list[dict[str, Any]]:
        who = [[*self.ids["Users"], *["nobody"] * 9][number] for number in numbers]
        if verb == "join":
            return [{"op": "add", "path": "members", "value": [{"value": each} for each in who]}]
        return [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in who]

    def patch(self, path: str, operations: list[dict[str, Any]]) -> tuple[int, Any]:
        return self.call("PATCH", path, {"schemas": [PATCH], "Operations": operations})

    def call(self, method: str, path: str, content: Any = None, query: str = "") -> tuple[int, Any]:
        headers = [(b"authorization", b"Bearer t"), (b"content-type", b"application/scim+json"), (b"host", b"zoho")]
        scope = {"type": "http", "method": method, "path": f"/scim{path}", "query_string": query.encode()}
        scope |= {"scheme": "http", "headers": headers, "server": ("zoho", 80), "root_path": ""}
        body = b"" if content is None else json.dumps(content).encode()
        answer = asyncio.run(self.organisation.respond(scope, body))
        return answer.status, json.loads(answer.body) if answer.body else None

    def held(self) -> Any:
        """What is held, to be compared with the other side."""
        return self._told([self.organisation.held("User"), self.organisation.held("Group")])

    def _told(self, said: Any) -> Any:
        match said:
            case dict() if "detail" in said:  # the text of an error is the server's own
                return {"status": said["status"], "scimType": said.get("scimType")}
            case dict():
                left_out = ("meta", "schemas", "$ref", "display")
                return {name: self._told(value) for name, value in said.items() if name not in left_out}
            case list() | tuple():
                return [self._told(value) for value in said]
            case str():
                names = [f"{kind} {number}" for kind, ids in self.ids.items() for number in range(len(ids))]
                known = dict(zip([key for ids in self.ids.values() for key in ids], names, strict=True))
                return known.get(said, said)
        return said


START = (("POST", "Users", 0, _user("Ada@contoso.example", "a", active=False)), ("POST", "Groups", 0, "B"))
"""Somebody and a group to ask about from the first step on."""


@settings(max_examples=max(settings().max_examples // 3, 5))
@given(st.lists(STEPS, min_size=5, max_size=12), st.sampled_from((None, 1)))
def test_they_answer_the_same_and_hold_the_same(steps: list[tuple[str, str, int, Any]], licences: int | None) -> None:
    sides = [Side(kind(lambda token: token == "t", licences)) for kind in (Directory, PlainDirectory)]
    for step in (*START, *steps):
        first, second = (side.step(*step) for side in sides)
        assert first == second, step
        first, second = (side.held() for side in sides)
        assert first == second, step
