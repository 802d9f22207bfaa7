"""A release reads what the one before wrote: every kind of row that b951b69 had, and the key it is written under.

rows_of_b951b69.json holds rows of every table and kind that b951b69 had. They were recorded while b951b69's own tests
ran against Azurite: of each form of row key, the rows in which a column, a JSON field or an enum value came first.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from shared.rules.history import Event, EventKind
from shared.rules.job import Job
from shared.rules.mail.due import MailDue
from shared.rules.mapping.draft import Draft
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.plan import Plan
from shared.rules.run import Run
from shared.sync.cycle_note import CycleNote
from shared.tables.claims import Lookup, claim
from shared.tables.connections import Connections
from shared.tables.consents import Asked
from shared.tables.entity_text import gather
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import EntraScope
from shared.tables.group_rows import group_from, member_rows
from shared.tables.group_rows import rows_of as rows_of_group
from shared.tables.groups import GroupLookup, Groups
from shared.tables.held_plans import HeldPlans
from shared.tables.identities import Identities
from shared.tables.identity_rows import (
    MembershipUpdate,
    arrival_key,
    event_row,
    mail_row,
    membership_update_row,
    rows_of,
    stored_from,
)
from shared.tables.jobs import Jobs
from shared.tables.leases import Leases
from shared.tables.mails import Mails
from shared.tables.mappings import Mappings
from shared.tables.membership_updates import MembershipUpdates
from shared.tables.pending import PendingChanges
from shared.tables.recent_deprovisionings import DeprovisioningCounts
from shared.tables.record_table import Row
from shared.tables.rehearsal import rehearsal_of
from shared.tables.runs import Runs
from shared.tables.secrets import Secrets
from shared.tables.seen_pages import SeenPages
from shared.tables.stores import Stores

STORED: dict[str, dict[str, list[Row]]] = json.loads(Path(__file__).with_name("rows_of_b951b69.json").read_text())
"""The rows by table, and by the form of their key."""
KEY = urlsafe_b64encode(b"rows of b951b69 in a test, no se").decode()
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

type Read = Callable[[TableClient, Row], object]
"""Reads a row that is alone in its table; its answer is false where the row is not understood."""


class _Empty:
    """A table without rows."""

    def get_entity(self, *_: object, **__: object) -> None:
        raise ResourceNotFoundError

    def query_entities(self, *_: object, **__: object) -> Iterator[Any]:
        return iter(())


def _table(*rows: Row) -> TableClient:
    table = rehearsal_of(cast("TableClient", _Empty()))
    for row in rows:
        table.upsert_entity(row)
    return table


def _identity(table: TableClient, row: Row) -> bool:
    """Whether today's rows of it say the same, in every column that b951b69 wrote."""
    stored = Identities(table).read(row["PartitionKey"], row["id"])
    assert stored is not None
    again = rows_of(stored.identity)[row["RowKey"]]
    assert set(row) - set(again) <= {"PartitionKey", "RowKey"}
    return stored_from(again, "").identity == stored.identity


def _found_by_name(table: TableClient, row: Row) -> bool:
    if "resource" not in row:  # a claim that is given up when Zoho One has confirmed
        return "id" in row
    name = json.loads(gather(row, "resource"))["userName"]
    return [found.id for found in Identities(table).find(row["PartitionKey"], Lookup.USER_NAME, name)] == [row["id"]]


def _found_by_external_id(table: TableClient, row: Row) -> bool:
    value = json.loads(gather(row, "resource"))["externalId"]
    return [each.id for each in Identities(table).find(row["PartitionKey"], Lookup.EXTERNAL_ID, value)] == [row["id"]]


def _found_by_address(table: TableClient, row: Row) -> bool:
    emails = json.loads(gather(row, "resource"))["emails"]
    found = [Identities(table).find(row["PartitionKey"], Lookup.EMAIL, email["value"]) for email in emails]
    return [each.id for some in found for each in some] == [row["id"]]


def _account(table: TableClient, row: Row) -> bool:
    record = Identities(table).record_of(row["PartitionKey"], row["account"], asks=row.get("id", ""))
    assert record is not None
    return (record.owner, record.deactivated_by) == (row.get("id"), row.get("deactivatedBy"))


def _listed(table: TableClient, row: Row) -> bool:
    text = row["RowKey"].removeprefix("name:").rpartition(":")[0]
    return [each.id for each in Identities(table).search(row["PartitionKey"], text, 5)] == [row["id"]]


