"""The life cycle of a pending change, the same for people and groups: mark → call → confirm | revert | give back.

1. *Mark*: one transaction writes what is about to be done as pending, with a lease for one writer.
2. *Call*: Zoho One is called.
3. One transaction writes what came of it, and ends the lease:
   *confirm*, with the history, where Zoho One did it;
   *revert*, where Zoho One refused: what was there before is restored, or the change waits for its next try;
   *give back*, where Zoho One had no answer or the guard held the change back: it stays pending.

A process that dies before the mark has done nothing. One that dies after it leaves the change pending: its lease ends,
and the next writer asks Zoho One what it holds before the call is repeated. One that dies after step 3 has done all
but what ``_after`` does, which is written down for later in the same transaction.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from shared.model import Model
from shared.rules.change import ChangeKind
from shared.rules.history import Event, EventKind
from shared.rules.pending import Managed, Pending, Refusals
from shared.rules.store import Store
from shared.sync.errors import BeingWritten, HeldBack, PushError, Refused
from shared.tables.errors import Conflict
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoRefused

EVENTS = {
    ChangeKind.NOTHING: EventKind.RECORDED,
    ChangeKind.CREATE: EventKind.CREATED,
    ChangeKind.UPDATE: EventKind.UPDATED,
    ChangeKind.DEACTIVATE: EventKind.DEACTIVATED,
    ChangeKind.REACTIVATE: EventKind.REACTIVATED,
    ChangeKind.DELETE: EventKind.DELETED,
}


@dataclass(frozen=True, kw_only=True)
class Settlement[Try, Outcome, Confirmed](ABC):
    """Settles pending changes. ``Try``: one try at a change, whose lease the caller holds.

    Its methods raise PushError, ZohoBusy and ZohoCredentials (the change stays pending), TablesBusy, and Stale where
    the lease ended and another writer was there.
    """

    OF_ANOTHER: ClassVar[str]
    """The refusal where Zoho One's account or group turns out to be another's."""

    now: Callable[[], datetime]
    spread: Callable[[], float]
    """A random number from 0 to 1."""
    lease: timedelta
    """Time that one writer may take with one change; longer than its calls to Zoho One and the tables together."""

    def event(self, kind: EventKind, reason: str) -> Event:
        """A line of the history, with the time of now."""
        return Event(at=self.now(), kind=kind, reason=reason)

    def ensure_free[C: Pending[Any], A: Model](self, managed: Managed[C, A]) -> None:
        """Raise BeingWritten while another writer has the lease."""
        if (until := managed.leased_until(self.now())) is not None:
            raise BeingWritten(until)

    def ensure_joinable[C: Pending[Any], A: Model](self, holder: Managed[C, A] | None, taken: PushError) -> None:
        """Raise ``taken`` unless ``holder`` of a name is still being created, so that the same creation may join it.

        Raises BeingWritten while another writer is there, or where the name was given up a moment ago.
        """
        if holder is None:
            raise BeingWritten(self.now())
        if not holder.is_being_created:
            raise taken
        self.ensure_free(holder)

    def _settle(self, store: Store, this: Try) -> Confirmed:
        """Call Zoho One for a change, whose lease the caller holds, and write what came of it."""
        try:
            outcome = self._call(store, this)
        except ZohoRefused as refusal:
            self._revert(store, this, refusal, came_through=False)
            raise Refused(f"Zoho One refused: {refusal}") from refusal
        except (ZohoBusy, ZohoCredentials, HeldBack) as failure:
            self._give_back(store, this, str(failure))
            raise
        try:
            confirmed = self._confirm(store, this, outcome)
        except Conflict:
            another = ZohoRefused(self.OF_ANOTHER)
            self._revert(store, this, another, came_through=True)
            raise Refused(f"Zoho One refused: {another}") from another
        self._after(store, this, outcome, confirmed)
        return confirmed

    def _leased[C: Pending[Any]](self, change: C) -> C:
        """The change with a lease for the caller."""
        return change.leased(secrets.token_hex(8), self.now() + self.lease)

    def _refusal_event(
        self, before: Refusals | None, told_before: str | None, after: Refusals, refusal: str
    ) -> Event | None:
        """The line for a refused change that is kept: once for a reason, and once more when the change is parked."""
        if after.is_parked and not (before is not None and before.is_parked):
            return self.event(EventKind.PARKED, f"Refused {after.refusals} times, now tried once a day: {refusal}")
        return self.event(EventKind.REFUSED, refusal) if refusal != told_before else None

    @abstractmethod
    def _call(self, store: Store, this: Try) -> Outcome:
        """Call Zoho One. Raises ZohoRefused, ZohoBusy, ZohoCredentials and HeldBack."""

    @abstractmethod
    def _confirm(self, store: Store, this: Try, outcome: Outcome) -> Confirmed:
        """Write what Zoho One confirmed, with the history. Raises Conflict where its account or group is another's."""

    @abstractmethod
    def _revert(self, store: Store, this: Try, refusal: ZohoRefused, *, came_through: bool) -> None:
        """Restore what was there before, or keep the change for its next try.

        ``came_through``: the call was no refusal, but what it did cannot be kept.
        """

    @abstractmethod
    def _give_back(self, store: Store, this: Try, failure: str) -> None:
        """End the lease; the change stays pending, and the next try need not wait."""

    @abstractmethod
    def _after(self, store: Store, this: Try, outcome: Outcome, confirmed: Confirmed) -> None:
        """Do what follows at once from what was confirmed. Raises nothing that could reach Entra."""
