"""Everybody once, then what changed: pages, replays, removals, and what is stored when something goes wrong."""

import contextlib
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from local.entra.people import PEOPLE
from local.entra.person import Person
from local.processes import Processes
from shared.entra.answers import Removal
from shared.entra.errors import GraphBusy, GraphCredentials, GraphRefused, GraphUnclear, LinkExpired
from shared.entra.user_properties import select_of
from shared.entra.users import read_users
from shared.entra.users_delta import DeltaPosition, read_changes
from shared.rules.azure_user import AzureUser, from_graph
from tests.conftest import Entra

FIELDS = ["displayName", "department", "jobTitle", "mail", "manager", "businessPhones", "extensionAttribute1"]
SELECT = select_of([*FIELDS, "extension_badge"])
DELTA = "/v1.0/users/delta"
DELTA_LINK = "the link"
"""In a body that a test makes up: a link of the simulated Graph's."""


class Mirror:
    """What a caller keeps: people, removals, and where to go on, each page stored as a whole."""

    def __init__(self, entra: Entra) -> None:
        self._graph = entra.client()
        self.people: dict[str, AzureUser] = {}
        self.removed: dict[str, Removal] = {}
        self.position: DeltaPosition | None = None
        self.pages: list[int] = []

    def read(self, select: tuple[str, ...] = SELECT) -> None:
        """One round."""
        self.pages.clear()
        for page in read_changes(self._graph, self.position, select):
            for change in page.changes:
                known = self.people.get(change.id)
                if known is None and not change.complete:
                    ((_, found),) = read_users(self._graph, [change.id], select)
                    assert found is not None
                    change = found
                self.people[change.id] = change.onto(known)
                self.removed.pop(change.id, None)
            for each, reason in page.removals:
                self.removed[each] = reason
            self.position = page.position
            self.pages.append(len(page.changes) + len(page.removals))

    def present(self) -> dict[str, AzureUser]:
        """Who is there."""
        return {each: person for each, person in self.people.items() if each not in self.removed}


def expected(person: Person, **changes: Any) -> AzureUser:
    """A person as he should be mirrored."""
    row = person.model_copy(update=changes).model_dump(mode="json", by_alias=True)
    return from_graph({name: row.get(name) for name in SELECT})


@pytest.fixture
def mirror(entra: Entra) -> Mirror:
    """A mirror that has seen nobody yet; Graph's pages hold three people."""
    entra.set(page_size=3)
    return Mirror(entra)


def test_lists_everybody_and_then_nothing(entra: Entra, mirror: Mirror) -> None:
    mirror.read()
    assert mirror.people == {person.id: expected(person) for person in PEOPLE}
    assert mirror.pages == [3] * 8 + [1]
    entra.forget("calls")
    mirror.read()
    assert mirror.pages == [0]
    assert entra.calls() == {f"GET {DELTA}": 1}
    assert entra.sign_ins() == 0


@pytest.mark.parametrize("settings", [{}, {"replays": 4}, {"split_managers": True}, {"replays": 2, "page_size": 1}])
def test_follows_every_change_in_whatever_shape_it_comes(
    entra: Entra, mirror: Mirror, settings: dict[str, Any]
) -> None:
    entra.set(**settings)
    mirror.read()
    ids = [person.id for person in PEOPLE]
    new = PEOPLE[0].model_copy(update={"id": "00000000-0000-0000-0000-000000000001", "manager": ids[3]})
    entra.act(
        {"do": "change", "id": ids[0], "values": {"department": "Legal", "jobTitle": None, "businessPhones": []}},
        {"do": "change", "id": ids[1], "values": {"extension_badge": "7"}},
        {"do": "change", "id": ids[1], "values": {"manager": ids[5]}},
        {"do": "change", "id": ids[5], "values": {"manager": None}},
        {"do": "disable", "id": ids[2]},
        {"do": "add", "values": new.model_dump(mode="json", by_alias=True)},
        {"do": "change", "id": ids[7], "values": {"fax": "not selected"}},
    )
    mirror.read()
    assert mirror.present()[ids[0]] == expected(PEOPLE[0], department="Legal", job_title=None, business_phones=())
    assert mirror.present()[ids[1]].custom == {"extension_badge": "7"}
    assert mirror.present()[ids[1]].manager == ids[5]
    assert mirror.present()[ids[5]].manager is None
    assert mirror.present()[ids[2]] == expected(PEOPLE[2], account_enabled=False)
    assert mirror.present()[new.id] == expected(new)
    assert mirror.present()[ids[7]] == expected(PEOPLE[7])


