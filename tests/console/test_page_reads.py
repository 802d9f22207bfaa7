"""A page reads as many pages of the tables with fifteen hundred people as with three."""

import uuid

import pytest

from local.store import add_store
from shared.app.container import Bridge
from shared.rules.store import Store
from shared.tables.identity_rows import rows_of
from shared.tables.portions import portions
from tests.conftest import ZohoOne
from tests.console.conftest import Pages, pages_of
from tests.tables.test_people_found import person

MOST = 12
"""Round trips of any page: those of one store."""
PAGES = (
    *("", "/name", "/review", "/people", "/people?typed=per", "/plan", "/runs", "/api-integration", "/mapping"),
    *("/mapping/fields/title", "/mapping/versions", "/settings", "/settings/templates/user/en", "/status-sync"),
    *("/proposals", "/unmanaged", "/unmanaged?typed=per", "/unmanaged?active=yes&state=unmatched", "/matching"),
    *("/groups", "/groups/settings", "/criteria", "/guard", "/schedule", "/changes", "/delete", "/errands"),
)


@pytest.fixture
def counted(bridge: Bridge, table_calls: list[str]) -> tuple[Pages, list[str]]:
    """The pages, and the calls to the tables from now on."""
    return pages_of(bridge), table_calls


def _fill(bridge: Bridge, store_id: str, number: int) -> str:
    """People as they are kept; the id of one."""
    people = [person(f"Person {count}", f"p{count}@contoso.example") for count in range(number)]
    rows = ({"PartitionKey": store_id, "RowKey": key} | row for each in people for key, row in rows_of(each).items())
    for portion in portions(rows):
        bridge.table("identities").submit_transaction([("create", row) for row in portion])
    return people[0].id


def _reads(pages: Pages, calls: list[str], store_id: str, identity_id: str) -> dict[str, int]:
    reads = {}
    for page in (*PAGES, f"/people/{identity_id}"):
        calls.clear()
        assert pages.get(f"/stores/{store_id}{page}").status_code == 200, page
        reads["/people/…" if identity_id in page else page] = len(calls)
    return reads


def test_pages_read_a_bounded_number_of_table_pages(
    counted: tuple[Pages, list[str]], azurite: str, key: str, zoho_one: ZohoOne, bridge: Bridge, store: Store
) -> None:
    pages, calls = counted
    other = f"t-{uuid.uuid4().hex[:16]}"
    add_store(azurite, key, zoho_one.parts, other)
    few = _reads(pages, calls, other, _fill(bridge, other, 3))
    many = _reads(pages, calls, store.id, _fill(bridge, store.id, 1_500))
    assert few == many
    assert max(many.values()) <= MOST, many


def test_the_list_reads_a_bounded_number_for_each_store(counted: tuple[Pages, list[str]]) -> None:
    pages, calls = counted
    for path in ("/", "/status"):
        calls.clear()
        assert pages.get(path).status_code == 200
        stores = len(pages.parts.stores.table.all())
        assert len(calls) <= 3 + 6 * stores, path
