"""Who is in which group once, then who came and went: pages, replays, removals, and answers that are none."""

from collections.abc import Sequence
from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.entra.errors import GraphBusy, GraphCredentials, GraphUnclear, LinkExpired
from shared.entra.members_delta import read_members
from tests.conftest import Entra

IDS = [person.id for person in PEOPLE]
A, B, NESTED = GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(3)]
DELTA = "/v1.0/groups/delta"
DELTA_LINK = "the link"
"""In a body that a test makes up: a link of the simulated Graph's."""
USER = "#microsoft.graph.user"
REMOVED = {"@removed": {"reason": "deleted"}}


class Mirror:
    """What a caller keeps: members, and where to go on, each page stored as a whole."""

    def __init__(self, entra: Entra, groups: Sequence[str]) -> None:
        self._graph = entra.client()
        self._groups = groups
        self.members: dict[str, set[str]] = {group: set() for group in groups}
        self.gone: set[str] = set()
        self.link: str | None = None
        self.pages = 0

    def read(self) -> dict[str, set[str]]:
        """One round."""
        self.pages = 0
        for page in read_members(self._graph, self._groups, self.link):
            for group, users in page.added.items():
                self.members[group] |= users
            for group, users in page.removed.items():
                self.members[group] -= users
            self.gone |= page.gone
            self.link = page.link
            self.pages += 1
        return self.members


@pytest.fixture
def mirror(entra: Entra) -> Mirror:
    """Two groups of which nothing is known yet, one with 20 members and one with none; pages hold three members."""
    entra.set(page_size=3)
    entra.act(*({"do": "put group", "id": group, "members": []} for group in (B, NESTED)))
    entra.act({"do": "put group", "id": A, "members": [*IDS[:20], NESTED]})
    entra.act({"do": "put group", "id": NESTED, "members": [IDS[24]]})
    return Mirror(entra, (A, B))


def test_lists_every_user_and_then_nothing(entra: Entra, mirror: Mirror) -> None:
    assert mirror.read() == {A: set(IDS[:20]), B: set()}
    assert mirror.pages == 8
    entra.forget("calls")
    assert mirror.read() == {A: set(IDS[:20]), B: set()}
    assert entra.calls() == {f"GET {DELTA}": 1}


@pytest.mark.parametrize("settings", [{}, {"replays": 4}, {"split_members": True}, {"replays": 2, "page_size": 1}])
def test_follows_who_comes_and_goes_in_whatever_shape_it_comes(
    entra: Entra, mirror: Mirror, settings: dict[str, Any]
) -> None:
    entra.set(**settings)
    mirror.read()
    entra.act(
        {"do": "remove member", "id": A, "members": IDS[:2]},
        {"do": "add member", "id": A, "members": [IDS[1], IDS[23]]},
        {"do": "add member", "id": B, "members": [IDS[0], IDS[22], NESTED]},
        {"do": "remove member", "id": B, "members": [IDS[22]]},
        {"do": "add member", "id": NESTED, "members": [IDS[21]]},
        {"do": "soft-delete", "id": IDS[5]},
        {"do": "soft-delete", "id": IDS[6]},
        {"do": "restore", "id": IDS[6]},
    )
    assert mirror.read() == {A: {*IDS[1:5], *IDS[6:20], IDS[23]}, B: {IDS[0]}}
    entra.act({"do": "hard-delete", "id": IDS[5]}, {"do": "put group", "id": A, "members": [IDS[7]]})
    assert mirror.read() == {A: {IDS[7]}, B: {IDS[0]}}
    assert not mirror.gone


def test_groups_that_are_gone_are_named_and_those_not_followed_any_more_are_not(entra: Entra, mirror: Mirror) -> None:
    mirror.read()
    entra.act({"do": "delete group", "id": A}, {"do": "add member", "id": B, "members": IDS[:1]})
    (page,) = read_members(entra.client(), (A, B), mirror.link)
    assert (page.gone, page.added, page.removed) == ({A}, {B: {IDS[0]}}, {})
    (page,) = read_members(entra.client(), (B,), mirror.link)
    assert (page.gone, page.added) == (set(), {B: {IDS[0]}})
    entra.act({"do": "put group", "id": A, "members": IDS[:2]})
    (page,) = read_members(entra.client(), (A, B), page.link)
    assert (page.gone, page.added) == (set(), {A: set(IDS[:2])})


