"""A success of Zoho One's counts only where it shows what was asked for; whatever else it is, the bridge looks."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pydantic import HttpUrl, SecretStr

from shared.rules.change import plan_change
from shared.rules.groups.group import ZohoGroup, ZohoGroupRecord
from shared.rules.identity import Account
from shared.rules.store import Store, UpdateVerb, ZohoConnection
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.zoho.error_answers import error_of
from shared.zoho.errors import (
    ZohoBusy,
    ZohoCredentials,
    ZohoError,
    ZohoForbidden,
    ZohoNotFound,
    ZohoRefused,
    ZohoUnclear,
)
from shared.zoho.group_client import ZohoGroups
from shared.zoho.pace import Pace
from shared.zoho.scim_client import ZohoUsers
from shared.zoho.secrecy import quotes
from tests.zoho.test_secrecy import Tokens

BEFORE = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ada@contoso.example", ZohoField.PHONE: "+49 30 1"})
AFTER = ZohoUser(active=False, fields={ZohoField.USER_NAME: "ada@contoso.example", ZohoField.PHONE: "+49 30 2"})
ACCOUNT = Account(id="1", holds=BEFORE)
SALES = ZohoGroupRecord(id="7", holds=ZohoGroup(display_name="Sales"))
PASSWORD = SecretStr("Kp7#mXw4Te9%cRna")

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
type Users = Callable[[requests.Session], ZohoUsers]
type Groups = Callable[[requests.Session], ZohoGroups]

NO_RESOURCE: list[tuple[int, Any]] = [
    (200, "<!doctype html><title>Sign in</title>"),
    (200, {"error": "INTERNAL", "message": "not done"}),
    (200, {"code": "LIMIT", "status": "failure", "id": "1"}),
    (200, {"schemas": [ERROR], "status": "500", "id": "1"}),
    (200, {"schemas": [ERROR], "id": "1"}),
    (200, {"id": ""}),
    (200, {"id": True}),
    (200, {"id": "2"}),
    (200, [{"id": "1"}]),
    (200, "1"),
    (202, {"errors": [{"id": "1"}]}),
]
"""What no write is done by, whatever it was."""


class Scripted(requests.Session):
    """A Zoho One that gives these answers, in turn, and notes what it was asked."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(str(method))
        response = requests.Response()
        response.status_code, body = self.answers.pop(0)
        text = body if isinstance(body, str) else json.dumps(body)
        response._content = b"" if body is None else text.encode()
        return response


def _store(verb: UpdateVerb) -> Store:
    url = HttpUrl("https://one.zoho.com/scim")
    zoho = ZohoConnection(sync_endpoint=url, data_center="us", client_id="1000.A", update_verb=verb)
    return Store(id="contoso", name="Contoso", zoho=zoho)


@pytest.fixture(params=UpdateVerb)
def users(request: pytest.FixtureRequest) -> Users:
    return lambda zoho: ZohoUsers(_store(request.param), zoho, Tokens(), Pace(4, None, lambda: 0.5), lambda _: None)


@pytest.fixture
def changing(users: Users) -> Users:
    """A client whose change is answered so; before a PUT it reads the account."""

    def client(zoho: requests.Session) -> ZohoUsers:
        made = users(zoho)
        if made._store.zoho.update_verb is UpdateVerb.PUT and isinstance(zoho, Scripted):
            zoho.answers.insert(0, (200, {"id": "1", "active": True, "userName": "ada@contoso.example"}))
        return made

    return client


@pytest.fixture
def groups() -> Groups:
    return lambda zoho: ZohoGroups(_store(UpdateVerb.PATCH), zoho, Tokens(), Pace(4, None, lambda: 0.5))


def _deactivate(users: ZohoUsers) -> Account:
    return users.update(ACCOUNT, AFTER, plan_change(BEFORE, AFTER))


@pytest.mark.parametrize(
    "answer",
    [
        (204, None),
        (200, {"id": "1"}),
        (200, {"id": "1", "active": False}),
        (200, {"id": "1", "active": "False", "userName": "ADA@contoso.example"}),
        (200, {"id": "1", "active": False, "phoneNumbers": [{"type": "work", "value": "+49302"}]}),
    ],
)
def test_a_user_who_was_changed(changing: Users, answer: tuple[int, Any]) -> None:
    zoho = Scripted(answer)
    assert _deactivate(changing(zoho)).holds == AFTER
    assert zoho.asked in (["PATCH"], ["GET", "PUT"])


