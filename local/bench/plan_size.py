"""The cost of planning a first sync: time and memory, without the tables, whose time is measured with a cycle."""

import json
import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast, override

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity
from pydantic import HttpUrl

from local.bench.cycle_figures import PlanSize
from local.entra.people import make_people
from local.entra.person import Person
from local.parts import STORE
from shared.rules.azure_user import from_graph
from shared.rules.expressions import EvaluationContext
from shared.rules.former import Former
from shared.rules.identity import Identity, PendingChange, SourceState
from shared.rules.keys import keys_of
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.scim_user import onto_scim
from shared.rules.store import Store, ZohoConnection
from shared.rules.zoho_user import ZohoUser
from shared.sync.plan.accounts_reading import AccountsReader
from shared.sync.plan.people import PeoplePlanner
from shared.tables.account_decisions import AccountDecisions
from shared.tables.identities import Identities
from shared.tables.identity_rows import AccountRecord, Stored, rows_of, stored_from
from shared.tables.proposals import Proposals
from shared.tables.record_table import Row
from shared.tables.rehearsal import rehearsal_of
from shared.tables.unmanaged_accounts import UnmanagedAccounts
from shared.zoho.scim_client import Page, ZohoUsers

_MIB = 2**20


class InMemory(Identities):
    """Identities as table rows in memory, so that reading one costs the same except for the network."""

    def __init__(self, rows: dict[str, Row]) -> None:
        super().__init__(TableClient.from_connection_string("UseDevelopmentStorage=true", "none"))  # not called
        self._rows = rows

    @override
    def several(self, store: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Return some of them."""
        return {each: stored_from(self._rows[each], "etag") for each in ids}

    @override
    def record_of(self, store: str, zoho_id: str, asks: str) -> AccountRecord | None:
        """Return nothing: nobody ever had an account."""
        return None

    @override
    def owned_accounts(self, store: str) -> Iterator[tuple[str, str]]:
        """Return nothing: nobody has an account yet."""
        return iter(())

    @override
    def formers(self, store: str) -> Iterator[Former]:
        """Return nobody."""
        return iter(())


class _NoRows:
    """A table without rows."""

    def get_entity(self, *_: object, **__: object) -> None:
        """Find nothing."""
        raise ResourceNotFoundError

    def query_entities(self, *_: object, **__: object) -> Iterator[TableEntity]:
        """Return nothing."""
        return iter(())


class _NoAccounts:
    """A Zoho One without users."""

    def find(self, _: str) -> None:
        """Return nobody."""

    def page(self, _: int) -> Page:
        """Return nobody."""
        return Page((), 0)


def store_of() -> Store:
    """Return a store."""
    zoho = ZohoConnection(sync_endpoint=HttpUrl("https://one.zoho.example"), data_center="us", client_id="1")
    return Store(id=STORE, name="Contoso", zoho=zoho)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def plan_size(people: int) -> PlanSize:
    """Plan the creation of this number of people: once for the time, and once more to count the allocated memory."""
    store = store_of()
    rows = waiting_rows(store, make_people(people))
    identities, nothing = InMemory(rows), rehearsal_of(cast("TableClient", _NoRows()))
    people_planner = PeoplePlanner(
        identities,
        AccountsReader(
            lambda _: cast("ZohoUsers", _NoAccounts()),
            identities,
            UnmanagedAccounts(nothing),
            AccountDecisions(nothing),
            now,
        ),
        AccountDecisions(nothing),
        Proposals(nothing),
        now,
    )
    started = time.process_time()  # nothing waits, so other programs do not matter
    people_planner.plan(store, tuple(rows))
    seconds = time.process_time() - started
    tracemalloc.start()
    plan = people_planner.plan(store, tuple(rows))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if sum(plan.counts.values()) != people:
        raise RuntimeError(f"The plan has {plan.counts}, not {people} creations")
    return PlanSize(people, seconds, peak / _MIB, kept / _MIB)


def waiting_rows(store: Store, people: list[Person]) -> dict[str, Row]:
    """Return the row of each person who waits for their creation, by id."""
    mapping, now = CompiledMapping(DEFAULT_MAPPING), datetime.now(UTC)
    context = EvaluationContext(now, random.Random(1), lambda _: False)  # noqa: S311 - a sample
    found = {}
    for each in people:
        person = from_graph(each.model_dump(mode="json", by_alias=True))
        resource = onto_scim({}, person, active=True, manager=None, custom=())
        fields = mapping.fields_for(person, None, context, store.zoho.paths.keys())
        said = SourceState(
            resource=json.dumps(resource),
            keys=keys_of(resource),
            source=person,
            desired=ZohoUser(active=True, fields=fields),
            modified=now,
        )
        mark = PendingChange(reason="He is assigned and may sign in.", before=None, begun=False, lease_ends=now)
        identity = Identity(id=each.id.replace("-", ""), object_id=each.id, said=said, pending=mark, created=now)
        found[identity.id] = rows_of(identity)[f"id:{identity.id}"]
    return found
