"""The cost of a first plan in an organisation that has accounts: reading them all, keeping them, and matching people.

The tables are counted and not called: their time is measured with a cycle.
"""

import time
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, cast

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity

from local.bench.cycle_figures import ExistingAccounts
from local.bench.plan_size import InMemory, now, store_of, waiting_rows
from local.entra.people import make_people
from local.entra.person import Person
from shared.rules.change import ChangeKind
from shared.rules.identity import Account
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.plan.people import PeoplePlanner
from shared.tables.account_decisions import AccountDecisions
from shared.tables.proposals import Proposals
from shared.tables.unmanaged_accounts import UnmanagedAccounts
from shared.zoho.scim_client import Page, ZohoUsers

_MIB = 2**20


def existing_accounts(accounts: int, people: int) -> ExistingAccounts:
    """Plan for this number of people: half have an account by the userName, a quarter by the address, the rest none."""
    store, everybody = store_of(), make_people(people)
    zoho, table = _ZohoOne(store, everybody, accounts), _CountedTable()
    rows = waiting_rows(store, everybody)
    started = time.process_time()
    counts = _planner(rows, zoho, table).plan(store, tuple(rows)).counts
    seconds = time.process_time() - started
    calls = {"zoho": zoho.calls, "tables": sum(table.calls.values())}
    wanted = {ChangeKind.ADOPT: people // 2, ChangeKind.PROPOSE: people // 4}
    if {kind: counts.get(kind) for kind in wanted} != wanted:
        raise RuntimeError(f"The plan has {counts}, not {wanted}")
    tracemalloc.start()
    _planner(rows, zoho, table).plan(store, tuple(rows))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return ExistingAccounts(accounts, people, seconds, peak / _MIB, calls)


def _planner(rows: dict[str, Any], zoho: "_ZohoOne", table: "_CountedTable") -> PeoplePlanner:
    identities, client = InMemory(rows), cast("TableClient", table)
    reader = AccountsReader(
        lambda _: cast("ZohoUsers", zoho), identities, UnmanagedAccounts(client), AccountDecisions(client), now
    )
    return PeoplePlanner(identities, reader, AccountDecisions(client), Proposals(client), now)


class _ZohoOne:
    """Accounts, a page in a call; each page is made when it is asked for."""

    def __init__(self, store: Store, people: list[Person], accounts: int) -> None:
        self._people, self._accounts, self._size = people, accounts, store.zoho.page_size
        self.calls = 0

    def page(self, start: int) -> Page:
        """Return some accounts."""
        self.calls += 1
        numbers = range(start - 1, min(start - 1 + self._size, self._accounts))
        return Page(tuple(map(self._account, numbers)), self._accounts)

    def _account(self, number: int) -> Account:
        people, half, quarter = self._people, len(self._people) // 2, len(self._people) // 4
        fields = {ZohoField.USER_NAME: f"account.{number}@old.example", ZohoField.DISPLAY_NAME: f"Account {number}"}
        fields |= {ZohoField.EMAIL: f"account.{number}@old.example", ZohoField.TITLE: "Made by hand"}
        if number < half:
            fields[ZohoField.USER_NAME] = people[number].user_principal_name.upper()
        elif number < half + quarter:
            fields[ZohoField.EMAIL] = str(people[number].mail)
        return Account(id=f"z{number:031d}", holds=ZohoUser(active=True, fields=fields))


class _CountedTable:
    """A table without rows that counts what is written."""

    def __init__(self) -> None:
        self.calls = Counter[str]()

    def get_entity(self, *_: object, **__: object) -> None:
        """Find nothing."""
        self.calls["get"] += 1
        raise ResourceNotFoundError

    def query_entities(self, *_: object, **__: object) -> Iterator[TableEntity]:
        """Return nothing."""
        self.calls["query"] += 1
        return iter(())

    def submit_transaction(self, operations: Iterable[object]) -> list[dict[str, str]]:
        """Take rows."""
        self.calls["transaction"] += 1
        return [{"etag": ""} for _ in operations]

    def upsert_entity(self, *_: object, **__: object) -> dict[str, str]:
        """Take a row."""
        self.calls["upsert"] += 1
        return {"etag": ""}
