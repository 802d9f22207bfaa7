"""Leases by name in Table Storage: for as long as one lasts, one holder does what it stands for.

A lease is a row ``<kind>:<rest of its name>``, and stays when it is free, with a note that each holder hands to the
next. Every write is guarded by the ETag, so that of two who see it free one gets it. It ends by the clock of whoever
looks: it has to last longer than its holder may be silent, by more than two clocks differ.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, UpdateMode

from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale
from shared.tables.service import our_errors

_PARTITION = "lease"


@dataclass(frozen=True)
class Lease:
    """A lease as it was read or written."""

    name: str
    holder: str
    """A token that nobody else has; empty where the lease is free."""
    ends: datetime
    note: str
    etag: str

    def is_held(self, now: datetime) -> bool:
        """Whether somebody has it."""
        return self.holder != "" and now < self.ends


class LeaseLost(Exception):
    """It ended before it was renewed, and another has it: what it stands for is not ours to do any more."""


class Leases:
    """Takes, renews and gives back leases. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def acquire(self, name: str, lasts: timedelta, turn: Callable[[str], str | None]) -> Lease | None:
        """Take a free lease, or None where it is held or there is nothing to do. Two round trips.

        ``turn``: the note to write with it, from the note there is, which is empty at first; None gives the lease up.
        """
        now, before = self._now(), self.read(name)
        if before is not None and before.is_held(now):
            return None
        note = turn(before.note if before else "")
        if note is None:
            return None
        lease = Lease(name, secrets.token_hex(8), now + lasts, note, before.etag if before else "")
        try:
            return self._write(lease)
        except LeaseLost:
            return None

    def offer(self, name: str, note: str) -> None:
        """Write a lease that is free, for work to be begun. One round trip. Raises LeaseLost where there is one."""
        self._write(Lease(name, "", self._now(), note, ""), free=True)

    def renew(self, lease: Lease, lasts: timedelta, note: str | None = None) -> Lease:
        """Let a lease of ours last from now on, with another note if given. One round trip. Raises LeaseLost."""
        kept = lease.note if note is None else note
        return self._write(replace(lease, ends=self._now() + lasts, note=kept))

    def release(self, lease: Lease, note: str) -> None:
        """Give a lease of ours back, with a note for the next holder. One round trip. Raises LeaseLost."""
        self._write(replace(lease, ends=self._now(), note=note), free=True)

    def remove(self, lease: Lease) -> None:
        """Take a lease of ours away, with its note: nobody goes on from there. One round trip. Raises LeaseLost."""
        row = {"PartitionKey": _PARTITION, "RowKey": lease.name}
        try:
            with our_errors():
                self._table.delete_entity(row, etag=lease.etag, match_condition=MatchConditions.IfNotModified)
        except Stale:
            if self.read(lease.name) is not None:  # else the SDK sent a removal again whose answer was lost
                raise LeaseLost(lease.name) from None

    def read(self, name: str) -> Lease | None:
        """A lease, or None where nobody ever took it. One round trip."""
        with our_errors():
            try:
                row = self._table.get_entity(_PARTITION, name)
            except ResourceNotFoundError:
                return None
        return _lease(row, str(row.metadata["etag"]))

    def of_kind(self, kind: str) -> dict[str, Lease]:
        """Every lease named ``<kind>:<rest>``, by the rest. One round trip for a thousand."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end",
                parameters={"partition": _PARTITION, "start": f"{kind}:", "end": f"{kind};"},
            )
            found = [_lease(row, str(row.metadata["etag"])) for row in rows]
        return {lease.name.removeprefix(f"{kind}:"): lease for lease in found}

    def _write(self, lease: Lease, *, free: bool = False) -> Lease:
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": lease.name,
            "holder": lease.holder,
            "free": "yes" if free else "",
            "ends": lease.ends.isoformat(),
            **spread("note", lease.note),
        }
        try:
            with our_errors():
                if lease.etag:
                    written = self._table.update_entity(
                        row, mode=UpdateMode.REPLACE, etag=lease.etag, match_condition=MatchConditions.IfNotModified
                    )
                else:
                    written = self._table.create_entity(row)
        except (Stale, Conflict):
            return self._ours(row)
        return replace(lease, etag=str(written["etag"]))

    def _ours(self, row: dict[str, str]) -> Lease:
        """What stands there, if it is just what we wrote: the SDK sends a write again whose answer was lost."""
        with our_errors():
            try:
                there = self._table.get_entity(_PARTITION, row["RowKey"])
            except ResourceNotFoundError:
                raise LeaseLost(row["RowKey"]) from None
        if {name: there.get(name) for name in row} != row:
            raise LeaseLost(row["RowKey"])
        return _lease(there, str(there.metadata["etag"]))


def _lease(row: TableEntity, etag: str) -> Lease:
    ends = datetime.fromisoformat(row["ends"]).astimezone(UTC)
    holder = "" if row["free"] else row["holder"]
    return Lease(str(row["RowKey"]), holder, ends, gather(row, "note"), etag)
