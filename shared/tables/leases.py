"""Named leases in Table Storage: while one lasts, only its holder does the work that it stands for.

A lease is a row ``<kind>:<rest of its name>``. It stays when it is free, with a note that each holder leaves for the
next. Every write is guarded by the ETag, so that of two callers who see it free one gets it. It expires by the reader's
clock, so it must last longer than its holder may be silent, by more than two clocks differ.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from azure.data.tables import TableClient

from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, Stale
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, keyed

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
        """Whether somebody holds it."""
        return self.holder != "" and now < self.ends


class LeaseLost(Exception):
    """The lease expired before it was renewed, and another process has it: its work belongs to that one."""


class Leases(RecordTable):
    """Acquires, renews and releases leases. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, now: Callable[[], datetime]) -> None:
        super().__init__(table)
        self._now = now

    def acquire(self, name: str, lasts: timedelta, turn: Callable[[str], str | None]) -> Lease | None:
        """Acquire a free lease, or return None where it is held or there is nothing to do. Two round trips.

        ``turn``: returns the note to write, from the present note, which is empty at first; None releases the lease.
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
        """Create a free lease for work to be begun. One round trip. Raises LeaseLost where it exists."""
        self._write(Lease(name, "", self._now(), note, ""), free=True)

    def renew(self, lease: Lease, lasts: timedelta, note: str | None = None) -> Lease:
        """Renew this process's lease from now on, with another note if given. One round trip. Raises LeaseLost."""
        kept = lease.note if note is None else note
        return self._write(replace(lease, ends=self._now() + lasts, note=kept))

    def release(self, lease: Lease, note: str) -> None:
        """Release this process's lease, with a note for the next holder. One round trip. Raises LeaseLost."""
        self._write(replace(lease, ends=self._now(), note=note), free=True)

    def remove(self, lease: Lease) -> None:
        """Delete this process's lease with its note, so that nobody continues from it. One round trip. Raises
        LeaseLost.
        """
        try:
            self._delete(_PARTITION, lease.name, lease.etag)
        except Stale:
            if self.read(lease.name) is not None:  # otherwise the SDK repeated a deletion whose answer was lost
                raise LeaseLost(lease.name) from None

    def read(self, name: str) -> Lease | None:
        """Return a lease, or None where it does not exist. One round trip."""
        found = self._get(_PARTITION, name)
        return _lease(*found) if found else None

    def of_kind(self, kind: str) -> dict[str, Lease]:
        """Return every lease named ``<kind>:<rest>``, by the rest. One round trip for a thousand."""
        found = [_lease(row, etag) for row, etag in self._range(_PARTITION, f"{kind}:", kind + AFTER_ALL)]
        return {lease.name.removeprefix(f"{kind}:"): lease for lease in found}

    def _write(self, lease: Lease, *, free: bool = False) -> Lease:
        row = {"holder": lease.holder, "free": "yes" if free else "", "ends": lease.ends.isoformat()}
        row = keyed(_PARTITION, lease.name, row | spread("note", lease.note))
        try:
            etag = self._update(row, lease.etag) if lease.etag else self._create(row)
        except (Stale, Conflict):
            return self._ours(row)
        return replace(lease, etag=etag)

    def _ours(self, row: Row) -> Lease:
        """Return the stored lease if it is exactly what was written: the SDK repeats a write whose answer was lost."""
        there = self._get(_PARTITION, row["RowKey"])
        if there is None or {name: there[0].get(name) for name in row} != row:
            raise LeaseLost(row["RowKey"])
        return _lease(*there)


def _lease(row: Row, etag: str) -> Lease:
    ends = datetime.fromisoformat(row["ends"]).astimezone(UTC)
    holder = "" if row["free"] else row["holder"]
    return Lease(row["RowKey"], holder, ends, gather(row, "note"), etag)
