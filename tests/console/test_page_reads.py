"""A page reads as many pages of the tables with fifteen hundred people as with three."""

import uuid
from collections.abc import Iterator

import pytest

from local.parts import app_settings
from local.store import add_store
from shared.app.container import Bridge
from shared.rules.store import Store
from shared.settings import Settings
from shared.tables.identity_rows import rows_of
from shared.tables.portions import portions
from tests.conftest import ZohoOne
from tests.console.conftest import Pages, pages_of
from tests.faults.gated_host import gates
from tests.tables.test_people_found import Count, person

MOST = 12
"""Round trips of any page: those of one store."""
PAGES = (
    *("", "/name", "/review", "/people", "/people?typed=per", "/plan", "/runs", "/api-integration", "/mapping"),
    *("/mapping/fields/title", "/mapping/versions", "/settings", "/settings/templates/user/en", "/status-sync"),
    *("/groups", "/groups/settings", "/criteria", "/guard", "/schedule", "/changes", "/delete", "/errands"),
)


@pytest.fixture
def counted(azurite: str, key: str, zoho_one: ZohoOne) -> Iterator[tuple[Pages, Count]]:
    """The pages behind a gate before the tables."""
    count = Count()
    with gates(azurite, zoho_one.parts, count) as (connection_string, parts):
        yield pages_of(Bridge(Settings.model_validate(app_settings(connection_string, key, parts)))), count


def _fill(bridge: Bridge, store_id: str, number: int) -> str:
    """People as they are kept; the id of one."""
    people = [person(f"Person {count}", f"p{count}@contoso.example") for count in range(number)]
    rows = ({"PartitionKey": store_id, "RowKey": key} | row for each in people for key, row in rows_of(each).items())
    for portion in portions(rows):
        bridge.table("identities").submit_transaction([("create", row) for row in portion])
    return people[0].id


def _reads(pages: Pages, count: Count, store_id: str, identity_id: str) -> dict[str, int]:
    reads = {}
    for page in (*PAGES, f"/people/{identity_id}"):
        count.calls = 0
        assert pages.get(f"/stores/{store_id}{page}").status_code == 200, page
        reads["/people/…" if identity_id in page else page] = count.calls
    return reads


def test_pages_read_a_bounded_number_of_table_pages(
    counted: tuple[Pages, Count], azurite: str, key: str, zoho_one: ZohoOne, bridge: Bridge, store: Store
) -> None:
    pages, count = counted
    other = f"t-{uuid.uuid4().hex[:16]}"
    add_store(azurite, key, zoho_one.parts, other)
    few = _reads(pages, count, other, _fill(bridge, other, 3))
    many = _reads(pages, count, store.id, _fill(bridge, store.id, 1_500))
    assert few == many
    assert max(many.values()) <= MOST, many


def test_the_list_reads_a_bounded_number_for_each_store(counted: tuple[Pages, Count]) -> None:
    pages, count = counted
    for path in ("/", "/status"):
        count.calls = 0
        assert pages.get(path).status_code == 200
        stores = len(pages.parts.stores.table.all())
        assert count.calls <= 3 + 6 * stores, path
