"""The rows of Table Storage that make up a group and its members.

They stand in the partition of their store, beside those of its people; the row keys are

================================  ============================================================
``group:<id>``                    the group, without its members
``groupName:<hash>``              whose displayName this is: unique, in any letter case
``groupExternalId:<hash>:<id>``   who has this externalId
``zohoGroup:<hash>``              whose group in Zoho One this is: unique
``pendingGroup:<id>``             not confirmed by Zoho One yet, or members left to clear away
``pending:group:<id>``            its deletion waits for a decision; among the marks of people, so that a cycle
                                  finds both in one round trip
``member:<group>:<person>``       Entra says that he is a member
``memberOf:<person>:<group>``     the same, to be found from his side
``regroup:<person>``              his account came or went, and his groups have yet to follow
``deletedGroups``                 how many groups were deleted lately, for the guard
``event:<id>:<time>``             history, newest first, as people have it
================================  ============================================================

Both rows of a membership are written only by who holds the group's lease, so that of two who see a person and a group
at the same time the later one sees what the earlier wrote.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from shared.model import HIDDEN
from shared.rules.groups.group import Group, GroupPendingChange, GroupSourceState, ZohoGroupRecord
from shared.rules.groups.hold import Allowance, HeldMembers
from shared.rules.groups.refusal import GroupRefusal
from shared.rules.minute_counts import MinuteCounts
from shared.rules.user_name import folded
from shared.tables.entity_text import gather, spread
from shared.tables.identity_rows import Row, claim

_DICT = TypeAdapter[dict[str, object]](dict[str, object], config=HIDDEN)

HELD = "group:"
"""In the key of a pending mark, before the id of a group whose deletion waits for a decision."""

GROUP_COLUMNS = ("RowKey", "id", "created", "modified", *("resource", *(f"resource_{i}" for i in range(1, 8))))
"""What a SCIM read needs of a group."""


@dataclass(frozen=True)
class StoredGroup:
    """A group as it was read or written, with the ETag that guards the next write."""

    group: Group
    etag: str


def rows_of(group: Group) -> dict[str, Row]:
    """Every row a group has, by row key; without its members."""
    said, pending = group.said, group.pending
    shown = shown_row(group)
    rows: dict[str, Row] = {
        f"group:{group.id}": {
            **shown,
            "size": str(group.size),
            **({"recent": group.recent.model_dump_json()} if group.recent.by_minute else {}),
            **(spread("held", group.held.model_dump_json()) if group.held else {}),
            **(spread("allowance", group.allowed.model_dump_json()) if group.allowed else {}),
            **(spread("refusal", group.refusal.model_dump_json()) if group.refusal else {}),
            **spread("said", said.model_dump_json(exclude={"resource"})),
            **(spread("account", group.account.model_dump_json()) if group.account else {}),
            **(spread("pending", pending.model_dump_json(exclude_defaults=True)) if pending else {}),
        }
    }
    if pending is not None and pending.before is not None:
        # Given up only once Zoho One has confirmed, as a person's userName.
        rows[name_key(pending.before.display_name)] = {"id": group.id}
    rows[name_key(said.display_name)] = shown
    if said.external_id:
        rows[f"{claim('groupExternalId', said.external_id)}:{group.id}"] = shown
    if group.account is not None:
        rows[claim("zohoGroup", group.account.id)] = {"id": group.id}
    if group.awaits_decision:
        rows[f"pending:{HELD}{group.id}"] = {"id": group.id}
    if pending is not None:
        rows[f"pendingGroup:{group.id}"] = {"id": group.id, "reason": pending.reason}
    return rows


def shown_row(group: Group) -> Row:
    """What a SCIM read of the group, without members, needs."""
    return {
        "id": group.id,
        "created": group.created.isoformat(),
        "modified": group.said.modified.isoformat(),
        **spread("resource", group.said.resource),
    }


def group_from(row: Row, etag: str) -> StoredGroup:
    said = _DICT.validate_json(gather(row, "said")) | {"resource": gather(row, "resource")}
    group = Group(
        id=row["id"],
        said=GroupSourceState.model_validate(said),
        size=int(row["size"]),
        recent=MinuteCounts.model_validate_json(row["recent"]) if "recent" in row else MinuteCounts(),
        held=HeldMembers.model_validate_json(gather(row, "held")) if "held" in row else None,
        # ``allowedUntil`` of earlier releases allowed whatever was sent; it is not read any more.
        allowed=Allowance.model_validate_json(gather(row, "allowance")) if "allowance" in row else None,
        refusal=GroupRefusal.model_validate_json(gather(row, "refusal")) if "refusal" in row else None,
        account=ZohoGroupRecord.model_validate_json(gather(row, "account")) if "account" in row else None,
        pending=GroupPendingChange.model_validate_json(gather(row, "pending")) if "pending" in row else None,
        created=datetime.fromisoformat(row["created"]),
    )
    return StoredGroup(group, etag)


def name_key(display_name: str) -> str:
    """The row key for a group's name: the same in any letter case."""
    return claim("groupName", folded(display_name))


def member_rows(group_id: str, people: Iterable[str]) -> dict[str, Row]:
    """Both rows of each membership: first all that are found from a person's side, then all from the group's."""
    people = list(people)
    of_people: dict[str, Row] = {f"memberOf:{one}:{group_id}": {"id": group_id} for one in people}
    return of_people | {f"member:{group_id}:{one}": {"id": one} for one in people}
