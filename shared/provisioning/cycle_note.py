"""What a store's cycles leave for the next one: the note of the store's lease, written by who holds it."""

from typing import Protocol

from pydantic import AwareDatetime, ConfigDict, ValidationError

from shared.directory.schedule import CycleTimes
from shared.model import Model
from shared.provisioning.reading_progress import ReadingProgress
from shared.tables.errors import Unreadable

KIND = "cycle"
"""Of the leases of cycles: one for each store, by its id."""


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
    reading: ReadingProgress = ReadingProgress()
    last_full: AwareDatetime | None = None
    """When everything in Zoho One was last compared; at first, when the first cycle was."""
    holds: bool = False
    """Whether a held plan may be open."""
    open_runs: tuple[str, ...] = ()
    """The runs that began and did not end, as far as is known: the one that has the lease, and those that died."""


def lease_name(store: str) -> str:
    """Of the lease under which a store's cycles run."""
    return f"{KIND}:{store}"


def opened(note: str, seals: Seals) -> CycleNote:
    """A note; an empty one where there is none, or none that can be read any more: then everybody is read again."""
    if not note:
        return CycleNote()
    try:
        return CycleNote.model_validate_json(seals.opened(note))
    except (Unreadable, ValidationError):
        return CycleNote()


def sealed(note: CycleNote, seals: Seals) -> str:
    """A note as it is kept."""
    return seals.sealed(note.model_dump_json())
