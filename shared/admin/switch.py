"""Starting, observing, stopping and pausing a store's provisioning."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.admin.zoho_check import ZohoCheck, ZohoReport
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.schedule import Schedule
from shared.rules.store import Store
from shared.sync.guard.decisions import Decisions
from shared.tables.stores import Stores

_log = logging.getLogger("bridge.provisioning")

NEWEST = "newest"
"""In the place of a plan's id: whichever was observed last."""


class CannotStart(Exception):
    """The store's connection does not pass its test."""

    def __init__(self, report: ZohoReport) -> None:
        failed = report.steps[-1]
        super().__init__(f"{failed.step}: {failed.reason} {failed.cure}")
        self.report = report


class CannotObserve(Exception):
    """There is nothing to observe; the message says why."""


class AnotherPlan(Exception):
    """The plan that was shown is not the one that was observed last."""

    def __init__(self) -> None:
        super().__init__("Another plan was observed since this one was shown. Nothing was started: look at it first.")


@dataclass(frozen=True)
class Switch:
    """Starts, observes, stops and pauses. Its methods raise TablesBusy, and KeyError where the store is gone.

    Other workers see a change within half a minute. ``by``: the administrator, for the store's record of changes.
    """

    stores: Stores
    check: ZohoCheck
    decisions: Decisions
    now: Callable[[], datetime]

    def start(self, store: Store, by: str | None = None, *, shown: str | None = NEWEST) -> ZohoReport:
        """Test the connection, then let changes through, with a cycle at the next tick.

        ``shown``: id of the observed plan that the administrator saw, None if they saw none. That plan is approved: the
        first cycle applies just this plan, or holds the one of then. Raises CannotStart, AnotherPlan, and Stale where
        somebody else decided on the plan at the same time; nothing is started then.
        """
        report = self._tested(store)
        observed = self.decisions.observed(store.id)
        if shown != NEWEST and shown != (observed.held.id if observed else None):
            raise AnotherPlan
        if observed is not None:
            self.decisions.agree(observed, by or "an administrator")
        now = self.now()
        self._turn(store.id, "started", lambda schedule: schedule.started(now), by)
        return report

    def observe(self, store: Store, by: str | None = None) -> ZohoReport:
        """Test the connection, then let cycles read and plan, and write nothing in Zoho One.

        Raises CannotStart and CannotObserve, and then nothing is changed.
        """
        if store.entra is None:
            raise CannotObserve("Observing compares Microsoft Graph with Zoho One: connect Microsoft Graph first")
        report = self._tested(store)
        now = self.now()
        self._turn(store.id, "observing", lambda schedule: schedule.observing(now), by)
        return report

    def stop(self, store: Store, by: str | None = None) -> None:
        """Let no change through any more, and no cycle begin."""
        self._turn(store.id, "stopped", Schedule.stopped, by)

    def pause(self, store: Store, until: datetime, by: str | None = None) -> None:
        """Let no change through until then; it goes on by itself."""
        self._turn(store.id, "paused", lambda schedule: schedule.paused(until), by)

    def _tested(self, store: Store) -> ZohoReport:
        report = self.check(store)
        if not report.passed:
            raise CannotStart(report)
        return report

    def _turn(self, store_id: str, state: str, turned: Callable[[Schedule], Schedule], by: str | None) -> None:
        def record(before: Store, after: Store) -> AdminChange:
            changes = setting_changes(before, after)
            return AdminChange(at=self.now(), by=by or "", what=f"Provisioning {state}", changes=changes)

        self.stores.change(
            store_id,
            lambda store: store.model_copy(update={"schedule": turned(store.schedule)}),
            record if by is not None else None,
        )
        _log.info("provisioning store=%s state=%s", store_id, state)
