"""The plans that the guard holds, in Table Storage, whole.

The partition is the store. The row ``plan:<id>`` says what is known of a plan and what became of it; the rows
``part:<id>:<number>`` hold its changes. An id begins with the inverted time, so that the newest plan, the only one that
can be open, is the first of its range.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode
from pydantic import BaseModel

from shared.directory.cycle_plan import Plan, PlannedChange
from shared.directory.guard import Breach
from shared.directory.held_plan import HeldPlan, HeldState, Move
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Changed
from shared.tables.portions import portions
from shared.tables.service import our_errors

MOST_CHARACTERS = 200_000
"""Of changes in one row: a property holds 32 K characters of UTF-16, an entity 1 MiB."""

_LAST_MICROSECOND = 10**17


@dataclass(frozen=True)
class StoredPlan:
    """What is known of a held plan, with the ETag that guards the next change of its state."""

    held: HeldPlan
    etag: str