def test_both_kinds_of_removal_and_the_way_back(entra: Entra, mirror: Mirror) -> None:
    mirror.read()
    first, second, third = (person.id for person in PEOPLE[6:9])
    entra.act(*({"do": "soft-delete", "id": each} for each in (first, second, third)))
    mirror.read()
    assert mirror.removed == dict.fromkeys((first, second, third), Removal.CHANGED)
    entra.act({"do": "restore", "id": first}, {"do": "hard-delete", "id": second})
    mirror.read()
    assert mirror.removed == {second: Removal.DELETED, third: Removal.CHANGED}
    assert mirror.present()[first] == expected(PEOPLE[6])


def test_an_error_in_page_seven_leaves_the_link_of_page_six(entra: Entra, mirror: Mirror) -> None:
    pages = read_changes(entra.client(), None, SELECT)
    six = [next(pages) for _ in range(6)]
    entra.fail(DELTA, status=500, times=5)
    with pytest.raises(GraphBusy):
        next(pages)
    with pytest.raises(StopIteration):
        next(pages)
    assert not any(page.last for page in six)
    assert all(page.full and page.position.full for page in six)
    mirror.position = six[-1].position
    mirror.read()
    seen = [change.id for page in six for change in page.changes]
    assert sorted([*seen, *mirror.people]) == sorted(person.id for person in PEOPLE)


def test_only_the_end_of_a_full_round_is_complete(entra: Entra, mirror: Mirror) -> None:
    *pages, end = read_changes(entra.client(), None, SELECT)
    assert [(page.full, page.last, page.position.full) for page in pages] == [(True, False, True)] * 8
    assert (end.full, end.last, end.position.full) == (True, True, False)
    (page,) = read_changes(entra.client(), end.position, SELECT)
    assert (page.full, page.last, page.changes, page.removals) == (False, True, (), ())


@pytest.mark.parametrize("status", [410, 400, 404])
def test_an_expired_link_is_told_apart_midway_and_between_rounds(entra: Entra, mirror: Mirror, status: int) -> None:
    entra.set(expired_status=status)
    pages = read_changes(entra.client(), None, SELECT)
    next(pages)
    entra.forget("links")
    with pytest.raises(LinkExpired):
        next(pages)
    mirror.read()
    entra.forget("links")
    with pytest.raises(LinkExpired):
        mirror.read()
    mirror.position = None
    mirror.read()
    assert len(mirror.pages) == 9


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "Directory_ExpiredPageToken"), (404, "UnknownError"), (400, "BadRequest"), (408, ""), (409, ""), (422, "X")],
)
def test_a_link_that_is_refused_for_whatever_reason_is_worth_nothing(
    entra: Entra, mirror: Mirror, status: int, code: str
) -> None:
    mirror.read()
    entra.fail(DELTA, status=status, body=code)
    with pytest.raises(LinkExpired):
        mirror.read()
    entra.fail(DELTA, status=status, body=code)
    mirror.position = None
    with pytest.raises(GraphRefused) if status != 408 else contextlib.nullcontext():  # which is tried again
        mirror.read()


