"""Groups and their members are paged through and found by name, with a bounded number of reads for each page."""

import re
from collections.abc import Callable

import pytest

from local.store import add_store
from shared.app.container import Bridge
from shared.rules.groups.member_change import MemberChange
from tests.conftest import ZohoOne
from tests.console.conftest import Pages, pages_of
from tests.tables.test_groups import _change, _group
from tests.tables.test_people_found import person

MOST = 34
"""Round trips of a page of a group: 25 members at most, each a read."""


@pytest.fixture
def counted(bridge: Bridge, table_calls: list[str]) -> tuple[Pages, list[str]]:
    """The pages, and the calls to the tables from now on."""
    return pages_of(bridge), table_calls


def _through(get: Callable[[str], str], path: str, word: str) -> list[str]:
    """Each page from the first to the last."""
    pages = [get(path)]
    while found := re.search(rf'href="/console([^"]+)">{word}', pages[-1]):
        pages.append(get(found[1].replace("&amp;", "&")))
    return pages


def test_all_members_are_shown_a_page_at_a_time(
    counted: tuple[Pages, list[str]], bridge: Bridge, zoho_one: ZohoOne, store_id: str, azurite: str, key: str
) -> None:
    add_store(azurite, key, zoho_one.parts, store_id)
    pages, calls = counted
    people = sorted((person(f"Person {number:02}", f"p{number}@x.example") for number in range(60)), key=lambda p: p.id)
    for each in people[:-1]:
        bridge.identities.write(store_id, None, each)
    groups = bridge.groups
    stored = groups.write(store_id, None, _group("Research"))
    _change(groups, store_id, stored, MemberChange(joining=tuple(each.id for each in people)))

    def get(path: str) -> str:
        calls.clear()
        page = pages.get(path)
        assert page.status_code == 200
        assert len(calls) <= MOST, path
        return page.text

    shown = _through(get, f"/stores/{store_id}/groups/{stored.group.id}", "Further members")
    names = [re.findall(r">(Person \d\d)</a>", page) for page in shown]
    assert [len(some) for some in names] == [25, 25, 9]
    assert [name for some in names for name in some] == [each.said.source.display_name for each in people[:-1]]
    assert "not provisioned yet; joins once they are" in shown[-1]
    assert "no account" in shown[0]
    assert "60 members" in shown[0]
    odd = get(f"/stores/{store_id}/groups/{stored.group.id}?after=nobody")
    assert re.findall(r">(Person \d\d)</a>", odd) == names[0], "what is no id is not looked behind"


def test_groups_are_paged_through_and_found_by_the_beginning_of_a_word(
    counted: tuple[Pages, list[str]],
    bridge: Bridge,
    zoho_one: ZohoOne,
    store_id: str,
    azurite: str,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_store(azurite, key, zoho_one.parts, store_id)
    pages, calls = counted
    groups = [_group(f"Team {number:03}") for number in range(118)] + [_group("Vertrieb Süd"), _group("Board")]
    for group in groups:
        bridge.groups.write(store_id, None, group)

    def get(path: str) -> str:
        calls.clear()
        page = pages.get(path)
        assert page.status_code == 200
        assert len(calls) <= 4, path
        return page.text

    path = f"/stores/{store_id}/groups"
    listed = _through(get, path, "Further groups")
    names = [name for page in listed for name in re.findall(r"/groups/[0-9a-f]{32}\">([^<]+)</a>", page)]
    assert len(listed) == 3
    assert sorted(names) == sorted(group.said.display_name for group in groups)

    def found(typed: str) -> list[str]:
        return re.findall(r"/groups/[0-9a-f]{32}\">([^<]+)</a>", get(f"{path}?typed={typed}"))

    assert found("team+00") == [f"Team {number:03}" for number in range(10)]
    assert found("sud") == ["Vertrieb Süd"]
    assert len(found("t")) == 50
    assert found("nobody") == []
    monkeypatch.setattr("shared.console.group_pages.LOOKED", 1)
    last = max(groups, key=lambda group: group.id).said.display_name
    assert found(last.upper().replace(" ", "+")) == [last], "by its whole name, however many there are"
    assert "1 groups were searched" in get(f"{path}?typed=x")