def _pending(table: TableClient, row: Row) -> bool:
    waiting = PendingChanges(table).waiting(row["PartitionKey"])
    if row["RowKey"].startswith("pending:manager:"):
        return waiting.arrived == (row["id"],)
    return waiting.people == (row["id"],) and len(Identities(table).waiting(row["PartitionKey"], 1)) == 1


def _group(table: TableClient, row: Row) -> bool:
    stored = Groups(table).read(row["PartitionKey"], row["id"])
    assert stored is not None
    again = rows_of_group(stored.group)[row["RowKey"]]
    return group_from(again, "").group == stored.group


def _group_found(table: TableClient, row: Row) -> bool:
    if "resource" not in row:
        return "id" in row
    resource = json.loads(gather(row, "resource"))
    by_name = row["RowKey"].startswith("groupName:")
    lookup, name = (GroupLookup.NAME, "displayName") if by_name else (GroupLookup.EXTERNAL_ID, "externalId")
    return [found.id for found in Groups(table).find(row["PartitionKey"], lookup, resource[name])] == [row["id"]]


def _event(table: TableClient, row: Row) -> bool:
    return len(Identities(table).history(row["PartitionKey"], row["RowKey"].split(":")[1])) == 1


def _part(_: TableClient, row: Row) -> bool:
    plan = Plan.model_validate_json(gather(row, "part"))
    return bool(plan.changes or plan.suppressed or plan.groups)


def _lease(table: TableClient, row: Row) -> bool:
    lease = Leases(table, lambda: NOON).read(row["RowKey"])
    assert lease is not None
    if lease.note:
        assert CycleNote.model_validate_json(Secrets(table, KEY).opened(lease.note))
    return True


def _look(table: TableClient, row: Row) -> bool:
    (look,) = EntraGroups(table).looks(row["PartitionKey"])
    return look.keys == (row["RowKey"],)


def _grant(table: TableClient, row: Row) -> bool:
    kind, first, second = row["RowKey"].split(":")
    scope, store = EntraScope(table), row["PartitionKey"]
    return list(scope.by_what(store, first) if kind == "has" else scope.of(store, first)) == [second]


READS: dict[str, dict[str, Read]] = {
    "consents": {"<hash>": lambda _, row: Asked.model_validate_json(row["asked"])},
    "entra": {
        "again:<object>": lambda table, row: list(EntraScope(table).marked(row["PartitionKey"])),
        "group:<object>": lambda table, row: list(EntraGroups(table).all(row["PartitionKey"])),
        "has:<object>:-": _grant,
        "has:<object>:<object>": _grant,
        "look:<object>:-": _look,
        "look:<object>:<object>": _look,
        "look:<object>:all": _look,
        "of:-:<object>": _grant,
        "of:<object>:<object>": _grant,
        "seen:<number>": lambda table, row: list(SeenPages(table).everybody(row["PartitionKey"])),
    },
    "errands": {
        "errand:<time>": lambda table, row: Jobs(table).newest(row["PartitionKey"]),
        "part:<time>:<number>": _part,
        "shown:<time>:<number>": _part,
    },
    "heldplans": {
        "part:<time>:<number>": _part,
        "plan:<time>": lambda table, row: HeldPlans(table).newest(row["PartitionKey"]),
    },
    "identities": {
        "awaits:<hash>:<id>": lambda _, row: row["RowKey"].endswith(row["id"]),
        "email:<hash>:<id>": _found_by_address,
        "entra:<hash>": lambda table, row: (
            Identities(table).id_of_object(row["PartitionKey"], row["objectId"]) == row["id"]
        ),
        "event:<id>:<time>": _event,
        "externalId:<hash>:<id>": _found_by_external_id,
        "group:<id>": _group,
        "groupExternalId:<hash>:<id>": _group_found,
        "groupName:<hash>": _group_found,
        "id:<id>": _identity,
        "leavings": lambda table, row: DeprovisioningCounts(table).read(row["PartitionKey"]).etag,
        "mail:<id>": lambda table, row: list(Mails(table).waiting(row["PartitionKey"])),
        "member:<id>:<id>": lambda table, row: (
            list(Groups(table).members(row["PartitionKey"], row["RowKey"].split(":")[1])) == [row["id"]]
        ),
        "memberOf:<id>:<id>": lambda table, row: (
            Groups(table).of_person(row["PartitionKey"], row["RowKey"].split(":")[1]) == [row["id"]]
        ),
        "name:<text>:<id>": _listed,
        "pending:<id>": _pending,
        "pending:manager:<id>": _pending,
        "pendingGroup:<id>": lambda table, row: Groups(table).pending(row["PartitionKey"]) == [row["id"]],
        "regroup:<id>": lambda table, row: list(MembershipUpdates(table).waiting(row["PartitionKey"])),
        "userName:<hash>": _found_by_name,
        "zoho:<hash>": _account,
        "zohoGroup:<hash>": lambda _, row: row["id"],
    },
    "leases": {"cycle:<store>": _lease},
    "mappings": {
        "current": lambda table, row: Mappings(table).compiled(row["PartitionKey"]),
        "draft:<hash>": lambda _, row: Draft.model_validate_json(gather(row, "draft")),
        "version:<number>": lambda table, row: Mappings(table).version(row["PartitionKey"], int(row["RowKey"][8:])),
    },
    "runs": {
        "change:<time>:<number>": lambda table, row: Runs(table).changes(
            row["PartitionKey"], row["RowKey"].split(":")[1]
        ),
        "run:<time>": lambda table, row: Runs(table).newest(row["PartitionKey"]),
    },
    "secrets": {
        "client-secret": lambda table, row: Secrets(table, KEY).get(row["PartitionKey"], row["RowKey"]),
        "connection": lambda table, row: Connections(table, Secrets(table, KEY)).read(row["PartitionKey"]),
        "entra-secret": lambda table, row: Secrets(table, KEY).get(row["PartitionKey"], row["RowKey"]),
    },
    "stores": {
        "<store>": lambda table, row: Stores(table).read(row["RowKey"]),
        "~<store>:<time>": lambda table, row: Stores(table).records(row["RowKey"][1:].partition(":")[0], 5),
    },
}
"""How each kind of row that b951b69 had is read today, by table and form of key."""


