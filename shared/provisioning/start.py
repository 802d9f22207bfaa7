"""Starting and stopping a store's provisioning."""

from dataclasses import dataclass

from shared.directory.store import Provisioning, Store
from shared.provisioning.connection_check import ConnectionCheck, ConnectionReport
from shared.tables.stores import Stores


class CannotStart(Exception):
    """The store's connection does not pass its test."""

    def __init__(self, report: ConnectionReport) -> None:
        failed = report.steps[-1]
        super().__init__(f"{failed.step}: {failed.reason} {failed.cure}")
        self.report = report


@dataclass(frozen=True)
class Switch:
    """Starts and stops. Both methods raise TablesBusy, and KeyError where the store is gone."""

    stores: Stores
    check: ConnectionCheck

    def start(self, store: Store) -> ConnectionReport:
        """Test the connection, then let changes through. Raises CannotStart, and then nothing is changed."""
        report = self.check(store)
        if not report.passed:
            raise CannotStart(report)
        self._turn(store.id, Provisioning.STARTED)
        return report

    def stop(self, store: Store) -> None:
        """Let no change through any more; other workers see it within half a minute."""
        self._turn(store.id, Provisioning.STOPPED)

    def _turn(self, store_id: str, provisioning: Provisioning) -> None:
        self.stores.change(store_id, lambda store: store.model_copy(update={"provisioning": provisioning}))