@pytest.mark.parametrize(("status", "error"), [(401, GraphCredentials), (403, GraphCredentials), (429, GraphBusy)])
def test_a_refusal_that_is_about_the_app_or_the_pace_leaves_the_link(
    entra: Entra, mirror: Mirror, status: int, error: type[Exception]
) -> None:
    mirror.read()
    entra.fail(DELTA, status=status, times=9)
    with pytest.raises(error):
        mirror.read()
    entra.forget("faults")
    mirror.read()
    assert mirror.pages == [0]


def test_a_property_that_was_not_followed_needs_everybody_again(mirror: Mirror, entra: Entra) -> None:
    mirror.read()
    entra.forget("calls")
    with pytest.raises(LinkExpired, match="needs city"):
        mirror.read(select_of([*FIELDS, "city"]))
    assert entra.calls() == {}
    mirror.read(select_of(["mail"]))
    assert mirror.pages == [0]


def test_waits_in_the_middle_when_asked_to(entra: Entra, mirror: Mirror) -> None:
    pages = read_changes(entra.client(), None, SELECT)
    next(pages)
    entra.fail(DELTA, status=429, headers={"Retry-After": "11"})
    assert len(list(pages)) == 8
    assert entra.slept == [11]


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        {},
        {"value": []},
        {"value": [], "@odata.nextLink": DELTA_LINK, "@odata.deltaLink": DELTA_LINK},
        {"value": [{"displayName": "no id"}], "@odata.deltaLink": DELTA_LINK},
        {"value": [{"id": "no guid"}], "@odata.deltaLink": DELTA_LINK},
        {"value": [None, 5], "@odata.deltaLink": DELTA_LINK},
    ],
)
def test_a_page_that_is_not_understood_is_no_page(entra: Entra, body: object) -> None:
    if isinstance(body, dict):
        link = f"{entra.ready['graph']}/users/delta?$deltatoken=x"
        body = {name: link if value == DELTA_LINK else value for name, value in body.items()}
    entra.fail(DELTA, status=200, body=body)
    with pytest.raises(GraphUnclear):
        next(read_changes(entra.client(), None, SELECT))


def test_an_entry_that_is_not_understood_concerns_that_person_alone(entra: Entra) -> None:
    ids = [person.id for person in PEOPLE]
    value = [
        {"id": ids[0], "@removed": {"reason": "moved"}},
        {"id": ids[1], "@removed": {}},
        {"id": ids[2], "displayName": "C", "manager@delta": [{}, {"id": ids[0]}]},
        {"id": ids[3], "manager@delta": "nobody"},
        {"id": ids[4], "manager@delta": [{"id": ids[0], "@removed": {"reason": "moved"}}]},
        {"displayName": "no id"},
        {"id": ids[5], "jobTitle": "Clerk"},
    ]
    link = f"{entra.ready['graph']}/users/delta?$deltatoken=x"
    entra.fail(DELTA, status=200, body={"value": value, "@odata.deltaLink": link})
    (page,) = read_changes(entra.client(), None, SELECT)
    assert (page.unclear, page.nameless, page.removals) == (tuple(ids[:2]), 1, ())
    assert [(each.id, each.unreadable, each.managers) for each in page.changes] == [
        (ids[2], ("manager",), (ids[0],)),
        (ids[3], ("manager",), ()),
        (ids[4], ("manager",), ()),
        (ids[5], (), ()),
    ]
    entra.fail(DELTA, status=200, body={"value": value, "@odata.deltaLink": link})
    with pytest.raises(LinkExpired, match="without an id"):
        next(read_changes(entra.client(), page.position, SELECT))


