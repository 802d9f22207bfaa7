"""What a store's cycles leave for the next one: the note of the store's lease, written by its holder."""

from datetime import datetime, timedelta
from typing import Protocol, Self

from pydantic import AwareDatetime, ConfigDict, ValidationError

from shared.model import Model
from shared.rules.run import RunKind
from shared.rules.schedule import CycleTimes
from shared.rules.store import StoreId
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.tables.cycle_leases import CYCLES
from shared.tables.errors import Unreadable

SCHEDULE = "schedule"
"""The name under which the timer asks for a cycle."""
HANDED_ON = timedelta(minutes=2)
"""Time that the message which goes on with a run may take to reach a worker, before it counts as lost."""


class CycleRequest(Model):
    """A message that asks for a cycle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: StoreId
    kind: RunKind = RunKind.CYCLE
    asked_by: str = SCHEDULE
    id: str | None = None
    """Id of the run to begin, where a person asked for it: so that the same message begins it once."""
    goes_on: str | None = None
    """Id of the run to go on with."""

    def going_on(self, run_id: str) -> Self:
        """The same request, once its run has begun."""
        return self.model_copy(update={"goes_on": run_id})


class Seals(Protocol):
    """What keeps the links of delta queries, which hold tokens, out of a table in clear."""

    def sealed(self, value: str) -> str:
        """The text encrypted."""
        ...

    def opened(self, sealed: str) -> str:
        """The text in clear. Raises Unreadable."""
        ...


class CycleNote(Model):
    """Times, and how far the reading has come."""

    model_config = ConfigDict(frozen=True)

    times: CycleTimes = CycleTimes()
    reading: ReadingCheckpoint = ReadingCheckpoint()
    last_full: AwareDatetime | None = None
    """When everything in Zoho One was last compared; at first, when the first cycle was."""
    holds: bool = False
    """Whether a held plan may be open."""
    proposes: bool = False
    """Whether the last plan proposed accounts to anybody."""
    open_runs: tuple[str, ...] = ()
    """Ids of the runs that began and did not end. The last one is gone on with."""
    request: CycleRequest | None = None
    """What asked for the run that is open."""
    handed_on: bool = False
    """Whether its process gave the lease back and left the rest to the next message."""
    interruptions: int = 0
    """Number of processes that ended under this run, one after the other."""
    incarnation: str = ""
    """The store's: a store that was deleted and added again, or restored, knows nothing of this note."""

    @property
    def open_run(self) -> str | None:
        """Id of the run to go on with."""
        return self.open_runs[-1] if self.open_runs else None

    def begun(self, run_id: str, request: CycleRequest, times: CycleTimes) -> Self:
        """A new run has begun."""
        update = {"open_runs": (run_id,), "request": request, "times": times, "handed_on": False, "interruptions": 0}
        return self.model_copy(update=update)

    def gone_on(self, run_id: str, request: CycleRequest) -> Self:
        """Another process goes on with the run that is open."""
        update = {
            "request": (self.request or request).going_on(run_id),
            "handed_on": False,
            "interruptions": self.interruptions + (not self.handed_on),
        }
        return self.model_copy(update=update)

    def reopened(self) -> Self:
        """The run that is gone on with is the only open one."""
        return self.model_copy(update={"open_runs": self.open_runs[-1:]})

    def left(self) -> Self:
        """The rest of the run is left to the next message."""
        return self.model_copy(update={"handed_on": True, "interruptions": 0})

    def ended(self, times: CycleTimes) -> Self:
        """The run has ended."""
        return self.model_copy(update={"times": times, "open_runs": (), "request": None, "interruptions": 0})

    def abandoned_since(self, free_since: datetime, now: datetime) -> datetime | None:
        """Since when no process works on the run that is open, though it is not done; None: there is no such run.

        ``free_since``: when the lease ended or was given back.
        """
        if self.open_run is None or (self.handed_on and now - free_since < HANDED_ON):
            return None
        return free_since


def lease_name(store: str) -> str:
    """Name of the lease under which a store's cycles run."""
    return f"{CYCLES}:{store}"


def opened(note: str, seals: Seals, incarnation: str) -> CycleNote:
    """A store's note; an empty one where there is none, where it is of another incarnation, or where it cannot be read.

    After an empty note everybody is read again.
    """
    new = CycleNote(incarnation=incarnation)
    if not note:
        return new
    try:
        found = CycleNote.model_validate_json(seals.opened(note))
    except (Unreadable, ValidationError):
        return new
    return found if found.incarnation == incarnation else new


def sealed(note: CycleNote, seals: Seals) -> str:
    """A note as it is stored."""
    return seals.sealed(note.model_dump_json())