@pytest.mark.parametrize(
    "answer",
    [
        *NO_RESOURCE,
        (200, {"id": "1", "active": True}),
        (200, {"id": "1", "active": "true"}),
        (200, {"id": "1", "active": "perhaps"}),
        (200, {"id": "1", "active": False, "phoneNumbers": [{"type": "work", "value": "+49 30 1"}]}),
    ],
)
def test_a_user_who_may_not_have_been_changed(changing: Users, answer: tuple[int, Any]) -> None:
    with pytest.raises(ZohoUnclear):
        _deactivate(changing(Scripted(answer)))


@pytest.mark.parametrize(
    ("seen", "is_done"),
    [
        ((200, {"id": "1", "active": False}), True),
        ((200, {"id": "1", "active": True}), False),
        ((200, {"id": "2", "active": False}), False),
        ((404, {"detail": "Not found"}), False),
    ],
)
def test_a_success_without_a_word_is_looked_into(changing: Users, seen: tuple[int, Any], is_done: bool) -> None:
    zoho = Scripted((200, None), seen)
    if is_done:
        _deactivate(changing(zoho))
    else:
        with pytest.raises(ZohoUnclear):
            _deactivate(changing(zoho))
    assert zoho.asked in (["PATCH", "GET"], ["GET", "PUT", "GET"])


@pytest.mark.parametrize("answer", [*NO_RESOURCE, (200, {"id": "1", "active": False})])
def test_a_password_that_may_not_have_been_set(changing: Users, answer: tuple[int, Any]) -> None:
    with pytest.raises(ZohoUnclear):
        changing(Scripted(answer)).set_password(ACCOUNT, PASSWORD)
    changing(Scripted((200, {"id": "1", "active": True}))).set_password(ACCOUNT, PASSWORD)
    with pytest.raises(ZohoUnclear) as raised:
        changing(Scripted((200, {"error": f"{PASSWORD.get_secret_value()} is weak"}))).set_password(ACCOUNT, PASSWORD)
    assert not quotes(str(raised.value), PASSWORD)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "body",
    [
        *(body for _, body in NO_RESOURCE if body != {"id": "2"}),
        None,
        {"id": "2", "userName": "bob@contoso.example"},
        {"id": "2", "userName": "ada@contoso.example", "active": False},
    ],
)
def test_a_user_who_may_not_have_been_created(users: Users, status: int, body: Any) -> None:
    with pytest.raises(ZohoUnclear):
        users(Scripted((status, body))).create(BEFORE)
    assert users(Scripted((status, {"id": "2", "userName": "Ada@Contoso.example"}))).create(BEFORE).id == "2"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"schemas": [ERROR], "status": "404"}, ZohoNotFound),
        ({"schemas": [ERROR], "status": "409", "scimType": "uniqueness", "detail": "taken"}, ZohoRefused),
        ({"code": "RESOURCE_NOT_FOUND", "status": "error", "message": "no such user"}, ZohoNotFound),
        ({"status": "failure", "error": {"code": "U101", "message": "The user does not exist"}}, ZohoNotFound),
        ({"code": "DUPLICATE_DATA", "status": "error", "message": "taken"}, ZohoRefused),
        ({"status_code": 400, "errors": [{"code": "X1", "message": "Give a mobile number"}]}, ZohoRefused),
        ({"error": "This address is already in use"}, ZohoRefused),
        ({"status": "failure", "message": f"the allowed license limit of '{5}' users."}, ZohoRefused),
        ({"code": "NO_PERMISSION", "status": "error", "message": "Permission denied"}, ZohoForbidden),
        ({"code": "OAUTH_SCOPE_MISMATCH", "status": "error"}, ZohoForbidden),
        ({"code": "INVALID_TOKEN", "status": "error", "message": "invalid oauth token"}, ZohoCredentials),
        ({"code": "TOO_MANY_REQUESTS", "status": "error"}, ZohoBusy),
        ({"error": "Access Denied", "error_description": "You have made too many requests continuously."}, ZohoBusy),
        ({"code": "INTERNAL_ERROR", "status": "error", "message": "try later"}, ZohoUnclear),
        ({"status": "failure", "message": "Nein."}, ZohoUnclear),
    ],
)
def test_an_error_with_a_success_means_what_its_known_words_say(users: Users, body: Any, error: type) -> None:
    with pytest.raises(ZohoError) as raised:
        users(Scripted(*[(200, body)] * 3)).create(BEFORE)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("Sat, 28 Nov 2026 01:00:20 GMT", 20),
        ("Sat, 28 Nov 2026 00:00:00 GMT", 0),
        ("soon", 30),
        ("-1", 30),
        (None, 30),
    ],
)
def test_a_wait_is_a_number_or_a_date(header: str | None, seconds: int) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 429, b""
    answer.headers["Date"] = "Sat, 28 Nov 2026 01:00:00 GMT"
    if header is not None:
        answer.headers["Retry-After"] = header
    busy = error_of(answer)
    assert isinstance(busy, ZohoBusy)
    assert busy.retry_after == seconds


