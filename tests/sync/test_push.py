"""What becomes of a write of Entra's, on the running host: Zoho One busy, refusing, losing replies, knowing people."""

from typing import Any

import pytest

from shared.app.container import Bridge
from shared.rules.history import EventKind
from shared.rules.identity import Identity
from shared.rules.scim_path import ENTERPRISE
from shared.rules.store import UpdateVerb
from shared.scim.published import NO_NAME
from tests.conftest import Endpoint, ZohoOne

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ADA = {"userName": "ada@contoso.example", "displayName": "Ada", "title": "Analyst", "active": True}


def _patch(endpoint: Endpoint, user_id: str, **values: Any) -> Any:
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    return endpoint.request("PATCH", f"/Users/{user_id}", json={"schemas": [PATCH], "Operations": operations})


def _create(endpoint: Endpoint, **values: Any) -> str:
    created = endpoint.request("POST", "/Users", json=ADA | values)
    assert created.status_code == 201, created.text
    user_id: str = created.json()["id"]
    return user_id


def _is_managed(bridge: Bridge, store_id: str, account: str) -> bool:
    record = bridge.identities.record_of(store_id, account, asks="")
    assert record is not None, "the account is not remembered"
    return record.owner is not None


def _identity(bridge: Bridge, store_id: str, user_id: str) -> Identity:
    stored = bridge.identities.read(store_id, user_id)
    assert stored is not None
    return stored.identity


def _history(bridge: Bridge, store_id: str, user_id: str) -> list[EventKind]:
    return [event.kind for event in reversed(bridge.identities.history(store_id, user_id))]


def test_a_life_in_the_organisation(endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str) -> None:
    user_id = _create(endpoint)
    assert _patch(endpoint, user_id, title="Countess").status_code == 200
    assert _patch(endpoint, user_id, nickName="A.").status_code == 200
    assert _patch(endpoint, user_id, active="False").json()["active"] is False
    assert zoho_one.users()[0]["active"] is False
    assert _patch(endpoint, user_id, active="True").json()["active"] is True
    (account,) = zoho_one.users()
    assert (account["active"], account["title"]) == (True, "Countess")
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 204
    assert endpoint.request("GET", f"/Users/{user_id}").status_code == 404
    assert zoho_one.users()[0]["active"] is False, "nothing is deleted by default"
    assert _history(bridge, store_id, user_id) == [
        EventKind.CREATED,
        EventKind.UPDATED,
        EventKind.RECORDED,
        EventKind.DEACTIVATED,
        EventKind.REACTIVATED,
        EventKind.DEACTIVATED,
    ]


def test_history_holds_each_field_and_the_reason(endpoint: Endpoint, bridge: Bridge, store_id: str) -> None:
    user_id = _create(endpoint)
    _patch(endpoint, user_id, title="Countess")
    update, creation = bridge.identities.history(store_id, user_id)
    assert [(change.field, change.before, change.after) for change in update.fields] == [
        ("title", "Analyst", "Countess")
    ]
    assert "active in Entra" in creation.reason
    assert {change.field for change in creation.fields} == {"userName", "displayName", "title"}