def test_every_kind_of_row_is_there() -> None:
    assert {table: set(forms) for table, forms in STORED.items()} == {
        table: set(reads) for table, reads in READS.items()
    }


@pytest.mark.parametrize(
    ("table", "form"), [pytest.param(table, form, id=f"{table} {form}") for table in READS for form in READS[table]]
)
def test_each_is_read(table: str, form: str) -> None:
    for row in STORED[table][form]:
        assert READS[table][form](_table(row), row), row["RowKey"]


def test_what_is_written_today_has_the_same_keys() -> None:
    written = set[str]()
    for row in STORED["identities"]["id:<id>"]:
        written |= set(rows_of(stored_from(row, "").identity))
    for row in STORED["identities"]["group:<id>"]:
        written |= set(rows_of_group(group_from(row, "").group))
    some = "a" * 32
    due = MailDue.model_validate_json(gather(STORED["identities"]["mail:<id>"][0], "mail"))
    alone = [mail_row("s", some, due), membership_update_row("s", MembershipUpdate(some, "a test"))]
    alone.append(event_row("s", some, Event(at=NOON, kind=EventKind.UPDATED, reason="")))
    written |= {row["RowKey"] for row in alone} | {arrival_key(some), *member_rows(some, [some])}
    assert {key.partition(":")[0] for key in written} >= {
        form.partition(":")[0] for form in STORED["identities"] if form != "leavings"
    }


def test_runs_jobs_leases_stores_and_versions_are_written_under_their_keys() -> None:
    for row in STORED["runs"]["run:<time>"]:
        table = _table()
        Runs(table).put(Run.model_validate_json(gather(row, "run")))
        assert table.get_entity(row["PartitionKey"], row["RowKey"])
    for row in STORED["errands"]["errand:<time>"]:
        table = _table()
        Jobs(table).put(Job.model_validate_json(gather(row, "errand")))
        assert table.get_entity(row["PartitionKey"], row["RowKey"])
    for row in STORED["stores"]["<store>"]:
        store, table = Stores(_table(row)).read(row["RowKey"]), _table()
        assert store is not None
        Stores(table).put(store)
        assert table.get_entity(row["PartitionKey"], row["RowKey"])
    table = _table()
    assert Leases(table, lambda: NOON).read("cycle:contoso") is None
    Leases(table, lambda: NOON).offer("cycle:contoso", "")
    assert table.get_entity("lease", "cycle:contoso")
    Mappings(table).save("contoso", DEFAULT_MAPPING, based_on=0, by="an admin", at=NOON, why="a test")
    assert table.get_entity("contoso", "version:00000001")
    assert table.get_entity("contoso", "current")


def test_claims_are_the_same_hashes() -> None:
    for row in STORED["identities"]["entra:<hash>"]:
        assert claim("entra", row["objectId"]) == row["RowKey"]
    for row in STORED["identities"]["zoho:<hash>"]:
        assert claim("zoho", row["account"]) == row["RowKey"]
