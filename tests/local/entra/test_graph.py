"""The simulated Graph, over HTTP."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from local.entra.directory import EntraDirectory
from local.entra.directory_extensions import EXTENSIONS
from local.entra.people import PEOPLE
from local.entra.server import graph_of

ROOT = Path(__file__).parents[3]


class Client:
    """Calls Graph with the token it got."""

    def __init__(self, url: str) -> None:
        self.url = url
        answer = requests.post(
            f"{url}/a-tenant/oauth2/v2.0/token",
            data={"grant_type": "client_credentials", "client_id": "app", "client_secret": "made-up"},
            timeout=5,
        ).json()
        assert answer["token_type"] == "Bearer"
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}

    def get(self, path: str, expected: int = 200) -> Any:
        url = path if path.startswith("http") else f"{self.url}/v1.0{path}"
        response = requests.get(url, headers=self.headers, timeout=5)
        assert response.status_code == expected, response.text
        return response.json()


@pytest.fixture(scope="module")
def directory() -> EntraDirectory:
    directory = EntraDirectory(PEOPLE)
    directory.soft_delete(PEOPLE[24].id)
    return directory


@pytest.fixture(scope="module")
def client(directory: EntraDirectory) -> Iterator[Client]:
    with graph_of(directory) as url:
        yield Client(url)


def test_pages_through_everyone_but_the_deleted(client: Client) -> None:
    page = client.get("/users?$select=id,accountEnabled&$top=10")
    users = page["value"]
    while "@odata.nextLink" in page:
        page = client.get(page["@odata.nextLink"])
        users += page["value"]
    assert users == [{"id": person.id, "accountEnabled": person.account_enabled} for person in PEOPLE[:24]]


def test_shows_the_default_fields_of_one_user_by_id_and_by_name(client: Client) -> None:
    guest = next(person for person in PEOPLE if "#EXT#" in person.user_principal_name)
    user = client.get(f"/users/{guest.id}")
    assert user == client.get(f"/users/{quote(guest.user_principal_name)}")
    assert user["displayName"] == guest.display_name
    assert "accountEnabled" not in user


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/users?$top=1000", 400),
        ("/users?$top=x", 400),
        ("/users?$filter=x", 400),
        ("/users?$select=manager", 400),
        (f"/users/{PEOPLE[24].id}", 404),
        ("/users/delta/x", 404),
        ("/users/delta?$top=5", 400),
        ("/users/delta?$expand=manager", 400),
        ("/users/delta?$deltatoken=made-up", 400),
        ("/users/delta?$select=shoeSize", 400),
        ("/groups/nobody/members", 404),
        ("/groups/delta?$select=members", 400),
        ("/groups/delta?$select=members,mail&$filter=id eq 'a'", 400),
        ("/groups/delta?$select=displayName,members&$filter=displayName eq 'a'", 400),
        ("/groups/delta?$select=displayName,members&$filter=id eq 'a' and id eq 'b'", 400),
        ("/groups/delta?$select=displayName,members&$top=5&$filter=id eq 'a'", 400),
        ("/groups/delta?$select=displayName,members&$filter=" + " or ".join(["id eq 'a'"] * 51), 400),
        ("/groups/delta?$deltatoken=made-up", 400),
        ("/servicePrincipals/another/appRoleAssignedTo", 404),
    ],
)
def test_refuses(client: Client, path: str, status: int) -> None:
    assert client.get(path, status)["error"]["code"]


def test_refuses_other_tokens_and_other_grants(client: Client) -> None:
    assert requests.get(f"{client.url}/v1.0/users", timeout=5).status_code == 401
    form = {"grant_type": "password"}
    assert requests.post(f"{client.url}/t/oauth2/v2.0/token", data=form, timeout=5).status_code == 400


def test_lists_domains(client: Client) -> None:
    domains = client.get("/domains")["value"]
    assert [domain["id"] for domain in domains if domain["isVerified"]] == [
        "contoso.example",
        "contoso.onmicrosoft.example",
        "fabrikam.example",
    ]
    assert [domain["id"] for domain in domains if domain["isInitial"]] == ["contoso.onmicrosoft.example"]


def test_state_shows_the_deleted_too(client: Client) -> None:
    users = requests.get(f"{client.url}/_state", timeout=5).json()["users"]
    assert len(users) == 25
    assert users[24]["deletedDateTime"]
    assert users[24]["assigned"] is True


def test_as_a_process_it_says_where_it_is_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "local.entra", "--port", "0", "--people", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert ready["graph"] == f"{ready['url']}/v1.0"
        assert len(Client(ready["url"]).get("/users")["value"]) == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stdout.read() == ""


MAIL = {
    "message": {
        "subject": "Hello",
        "body": {"contentType": "Text", "content": "Anna"},
        "toRecipients": [{"emailAddress": {"address": "anna@contoso.example"}}],
    }
}


def test_keeps_the_mails_that_are_sent(client: Client) -> None:
    url = f"{client.url}/v1.0/users/{PEOPLE[0].id}/sendMail"
    assert requests.post(url, json=MAIL, timeout=5).status_code == 401
    answer = requests.post(url, json=MAIL, headers=client.headers, timeout=5)
    assert (answer.status_code, answer.content) == (202, b"")
    (mail,) = requests.get(f"{client.url}/_state", timeout=5).json()["mails"]
    assert mail["from"] == PEOPLE[0].id
    assert mail["message"]["subject"] == "Hello"
    assert mail["saveToSentItems"] is True


@pytest.mark.parametrize(
    ("sender", "change", "status"),
    [
        ("nobody@contoso.example", {}, 404),
        (PEOPLE[24].id, {}, 404),
        (PEOPLE[0].id, {"message": {**MAIL["message"], "toRecipients": []}}, 400),
        (PEOPLE[0].id, {"message": {**MAIL["message"], "importance": "high"}}, 400),
    ],
)
def test_refuses_mails(client: Client, sender: str, change: dict[str, Any], status: int) -> None:
    url = f"{client.url}/v1.0/users/{sender}/sendMail"
    answer = requests.post(url, json=MAIL | change, headers=client.headers, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


def test_fails_as_often_as_it_is_told(client: Client) -> None:
    fault = {"path": "/v1.0/domains", "status": 429, "body": "TooManyRequests", "headers": {"Retry-After": "7"}}
    assert requests.post(f"{client.url}/_faults", json=[fault], timeout=5).status_code == 204
    assert client.get("/users/" + PEOPLE[0].id)
    answer = requests.get(f"{client.url}/v1.0/domains", headers=client.headers, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert client.get("/domains")


def test_a_link_is_opaque_and_carries_what_was_selected(client: Client) -> None:
    page = client.get("/users/delta?$select=displayName")
    token = page["@odata.deltaLink"].partition("?$deltatoken=")[2]
    assert "displayName" not in token
    anna = PEOPLE[0]
    change = [{"do": "change", "id": anna.id, "values": {"city": "Bonn", "displayName": "A."}}]
    assert requests.post(f"{client.url}/_people", json=change, timeout=5).status_code == 204
    assert client.get(page["@odata.deltaLink"])["value"] == [{"id": anna.id, "displayName": "A."}]
    requests.post(f"{client.url}/_people", json=[{"do": "change", "id": anna.id, "values": {"city": "Ulm"}}], timeout=5)
    last = client.get(page["@odata.deltaLink"])["@odata.deltaLink"]
    assert client.get(last)["value"] == []


def test_groups_are_followed_member_by_member(client: Client, directory: EntraDirectory) -> None:
    anna, bert, carla = (person.id for person in PEOPLE[:3])
    for group, members in {"inner": [anna], "staff": [anna, bert, "inner"], "other": [anna]}.items():
        directory.groups.put(group, members)
    page = client.get("/groups/delta?$select=displayName,members&$filter=id eq 'staff' or id eq 'nobody'")
    kinds = [("user", anna), ("user", bert), ("group", "inner")]
    shown = [{"@odata.type": f"#microsoft.graph.{kind}", "id": each} for kind, each in kinds]
    assert page["value"] == [{"id": "staff", "displayName": "staff", "members@delta": shown}]
    link = page["@odata.deltaLink"]
    directory.groups.add("staff", carla)
    directory.groups.remove("staff", bert)
    directory.groups.add("other", carla)
    (item,) = client.get(link)["value"]
    user = {"@odata.type": "#microsoft.graph.user"}
    removed = {**user, "id": bert, "@removed": {"reason": "deleted"}}
    assert item == {"id": "staff", "displayName": "staff", "members@delta": [{**user, "id": carla}, removed]}
    everything = client.get("/groups/delta?$select=displayName,members")
    assert [item["id"] for item in everything["value"]] == ["inner", "staff", "other"]
    assert client.get("/groups/staff?$select=id,displayName") == {
        "id": "staff",
        "displayName": "staff",
        "visibility": "Private",
    }
    client.get("/groups/nobody", 404)
    directory.groups.delete("staff")
    page = client.get(link)
    assert page["value"] == [{"id": "staff", "@removed": {"reason": "deleted"}}]
    assert client.get(page["@odata.deltaLink"])["value"] == []
    of_users = client.get("/users/delta?$select=displayName")["@odata.deltaLink"]
    client.get(of_users.replace("/users/", "/groups/"), 400)
    client.get(f"{link}&$select=members", 400)
    requests.delete(f"{client.url}/_links", timeout=5)
    assert client.get(link, 410)["error"]["code"] == "resyncRequired"


def test_directory_extensions_are_of_every_type_and_keep_to_it(client: Client) -> None:
    names = ",".join(EXTENSIONS)
    shown = client.get(f"/users/{PEOPLE[0].id}?$select={names}")
    assert shown == {name: extension.value for name, extension in EXTENSIONS.items()}
    types = {extension.data_type for extension in EXTENSIONS.values()}
    assert types == {"Boolean", "Integer", "LargeInteger", "DateTime", "Binary", "String"}
    for name in EXTENSIONS:
        action = {"do": "change", "id": PEOPLE[0].id, "values": {name: {"not": "of the type"}}}
        assert requests.post(f"{client.url}/_people", json=[action], timeout=5).status_code == 422


def test_a_guest_has_the_name_that_entra_makes_of_an_address(client: Client) -> None:
    invited = {"do": "invite", "values": {"mail": "ann@fabrikam.com", "displayName": "Ann"}}
    assert requests.post(f"{client.url}/_people", json=[invited], timeout=5).status_code == 204
    name = "ann_fabrikam.com#EXT#@contoso.example"
    guest = client.get(f"/users/{quote(name)}?$select=userPrincipalName,mail,userType,mailNickname")
    assert guest == {
        "userPrincipalName": name,
        "mail": "ann@fabrikam.com",
        "userType": "Guest",
        "mailNickname": "ann_fabrikam.com#EXT#",
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [("Directory_ExpiredPageToken", 400), ("UnknownError", 404), ("BadRequest", 400), ("resyncRequired", 410)],
)
@pytest.mark.parametrize("path", ["/users/delta?$select=id", "/users?$top=3"])
def test_the_link_to_a_further_page_ends_after_some_pages_or_some_time(
    client: Client, path: str, code: str, status: int
) -> None:
    def behave(**settings: Any) -> None:
        assert requests.patch(f"{client.url}/_settings", json=settings, timeout=5).status_code == 204

    behave(page_size=3, page_calls=2, expired_page=code)
    try:
        first = client.get(path)["@odata.nextLink"]
        client.get(first)
        client.get(path)
        assert client.get(first, status)["error"]["code"] == code
        behave(page_calls=None, page_seconds=0.05)
        link = client.get(path)["@odata.nextLink"]
        time.sleep(0.06)
        assert client.get(link, status)["error"]["code"] == code
    finally:
        behave(page_size=200, page_calls=None, page_seconds=None)


@pytest.mark.parametrize(
    "actions",
    [
        [{"do": "promote", "id": PEOPLE[0].id}],
        [{"do": "disable", "id": "nobody"}],
        [{"do": "hard-delete", "id": PEOPLE[0].id}],
        [{"do": "change", "id": PEOPLE[0].id, "values": {"accountEnabled": "perhaps"}}],
        [{"do": "delete group", "id": "none"}],
        [{"do": "add member", "id": "none", "members": [PEOPLE[0].id]}],
        [{"do": "put group", "id": "g", "members": []}, {"do": "remove member", "id": "g", "members": ["nobody"]}],
    ],
)
def test_refuses_actions_that_cannot_be(client: Client, actions: list[dict[str, Any]]) -> None:
    assert requests.post(f"{client.url}/_people", json=actions, timeout=5).status_code == 422


def test_counts_calls_and_begins_again(client: Client, directory: EntraDirectory) -> None:
    requests.delete(f"{client.url}/_state", timeout=5)
    assert requests.get(f"{client.url}/_state", timeout=5).json()["calls"] == {}
    assert requests.get(f"{client.url}/v1.0/domains", headers=client.headers, timeout=5).status_code == 401
    assert requests.get(f"{client.url}/_calls", timeout=5).json() == {"GET /v1.0/domains": 1}
    assert directory.get(PEOPLE[0].id) == PEOPLE[0]


def test_takes_its_time_when_told(client: Client) -> None:
    assert requests.patch(f"{client.url}/_settings", json={"latency": 0.2}, timeout=5).status_code == 204
    assert requests.patch(f"{client.url}/_settings", json={"latency": "long"}, timeout=5).status_code == 422
    assert requests.get(f"{client.url}/v1.0/domains", timeout=5).elapsed.total_seconds() >= 0.2
    requests.patch(f"{client.url}/_settings", json={"latency": 0}, timeout=5)
