"""How far a cycle came, and what another process goes on from: the note of the store's lease, and the lease itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.schedule import after_end, why_halted
from shared.rules.store import Store
from shared.sync.cycle_note import CycleNote, Seals, sealed
from shared.sync.run_record import RunRecord
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.tables.heartbeat import Heartbeat
from shared.tables.stores import Stores


class OutOfTime(Exception):
    """The message's time is over."""


class Halted(Exception):
    """Provisioning was stopped while the cycle ran; the message says so."""


@dataclass
class CycleCheckpoint:
    """Keeps the note and the lease of one cycle. Its methods raise LeaseLost and TablesBusy."""

    store: Store
    stores: Stores
    heart: Heartbeat
    seals: Seals
    record: RunRecord
    note: CycleNote
    ends: datetime
    """When the message's time is over."""
    now: Callable[[], datetime]

    @property
    def reached(self) -> ReadingCheckpoint:
        """How far the reading came."""
        return self.note.reading

    def move(self, reached: ReadingCheckpoint) -> None:
        """Another place; it is kept with the next one, or at the cycle's end."""
        self.note = self.note.model_copy(update={"reading": reached})

    def keep(self, reached: ReadingCheckpoint) -> None:
        """Another place, written into the note. The run is seen on the pages by then."""
        self.move(reached)
        self.record.show_once()
        self.heart.write(sealed(self.note, self.seals))

    def beat(self) -> None:
        """In a step that would have to begin again, and is therefore not ended by the time. Raises Halted."""
        self.heart.beat()
        if (why := self.must_end) is not None:
            raise Halted(why)

    def may_end(self) -> None:
        """At a place from which the next message can go on. Raises Halted and OutOfTime."""
        self.beat()
        if self.now() >= self.ends:
            raise OutOfTime

    @property
    def must_end(self) -> str | None:
        """Why no further change may begin. A stop in another process is known at the next heartbeat."""
        if self.heart.must_end is not None:
            return self.heart.must_end
        store = self.stores.get(self.store.id)
        return why_halted(self.now(), store.schedule if store else None, observes=self.store.schedule.is_observing)

    def compared(self) -> None:
        """Everything in Zoho One was compared now."""
        self.note = self.note.model_copy(update={"last_full": self.now()})

    def judged(self, *, is_held: bool) -> None:
        """The guard has judged the plan; ``is_held``: and holds it."""
        self.note = self.note.model_copy(update={"holds": is_held})

    def proposed(self, *, any_account: bool) -> None:
        """The plan is made; ``any_account``: and proposes accounts to somebody."""
        self.note = self.note.model_copy(update={"proposes": any_account})

    def hand_on(self) -> None:
        """Leave the rest of the run to the next message."""
        self.note = self.note.left()
        self.give_back()

    def end(self, *, failed: bool, look_again: bool) -> None:
        """The run has ended. ``failed``: something that ought to have been done was not; ``look_again``: or somebody
        was left to another process, which may be dead.
        """
        times = after_end(self.now(), self.store.schedule, self.note.times, failed=failed, look_again=look_again)
        self.note = self.note.ended(times)
        self.give_back()

    def give_back(self) -> None:
        """Give the lease back; a run that is open is taken for interrupted then."""
        self.heart.release(sealed(self.note, self.seals))
