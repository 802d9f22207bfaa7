"""Starting, stopping and pausing a store's provisioning."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.admin.zoho_check import ZohoCheck, ZohoReport
from shared.rules.admin_change import AdminChange, setting_changes
from shared.rules.schedule import Schedule
from shared.rules.store import Store
from shared.tables.stores import Stores

_log = logging.getLogger("bridge.provisioning")


class CannotStart(Exception):
    """The store's connection does not pass its test."""

    def __init__(self, report: ZohoReport) -> None:
        failed = report.steps[-1]
        super().__init__(f"{failed.step}: {failed.reason} {failed.cure}")
        self.report = report


@dataclass(frozen=True)
class Switch:
    """Starts, stops and pauses. Its methods raise TablesBusy, and KeyError where the store is gone.

    Other workers see a change within half a minute.
    """

    stores: Stores
    check: ZohoCheck
    now: Callable[[], datetime]

    def start(self, store: Store, by: str | None = None) -> ZohoReport:
        """Test the connection, then let changes through, with a cycle at the next tick.

        ``by``: the administrator, for the store's record of changes. Raises CannotStart, and then nothing is changed.
        """
        report = self.check(store)
        if not report.passed:
            raise CannotStart(report)
        now = self.now()
        self._turn(store.id, "started", lambda schedule: schedule.started(now), by)
        return report

    def stop(self, store: Store, by: str | None = None) -> None:
        """Let no change through any more."""
        self._turn(store.id, "stopped", Schedule.stopped, by)

    def pause(self, store: Store, until: datetime, by: str | None = None) -> None:
        """Let no change through until then; it goes on by itself."""
        self._turn(store.id, "paused", lambda schedule: schedule.paused(until), by)

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