@pytest.mark.parametrize("reason", ["changed", "deleted"])
def test_the_last_word_within_a_page_counts_but_gone_is_gone(entra: Entra, reason: str) -> None:
    one, two = ({"@odata.type": USER, "id": each} for each in IDS[:2])
    value = [
        {"id": A, "members@delta": [one, {**two, **REMOVED}]},
        {"id": B, "@removed": {"reason": reason}},
        {"id": A, "members@delta": [two, {**one, **REMOVED}]},
        {"id": A},
        {"id": B, "members@delta": [one]},
    ]
    link = f"{entra.ready['graph']}/groups/delta?$deltatoken=x"
    entra.fail(DELTA, status=200, body={"value": value, "@odata.deltaLink": link})
    (page,) = read_members(entra.client(), (A, B), None)
    assert (page.added[A], page.removed[A], page.gone) == ({IDS[1]}, {IDS[0]}, {B})
    assert "deltatoken" not in repr(page)


def test_an_error_in_page_seven_leaves_the_link_of_page_six(entra: Entra, mirror: Mirror) -> None:
    pages = read_members(entra.client(), (A, B), None)
    six = [next(pages) for _ in range(6)]
    entra.fail(DELTA, status=500, times=5)
    with pytest.raises(GraphBusy):
        next(pages)
    with pytest.raises(StopIteration):
        next(pages)
    assert not any(page.last for page in six)
    mirror.link = six[-1].link
    seen = mirror.read()[A] | set().union(*(page.added.get(A, set()) for page in six))
    assert seen == set(IDS[:20])


@pytest.mark.parametrize("status", [410, 400, 404])
def test_an_expired_link_is_told_apart(entra: Entra, mirror: Mirror, status: int) -> None:
    entra.set(expired_status=status)
    mirror.read()
    entra.forget("links")
    with pytest.raises(LinkExpired):
        mirror.read()


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        {},
        {"value": []},
        {"value": [], "@odata.nextLink": DELTA_LINK, "@odata.deltaLink": DELTA_LINK},
        {"value": [{"members@delta": []}], "@odata.deltaLink": DELTA_LINK},
        {"value": [], "@odata.deltaLink": "https://graph.evil.example/v1.0/groups/delta?$deltatoken=x"},
    ],
)
def test_a_page_that_is_not_understood_is_no_page(entra: Entra, body: object) -> None:
    if isinstance(body, dict):
        link = f"{entra.ready['graph']}/groups/delta?$deltatoken=x"
        body = {name: link if value == DELTA_LINK else value for name, value in body.items()}
    entra.fail(DELTA, status=200, body=body)
    with pytest.raises(GraphUnclear):
        next(read_members(entra.client(), (A,), None))


def test_an_entry_that_is_not_understood_concerns_that_group_alone(entra: Entra) -> None:
    groups = [f"00000000-0000-0000-0000-{number:012}" for number in range(6)]
    member = {"@odata.type": USER, "id": IDS[0]}
    value = [
        {"id": groups[0], "members@delta": [{"id": IDS[1]}, member]},
        {"id": groups[1], "members@delta": [{"@odata.type": USER}]},
        {"id": groups[2], "@removed": {"reason": "moved"}},
        {"id": groups[3], "displayName": 5},
        {"id": groups[4], "members@delta": {"a": 1}},
        {"id": groups[5], "displayName": "Staff", "members@delta": [member]},
        {"members@delta": [member]},
    ]
    link = f"{entra.ready['graph']}/groups/delta?$deltatoken=x"
    entra.fail(DELTA, status=200, body={"value": value, "@odata.deltaLink": link}, times=2)
    (page,) = read_members(entra.client(), (), None)
    assert (page.unclear, page.nameless, page.gone) == (set(groups[:5]), 1, set())
    assert page.added == {groups[0]: {IDS[0]}, groups[5]: {IDS[0]}}
    with pytest.raises(LinkExpired, match="without an id"):
        next(read_members(entra.client(), (), page.link))


def test_a_missing_permission_is_named(entra: Entra) -> None:
    entra.set(permissions=["User.Read.All", "Application.Read.All"])
    with pytest.raises(GraphCredentials, match=r"GroupMember\.Read\.All"):
        next(read_members(entra.client(), (A,), None))