@pytest.mark.parametrize("answer", [*NO_RESOURCE, (200, None)])
def test_an_answer_that_is_no_user(users: Users, answer: tuple[int, Any]) -> None:
    with pytest.raises(ZohoUnclear):
        users(Scripted(answer)).get("1")


NO_LIST = [
    *NO_RESOURCE,
    (200, None),
    (200, {}),
    (200, {"totalResults": "0"}),
    (200, {"totalResults": -1}),
    (200, {"totalResults": 0, "error": "INTERNAL"}),
    (200, {"totalResults": 1, "Resources": [{"userName": "ada@contoso.example"}]}),
]


@pytest.mark.parametrize("answer", NO_LIST)
def test_an_answer_that_is_no_list_is_no_empty_directory(users: Users, groups: Groups, answer: tuple[int, Any]) -> None:
    for read in (
        lambda: users(Scripted(answer)).find("ada@contoso.example"),
        lambda: users(Scripted(answer)).page(1),
        lambda: groups(Scripted(answer)).find("Sales"),
    ):
        with pytest.raises(ZohoUnclear):
            read()


def test_a_search_that_finds_somebody_it_does_not_name(users: Users, groups: Groups) -> None:
    answer = (200, {"totalResults": 1, "Resources": []})
    with pytest.raises(ZohoUnclear):
        users(Scripted(answer)).find("ada@contoso.example")
    with pytest.raises(ZohoUnclear):
        groups(Scripted(answer)).find("Sales")


@pytest.mark.parametrize("answer", [(200, None), *NO_RESOURCE])
def test_a_deletion_that_is_no_204_is_looked_into(users: Users, groups: Groups, answer: tuple[int, Any]) -> None:
    users(Scripted(answer, (404, {"detail": "Not found"}))).delete("1")
    groups(Scripted(answer, (404, {"detail": "Not found"}))).delete("7")
    for there in ((200, {"id": "1"}), (200, "<html>")):
        with pytest.raises(ZohoUnclear):
            users(Scripted(answer, there)).delete("1")
    with pytest.raises(ZohoUnclear):
        groups(Scripted(answer, (200, {"id": "7", "displayName": "Sales"}))).delete("7")


@pytest.mark.parametrize(
    ("answer", "is_done"),
    [
        ((204, None), True),
        ((200, {"id": "7"}), True),
        ((200, {"id": "7", "displayName": "SALES 2", "members": [{"value": "a"}, {"value": "x"}]}), True),
        ((200, {"id": "7", "displayName": "Sales"}), False),
        ((200, {"id": "7", "members": []}), False),
        ((200, {"id": "7", "members": [{"value": "a"}, {"value": "b"}]}), False),
        *(((status, body), False) for status, body in NO_RESOURCE),
    ],
)
def test_a_group_that_was_changed_or_may_not_have_been(groups: Groups, answer: tuple[int, Any], is_done: bool) -> None:
    client = groups(Scripted(answer))
    renamed = ZohoGroup(display_name="Sales 2")
    if is_done:
        client.update(SALES, renamed, ["a"], ["b"])
    else:
        with pytest.raises(ZohoUnclear):
            client.update(SALES, renamed, ["a"], ["b"])


@pytest.mark.parametrize("body", [body for _, body in NO_RESOURCE if body != {"id": "2"}])
def test_a_group_that_may_not_have_been_created(groups: Groups, body: Any) -> None:
    for answer in (body, {"id": "2", "displayName": "Board"}, None):
        with pytest.raises(ZohoUnclear):
            groups(Scripted((201, answer))).create(SALES.holds)
    assert groups(Scripted((201, {"id": "2", "displayName": "sales"}))).create(SALES.holds).id == "2"