def test_an_answer_about_one_person_that_is_not_understood_is_theirs_alone(entra: Entra) -> None:
    of_one = "/v1.0/users/{id}"
    ids = [person.id for person in PEOPLE[:5]]
    entra.fail(of_one, status=400, body="BadRequest")  # batches are answered from their end
    entra.fail(of_one, status=200, body=["not a user"])
    entra.fail(of_one, status=200, body={"id": ids[0], "displayName": "Another"})
    entra.fail(of_one, status=200, body={"id": ids[1], "manager": {}, "displayName": "B"})
    found = dict(read_users(entra.client(), ids, SELECT))
    unreadable = {each: person.unreadable for each, person in found.items() if person is not None}
    assert unreadable == dict(zip(ids, [(), ("manager",), ("user",), ("user",), ("user",)], strict=True)) | {
        ids[1]: ("manager", "userPrincipalName")
    }


@pytest.mark.parametrize("kind", ["nextLink", "deltaLink"])
def test_a_foreign_link_is_neither_followed_nor_handed_out(entra: Entra, kind: str) -> None:
    link = "https://graph.evil.example/v1.0/users/delta?$skiptoken=x"
    entra.fail(DELTA, status=200, body={"value": [], f"@odata.{kind}": link})
    with pytest.raises(GraphUnclear, match="not followed"):
        next(read_changes(entra.client(), None, SELECT))


def test_the_last_word_within_a_page_counts(entra: Entra) -> None:
    one, two, three = (person.id for person in PEOPLE[:3])
    value = [
        {"id": one, "department": "A", "jobTitle": "J"},
        {"id": two, "@removed": {"reason": "changed"}},
        {"id": three, "department": "C"},
        {"id": one, "department": "B", "manager@delta": [{"id": two}]},
        {"id": two, "department": "back"},
        {"id": three, "@removed": {"reason": "deleted"}},
    ]
    link = f"{entra.ready['graph']}/users/delta?$deltatoken=x"
    entra.fail(DELTA, status=200, body={"value": value, "@odata.deltaLink": link})
    (page,) = read_changes(entra.client(), None, SELECT)
    assert [(change.id, dict(change.values), change.managers) for change in page.changes] == [
        (one, {"department": "B", "jobTitle": "J"}, (two,)),
        (two, {"department": "back"}, ()),
    ]
    assert page.removals == ((three, Removal.DELETED),)
    assert "deltatoken" not in repr(page.position)


def test_a_missing_permission_is_named(entra: Entra) -> None:
    entra.set(permissions=[])
    with pytest.raises(GraphCredentials, match=r"User\.Read\.All"):
        next(read_changes(entra.client(), None, SELECT))


def test_reads_people_by_their_ids_twenty_in_a_call(entra: Entra) -> None:
    entra.act({"do": "soft-delete", "id": PEOPLE[3].id})
    asked = [*(person.id for person in PEOPLE), "00000000-0000-0000-0000-000000000009"]
    found = dict(read_users(entra.client(), asked, SELECT))
    assert list(found) == asked
    assert [each for each, person in found.items() if person is None] == [PEOPLE[3].id, asked[-1]]
    for person in (PEOPLE[0], PEOPLE[1]):
        read = found[person.id]
        assert read is not None
        stale = expected(person, manager="someone else", department="Old")
        assert read.onto(None) == read.onto(stale) == expected(person)
    assert entra.calls()["POST /v1.0/$batch"] == 2


@pytest.fixture(scope="module")
def large(processes: Processes) -> Iterator[Entra]:
    """An Entra with 5,000 people, all of them assigned."""
    _, ready = processes.start_module("local.entra", "--port", "0", "--people", "5000")
    entra = Entra(ready)
    yield entra
    entra.session.close()
    entra.control.close()


def test_five_thousand_people_pass_through_in_the_memory_of_a_page(large: Entra) -> None:
    client = large.client()
    position, seen = None, 0
    tracemalloc.start()
    for page in read_changes(client, None, SELECT):
        position, seen = page.position, seen + len(page.changes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 5000
    assert peak < 6 * 1024 * 1024
    large.forget("calls")
    assert sum(len(page.changes) for page in read_changes(client, position, SELECT)) == 0
    assert large.calls() == {f"GET {DELTA}": 1}