def test_the_disabled_are_never_newly_created(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    user_id = _create(endpoint, active="False")
    assert zoho_one.calls() == {}
    assert endpoint.request("GET", f"/Users/{user_id}").json()["active"] is False
    _patch(endpoint, user_id, active="True")
    assert [user["userName"] for user in zoho_one.users()] == ["ada@contoso.example"]


def test_an_account_that_is_there_is_adopted(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    (account,) = zoho_one.add({"userName": "ADA@contoso.example", "title": "Guest", "active": True})
    user_id = _create(endpoint)
    (now,) = zoho_one.users()
    assert (now["id"], now["title"]) == (account["id"], "Analyst")
    assert _history(bridge, store_id, user_id) == [EventKind.ADOPTED]


def test_someone_elses_account_is_not_adopted(endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge) -> None:
    """Zoho One still has the first person's old name, which a second person now has in Entra."""
    first = _create(endpoint)
    zoho_one.fail(method="PATCH", status=503, times=9)
    assert _patch(endpoint, first, userName="countess@contoso.example").status_code == 503
    refused = endpoint.request("POST", "/Users", json=ADA)
    assert refused.status_code == 409, "the old name is given up only when Zoho One has confirmed the new one"
    assert len(zoho_one.users()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 500},
        {"drop": "before"},
        {"drop": "after"},
        {"lie": "error"},
        {"lie": "page", "carried_out": True},
        {"lie": "silence", "carried_out": True},
        {"status": 201, "body": {"id": "1", "userName": "bob@contoso.example"}},
    ],
)
def test_a_creation_that_zoho_one_did_not_answer_is_finished_by_the_next(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str, fault: dict[str, Any]
) -> None:
    zoho_one.fail(method="POST", path="/Users", times=3, **fault)
    answer = endpoint.request("POST", "/Users", json=ADA)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Zoho One" in answer.json()["detail"]
    for _ in range(3):
        answer = endpoint.request("POST", "/Users", json=ADA | {"title": "Countess"})
        if answer.status_code == 201:
            break
    (account,) = zoho_one.users()
    assert account["title"] == "Countess"
    identity = _identity(bridge, store_id, answer.json()["id"])
    assert identity.pending is None
    assert identity.account is not None
    assert identity.account.id == account["id"]


LIES: list[dict[str, Any]] = [{"lie": lie, "carried_out": done} for lie in ("error", "page") for done in (False, True)]
LIES += [{"lie": "silence"}, {"status": 200, "body": {"id": "1", "active": False}}, {"status": 202}]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("verb", UpdateVerb)
def test_a_success_that_does_not_show_what_was_done_is_looked_into(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str, lie: dict[str, Any], verb: UpdateVerb
) -> None:
    """Nobody is told that a leaver is shut out before they are."""
    change = {"update_verb": verb}
    bridge.stores.change(
        store_id, lambda store: store.model_copy(update={"zoho": store.zoho.model_copy(update=change)})
    )
    user_id = _create(endpoint)
    zoho_one.fail(method=str(verb), path="/Users/{id}", **lie)
    answer = _patch(endpoint, user_id, active="False")
    assert (answer.status_code, "Zoho One" in answer.json()["detail"]) == (503, True)
    assert _history(bridge, store_id, user_id) == [EventKind.CREATED]
    assert _patch(endpoint, user_id, active="False").status_code == 200
    assert zoho_one.users()[0]["active"] is False
    assert _history(bridge, store_id, user_id) == [EventKind.CREATED, EventKind.DEACTIVATED]


