"""A store whose people are known and settled already: the app's own reading of Graph, with its writes gathered.

Each person's rows are those that the app would have written, but for the history of how he came.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import batched
from threading import Lock
from typing import override

from azure.data.tables import TableClient

from local.bench.cycle_scene import CycleScene
from local.parts import STORE
from shared.rules.desired import rules_of
from shared.rules.entra_connection import Scope
from shared.rules.history import Event
from shared.rules.identity import Account, Identity
from shared.rules.mail.due import MailDue
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoUser, to_scim
from shared.sync.cycle_note import CycleNote, lease_name, opened, sealed
from shared.sync.source.reading_progress import ReadingCheckpoint, asked_for
from shared.tables.entra_scope import EntraScope
from shared.tables.heartbeat import LASTS
from shared.tables.identities import Identities
from shared.tables.identity_rows import AccountRecord, MembershipUpdate, Row, Stored, rows_of
from shared.tables.leases import Leases
from shared.tables.portions import portions
from shared.tables.service import connect

PORTION = 500
"""People whose accounts are added at once."""
PAGE = 5_000
"""People in a page of the simulated Graph's, which has 200 while it is measured: its latency is not seeded."""
AT_ONCE = 3
"""Portions under way, so that Azurite and the simulated Zoho One both have work."""


class _Gathered(Identities):
    """Identities of a new store, settled and written a portion at a time."""

    def __init__(self, table: TableClient, settlement: Callable[[list[Identity]], list[Identity]]) -> None:
        super().__init__(table)
        self._settle = settlement
        self._waiting: list[Identity] = []
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._under_way: list[Future[None]] = []

    @override
    def object_ids(self, store: str) -> Iterator[str]:
        """Of nobody whom Graph might not have named."""
        return iter(())

    @override
    def write(
        self,
        store: str,
        before: Stored | None,
        after: Identity,
        event: Event | None = None,
        over: AccountRecord | None = None,
        mail: MailDue | None = None,
        *,
        arrived: bool = False,
        membership_update: MembershipUpdate | None = None,
    ) -> Stored:
        """Gather an identity that is not there yet."""
        with self._lock:
            self._waiting.append(after)
            if len(self._waiting) == PORTION:
                self._hand_over(store)
        return Stored(after, etag="")

    def end(self, store: str) -> None:
        """Write the rest, and wait until all are written."""
        self._hand_over(store)
        self._pool.shutdown()
        for each in self._under_way:
            each.result()

    def _hand_over(self, store: str) -> None:
        people, self._waiting = self._waiting, []
        self._under_way.append(self._pool.submit(self._put, store, people))

    def _put(self, store: str, people: list[Identity]) -> None:
        rows = [_keyed(store, key, row) for each in self._settle(people) for key, row in rows_of(each).items()]
        for portion in portions(sorted(rows, key=lambda row: row["RowKey"])):
            self._table.submit_transaction([("create", row) for row in portion])


def seed(scene: CycleScene) -> Store:
    """Let the store know everybody in Entra as a cycle would have left him; it reads assigned users and groups."""
    store, bridge = scene.connect(Scope.ASSIGNED), scene.bridge
    identities = _Gathered(bridge.table("identities"), lambda people: _settled(scene, people))
    scope = EntraScope(bridge.table("entra"))
    people_reader = bridge.reconciler.cycles.people_reader
    people_reader = replace(
        people_reader, identities=identities, source=replace(people_reader.source, identities=identities), scope=scope
    )
    scene.set_page_size(PAGE)
    graph = bridge.reconciler.graphs.of(store)
    progress, troubles = people_reader.read(
        store, graph, ReadingCheckpoint(), lambda _: None, lambda: None, lambda: None
    )
    identities.end(STORE)
    scene.set_page_size(200)
    if troubles:
        raise RuntimeError(f"A person could not be seeded: {troubles[0]}")
    rules = rules_of(store, bridge.mappings.compiled(STORE))
    now = datetime.now(UTC)
    _leave_note(scene, CycleNote(reading=progress.model_copy(update={"rules": rules, "checked": rules}), last_full=now))
    bridge.leavings.change(STORE, lambda recent: recent.counted(progress.people, now))
    return store


def follow(scene: CycleScene, scope: Scope) -> None:
    """Let the store go on with another scope as if it had always had it: everybody is in both."""
    store, leases = scene.connect(scope), _leases(scene)
    lease = leases.read(lease_name(STORE))
    assert lease is not None  # it was seeded
    note = opened(lease.note, scene.bridge.secrets, store.incarnation)
    reading = note.reading.model_copy(update={"about": asked_for(store)})
    _leave_note(scene, note.model_copy(update={"reading": reading}))


def put_into_groups(scene: CycleScene, ids: list[str], groups: int) -> list[str]:
    """Assign everybody by groups instead of one by one; the groups' ids."""
    names = [f"00000000-0000-4000-8000-{number:012d}" for number in range(groups)]
    scene.act([{"do": "unassign", "id": each} for each in ids])
    for name, members in zip(names, batched(ids, -(-len(ids) // groups), strict=False), strict=False):
        scene.act([{"do": "put group", "id": name, "members": members}, {"do": "assign group", "id": name}])
    return names


def _settled(scene: CycleScene, people: list[Identity]) -> list[Identity]:
    """People with their accounts, which Zoho One has from now on."""
    store = scene.bridge.stores.get(STORE)
    assert store is not None  # it is the one that is seeded
    desired = [each.said.desired for each in people]
    wanted = [each for each in desired if isinstance(each, ZohoUser)]
    assert len(wanted) == len(people)  # the simulated Entra begins with nobody disabled
    ids = scene.add_accounts([to_scim(each, store.zoho.paths) for each in wanted])
    accounts = [Account(id=each, holds=holds) for each, holds in zip(ids, wanted, strict=True)]
    return [each.settled(account) for each, account in zip(people, accounts, strict=True)]


def _leave_note(scene: CycleScene, note: CycleNote) -> None:
    leases, text = _leases(scene), sealed(note, scene.bridge.secrets)
    lease = leases.acquire(lease_name(STORE), LASTS, lambda _: text)
    assert lease is not None  # nobody else is there
    leases.release(lease, text)


def _leases(scene: CycleScene) -> Leases:
    service = connect(scene.tables.azurite.connection_string)
    return Leases(service.get_table_client("leases"), lambda: datetime.now(UTC))


def _keyed(store: str, key: str, row: Row) -> Row:
    return {"PartitionKey": store, "RowKey": key} | row
