"""Standing of a directory store: what the list, the overview and the status page show of it."""

from dataclasses import dataclass
from datetime import datetime

from shared.console.context import (
    parts,
)
from shared.rules.held_plan import HeldPlan
from shared.rules.quarantine import forecast
from shared.rules.run import Run, RunKind, RunState
from shared.rules.schedule import next_due, no_cycle
from shared.rules.store import Store
from shared.rules.store_state import StoreState, store_state
from shared.sync.cycles import CycleStanding
from shared.tables.connections import Connection, ConnectionState

SPARK = 30
"""Runs in a sparkline."""


@dataclass(frozen=True)
class StoreStanding:
    """Standing of a store, as the list and the overview show it."""

    store: Store
    connection: Connection
    plan: HeldPlan | None
    runs: list[Run]
    people: tuple[int, bool]
    groups: tuple[int, bool]
    cycles: CycleStanding
    now: datetime

    @property
    def state(self) -> StoreState:
        """State in one word."""
        reconnect = self.connection.state is ConnectionState.RECONNECT
        interrupted = self.cycles.interrupted is not None
        return store_state(
            self.store, self.plan, self._last_ended, self.now, reconnect=reconnect, interrupted=interrupted
        )

    @property
    def last_cycle(self) -> Run | None:
        """The cycle that started last."""
        return next((run for run in self.runs if run.kind is not RunKind.ON_DEMAND), None)

    @property
    def _last_ended(self) -> Run | None:
        """The cycle that ended last. One that ended before the store was connected again says nothing about it now."""
        ended = (run for run in self.runs if run.kind is not RunKind.ON_DEMAND and run.state is not RunState.RUNNING)
        last, since = next(ended, None), self.connection.since
        return None if last and last.ended and since and last.ended < since else last

    @property
    def next_cycle(self) -> datetime | None:
        """Time when the next cycle is due; None if there is none, or if it begins at the next tick."""
        if self.store.entra is None or no_cycle(self.now, self.store.schedule):
            return None
        return next_due(self.store.schedule, self.cycles.note.times)

    @property
    def entra_waits(self) -> str:
        """What Entra does while its pushes are answered 503; empty if they are not, or nobody pushes to the store."""
        takes_pushes = self.store.token_hashes or self.store.credentials or self.store.entra_tenant
        if not takes_pushes:
            return ""
        if self.state is StoreState.PAUSED:
            return forecast(self.store.schedule.paused_until, self.now)
        is_shut = self.state is StoreState.RECONNECT or not self.store.is_started
        return forecast(None, self.now) if is_shut else ""

    @property
    def not_running(self) -> str:
        """Why no cycle begins by itself, in a word or two; empty if one does."""
        if not self.store.has_cycles:
            return "stopped"
        if no_cycle(self.now, self.store.schedule):
            return "paused"
        return "" if self.store.entra else "Entra pushes"


def standing(store: Store) -> StoreStanding:
    """Read a store's standing. Six round trips, however many people there are."""
    held = parts().runs.held_plans.newest(store.id)
    return StoreStanding(
        store,
        parts().stores.connections.state(store.id),
        held.held if held else None,
        parts().runs.table.newest(store.id, SPARK),
        parts().people.identities.estimate(store.id),
        parts().groups.table.count(store.id),
        parts().runs.cycles.standing(store),
        parts().site.now(),
    )