def test_a_success_without_a_word_that_was_one_costs_one_look(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    user_id = _create(endpoint)
    zoho_one.fail(method="PATCH", lie="silence", carried_out=True)
    assert _patch(endpoint, user_id, active="False").status_code == 200
    assert zoho_one.calls()["GET /Users/{id}"] == 1


SILENCE: list[tuple[str, dict[str, Any]]] = [
    ("PUT", {key: value for key, value in ADA.items() if key != "active"} | {"title": "Countess"}),
    ("PUT", ADA | {"active": None, "title": "Countess"}),
    *(
        ("PATCH", {"schemas": [PATCH], "Operations": [said, {"op": "Replace", "path": "title", "value": "Countess"}]})
        for said in (
            {"op": "Replace", "path": "active", "value": None},
            {"op": "Remove", "path": "active"},
            {"op": "Remove", "path": "active", "value": "False"},
            {"op": "Replace", "value": {"active": None}},
        )
    ),
]


@pytest.mark.parametrize(("method", "body"), SILENCE)
@pytest.mark.parametrize("active", [True, False])
def test_silence_about_a_status_changes_none(
    endpoint: Endpoint, zoho_one: ZohoOne, method: str, body: dict[str, Any], active: bool
) -> None:
    user_id = _create(endpoint)
    _patch(endpoint, user_id, active=active)
    for _ in range(2):
        answer = endpoint.request(method, f"/Users/{user_id}", json=body)
        assert (answer.status_code, answer.json()["title"]) == (200, "Countess")
        assert zoho_one.users()[0]["active"] is active
    assert endpoint.request("GET", f"/Users/{user_id}").json().get("active") in (active, None)
    for told in (not active, active):
        assert _patch(endpoint, user_id, active=str(told)).json()["active"] is told
        assert zoho_one.users()[0]["active"] is told


def test_a_new_person_of_whom_nothing_is_said_is_active(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    for name, said in (("a", {}), ("b", {"active": None})):
        person = {"userName": f"{name}@contoso.example"} | said
        assert endpoint.request("POST", "/Users", json=person).status_code == 201
    assert [user["active"] for user in zoho_one.users()] == [True, True]


def test_what_entra_sends_and_nothing_uses_is_told_by_name(endpoint: Endpoint, bridge: Bridge, store_id: str) -> None:
    user_id = _create(endpoint, shoeSize=39, **{"urn:contoso:2.0:User": {"hatSize": 56}, ENTERPRISE: {"desk": 4}})
    _patch(endpoint, user_id, shoeSize="ada@contoso.example")
    refused = _patch(endpoint, user_id, userName="", gloveSize=7)
    assert refused.status_code == 400
    endpoint.request("PUT", f"/Users/{user_id}", json=ADA | {"ringSize": 7, "ada@contoso.example": 1})
    told = {attribute.name for attribute in bridge.ignored.read(store_id).attributes}
    assert told == {"shoeSize", "urn:contoso:2.0:User", f"{ENTERPRISE}:desk", "ringSize", NO_NAME}


@pytest.mark.parametrize("value", ["", "perhaps", "on", 0, 1, [], [True], {}, {"value": True}])
def test_a_status_that_cannot_be_read_is_refused(endpoint: Endpoint, zoho_one: ZohoOne, value: object) -> None:
    user_id = _create(endpoint)
    _patch(endpoint, user_id, active=False)
    before = endpoint.request("GET", f"/Users/{user_id}").json()
    answers = [
        _patch(endpoint, user_id, title="Countess", active=value),
        endpoint.request("PUT", f"/Users/{user_id}", json=ADA | {"active": value}),
        endpoint.request("POST", "/Users", json={"userName": "bob@contoso.example", "active": value}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
        assert "active" in answer.json()["detail"]
    assert endpoint.request("GET", f"/Users/{user_id}").json() == before
    assert [user["active"] for user in zoho_one.users()] == [False]


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}, {"drop": "after"}])
def test_a_change_that_zoho_one_did_not_answer_is_finished_by_the_same_request(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str, fault: dict[str, Any]
) -> None:
    user_id = _create(endpoint)
    zoho_one.fail(method="PATCH", times=3, **fault)
    assert _patch(endpoint, user_id, active="False").status_code == 503
    assert _identity(bridge, store_id, user_id).pending is not None
    for _ in range(3):
        answer = _patch(endpoint, user_id, active="False")  # changes nothing of what Entra says, yet finishes
        if answer.status_code == 200:
            break
    assert answer.status_code == 200
    assert zoho_one.users()[0]["active"] is False
    assert _identity(bridge, store_id, user_id).pending is None


def test_a_change_back_after_a_lost_reply_reaches_zoho_one(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    """What Zoho One holds is not known after a lost reply: the way back must not be taken for done."""
    user_id = _create(endpoint)
    zoho_one.fail(method="PATCH", drop="after")
    assert _patch(endpoint, user_id, title="Countess").status_code == 503
    assert zoho_one.users()[0]["title"] == "Countess"
    assert _patch(endpoint, user_id, title="Analyst").status_code == 200
    assert zoho_one.users()[0]["title"] == "Analyst"


def test_a_deletion_that_zoho_one_did_not_answer_is_finished_by_the_same_request(
    endpoint: Endpoint, zoho_one: ZohoOne
) -> None:
    user_id = _create(endpoint)
    zoho_one.fail(method="PATCH", drop="after")
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 503
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 204
    assert endpoint.request("DELETE", f"/Users/{user_id}").status_code == 404
    assert zoho_one.users()[0]["active"] is False


def test_a_refused_creation_leaves_nothing_behind(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    reason = "You are trying to activate more users than the allowed license limit of '3' users."
    zoho_one.fail(method="POST", path="/Users", status=400, body={"detail": reason})
    answer = endpoint.request("POST", "/Users", json=ADA)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert list(bridge.identities.scan(store_id)) == []
    assert endpoint.request("POST", "/Users", json=ADA).status_code == 201, "its claims are free again"


def test_a_refused_change_keeps_what_was_there(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    user_id = _create(endpoint)
    before = endpoint.request("GET", f"/Users/{user_id}")
    zoho_one.fail(method="PATCH", status=400, body={"detail": "invalid email"})
    answer = _patch(endpoint, user_id, userName="new@contoso.example", title="Countess")
    assert (answer.status_code, "invalid email" in answer.json()["detail"]) == (400, True)
    after = endpoint.request("GET", f"/Users/{user_id}")
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    assert _history(bridge, store_id, user_id) == [EventKind.CREATED, EventKind.REFUSED]
    assert bridge.identities.history(store_id, user_id)[0].reason == "invalid email"
    assert _create(endpoint, userName="new@contoso.example"), "the refused name is free again"


def test_an_account_that_vanished_is_made_again(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    user_id = _create(endpoint)
    zoho_one.reset()
    assert _patch(endpoint, user_id, title="Countess").status_code == 200
    (account,) = zoho_one.users()
    assert (account["userName"], account["title"]) == ("ada@contoso.example", "Countess")


def test_a_rename_moves_the_claim(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    user_id = _create(endpoint)
    assert _patch(endpoint, user_id, userName="countess@contoso.example").status_code == 200
    for name, found in (("ada@contoso.example", 0), ("Countess@contoso.example", 1)):
        answer = endpoint.request("GET", "/Users", query={"filter": f'userName eq "{name}"'})
        assert answer.json()["totalResults"] == found
    assert zoho_one.users()[0]["userName"] == "countess@contoso.example"
    _create(endpoint)
    taken = _patch(endpoint, user_id, userName="ADA@contoso.example")
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")


def test_people_of_two_domains_may_share_an_external_id(endpoint: Endpoint) -> None:
    first = _create(endpoint, externalId="anna", userName="anna@contoso.example")
    second = _create(endpoint, externalId="anna", userName="anna@fabrikam.example")
    found = endpoint.request("GET", "/Users", query={"filter": 'externalId eq "anna"'}).json()["Resources"]
    assert {user["id"] for user in found} == {first, second}


def test_retry_after_is_handed_on(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    zoho_one.fail(method="POST", path="/Users", status=429, headers={"Retry-After": "77"})
    answer = endpoint.request("POST", "/Users", json=ADA)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "77")
    assert zoho_one.calls() == {"POST /Users": 1}, "a long wait is Entra's, not the request's"


def test_a_token_that_zoho_one_no_longer_takes_is_renewed(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    user_id = _create(endpoint)
    zoho_one.session.delete(f"{zoho_one.parts.url}/_tokens")
    assert _patch(endpoint, user_id, title="Countess").status_code == 200


def test_whoever_answers_a_search_must_be_who_was_searched_for(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    """Zoho One ignores the filter once: the stranger it names is not taken for the person."""
    zoho_one.add({"userName": "stranger@contoso.example", "title": "Stranger", "active": True})
    zoho_one.fail(method="POST", path="/Users", status=409, body={"detail": "exists"})
    listed = {"totalResults": 1, "Resources": [{"id": "1", "userName": "stranger@contoso.example"}]}
    zoho_one.fail(method="GET", path="/Users", status=200, body=listed)
    assert endpoint.request("POST", "/Users", json=ADA).status_code == 503
    assert zoho_one.users()[0]["title"] == "Stranger"
    assert endpoint.request("POST", "/Users", json=ADA).status_code == 201


def test_a_leaver_is_shut_out_even_where_zoho_one_refuses_what_else_changed(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    user_id = _create(endpoint)
    zoho_one.fail(method="PATCH", status=400, body={"detail": "bad title"})
    assert _patch(endpoint, user_id, active="False", title="<script>").status_code == 200
    (account,) = zoho_one.users()
    assert (account["active"], account["title"]) == (False, "Analyst")
    last = bridge.identities.history(store_id, user_id)[0]
    assert (last.kind, "bad title" in last.reason) == (EventKind.DEACTIVATED, True)
    assert _patch(endpoint, user_id, active="True", title="Countess").status_code == 200
    assert zoho_one.users()[0]["title"] == "Countess"


def test_an_account_of_a_lost_reply_is_on_record_when_the_rest_is_refused(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    zoho_one.fail(method="POST", path="/Users", drop="after")
    assert endpoint.request("POST", "/Users", json=ADA).status_code == 503
    zoho_one.fail(method="PATCH", status=400, body={"detail": "bad title"})
    assert endpoint.request("POST", "/Users", json=ADA | {"title": "<script>"}).status_code == 400
    assert not _is_managed(bridge, store_id, zoho_one.users()[0]["id"])
    _create(endpoint)
    (account,) = zoho_one.users()
    assert _is_managed(bridge, store_id, account["id"])


def test_who_comes_back_and_is_deleted_before_zoho_one_answers(
    endpoint: Endpoint, zoho_one: ZohoOne, bridge: Bridge, store_id: str
) -> None:
    first = _create(endpoint)
    assert endpoint.request("DELETE", f"/Users/{first}").status_code == 204
    zoho_one.fail(method="PATCH", status=503, times=3)
    assert endpoint.request("POST", "/Users", json=ADA).status_code == 503
    found = endpoint.request("GET", "/Users", query={"filter": f'userName eq "{ADA["userName"]}"'}).json()
    path = f"/Users/{found['Resources'][0]['id']}"
    assert endpoint.request("DELETE", path).status_code == 204
    assert endpoint.request("DELETE", path).status_code == 404
    (account,) = zoho_one.users()
    assert account["active"] is False
    assert not _is_managed(bridge, store_id, account["id"])


def test_the_largest_person_who_is_taken_can_be_disabled(endpoint: Endpoint, zoho_one: ZohoOne) -> None:
    quotes = '"' * 1300
    fields = ("displayName", "title", "preferredLanguage")
    person: dict[str, Any] = ADA | dict.fromkeys(fields, quotes) | {"externalId": quotes}
    person["name"] = {"givenName": quotes[:640], "familyName": quotes[:640]}
    parts = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
    person["addresses"] = [{"type": "work"} | dict.fromkeys(parts, quotes)]
    person["phoneNumbers"] = [{"type": kind, "value": quotes} for kind in ("work", "mobile", "fax")]
    user_id = _create(endpoint, **person)
    assert _patch(endpoint, user_id, title=quotes[1:], active="False").status_code == 200
    assert zoho_one.users()[0]["active"] is False
    assert _patch(endpoint, user_id, active="True").status_code == 200
    too_long = _patch(endpoint, user_id, title="t" * 2001)
    assert (too_long.status_code, "2,000 characters" in too_long.json()["detail"]) == (400, True)


def test_every_work_address_is_found(endpoint: Endpoint) -> None:
    emails = [{"type": "work", "value": "a@x.example"}, {"type": "Work", "value": "b@x.example"}]
    user_id = _create(endpoint, emails=emails)
    for address in ("a@x.example", "B@x.example"):
        text = f'emails[type eq "work"].value eq "{address}"'
        found = endpoint.request("GET", "/Users", query={"filter": text}).json()
        assert [user["id"] for user in found["Resources"]] == [user_id]


def test_two_of_three_people_whom_pushes_created_do_not_leave_without_a_decision(
    endpoint: Endpoint, zoho_one: ZohoOne
) -> None:
    """A push does not tell the guard who came: it counts the people before it lets somebody go."""
    people = [_create(endpoint, userName=f"{name}@contoso.example") for name in ("ada", "bert", "carla")]
    assert [_patch(endpoint, each, active="False").status_code for each in people] == [200, 503, 503]
    assert sum(user["active"] for user in zoho_one.users()) == 2


def test_who_leaves_again_after_a_mistake_in_entra_counts_once(
    endpoint: Endpoint, bridge: Bridge, store_id: str
) -> None:
    people = [_create(endpoint, userName=f"{name}@contoso.example") for name in ("ada", "bert", "carla", "dora")]
    for active in ("False", "True", "False", "True", "False"):
        assert _patch(endpoint, people[0], active=active).status_code == 200
    assert bridge.deprovisionings.read(store_id).recent.by_minute.popitem()[1] == 1
    assert _patch(endpoint, people[1], active="False").status_code == 200
    assert _patch(endpoint, people[2], active="False").status_code == 503, "three of four"
