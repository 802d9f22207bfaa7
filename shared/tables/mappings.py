"""The attribute mappings of the stores in Table Storage: every version, and which is current.

The partition is the store. A row ``version:<number>`` is a mapping as it was saved, with who, when, why and the
difference; the row ``current`` repeats the one that counts, so that reading it is one round trip. A version is one row,
not one for each rule: a mapping is saved, refused and restored whole. A row ``draft:<hash of an admin>`` is what he is
changing and has not saved.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode
from pydantic import ConfigDict, ValidationError

from shared.model import Model
from shared.rules.expressions import ExpressionError
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.draft import Draft
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, RuleChange, difference
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, MappingUnusable, Stale
from shared.tables.service import our_errors

REMEMBERED = 20.0
"""Seconds until a worker looks for a newer mapping: it is to be seen within 30."""


class Version(Model):
    """A mapping as it was saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    mapping: Mapping
    saved_by: str
    saved_at: datetime | None
    """None for the mapping that every store begins with."""
    why: str
    changes: tuple[RuleChange, ...] = ()


FIRST = Version(number=0, mapping=DEFAULT_MAPPING, saved_by="", saved_at=None, why="The mapping of a new store")


class SavedMeanwhile(Exception):
    """Another administrator saved a version since the one this change was made to. Nothing was saved."""

    def __init__(self, current: Version) -> None:
        super().__init__(
            f"{current.saved_by} saved version {current.number} meanwhile ({current.why}): "
            "look at it, then save your change again"
        )
        self.current = current


class Mappings:
    """Reads and saves mappings. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._monotonic = monotonic
        self._compiled: dict[str, tuple[float, int, CompiledMapping]] = {}
        self._lock = Lock()

    def compiled(self, store: str) -> CompiledMapping:
        """A store's current mapping, ready for use, at most 20 seconds old; compiled once for each version.

        Raises MappingUnusable where an older version of the app saved what this one does not take.
        """
        with self._lock:
            kept = self._compiled.get(store)
        if kept is not None and self._monotonic() - kept[0] < REMEMBERED:
            return kept[2]
        try:
            current = self.current(store)
            mapping = kept[2] if kept is not None and kept[1] == current.number else CompiledMapping(current.mapping)
        except (ExpressionError, KeyError, ValidationError) as error:
            raise MappingUnusable(store) from error
        with self._lock:
            self._compiled[store] = self._monotonic(), current.number, mapping
        return mapping

    def number_in_use(self, store: str) -> int:
        """The number of the version that ``compiled`` gives. Raises MappingUnusable."""
        self.compiled(store)
        with self._lock:
            return self._compiled[store][1]

    def look_again(self, store: str) -> None:
        """Let the next ``compiled`` see what counts then."""
        with self._lock:
            if (kept := self._compiled.get(store)) is not None:
                self._compiled[store] = float("-inf"), kept[1], kept[2]

    def current(self, store: str) -> Version:
        """The version that counts."""
        found = self._read(store, "current")
        return found[0] if found else FIRST

    def version(self, store: str, number: int) -> Version | None:
        """An earlier version, or None."""
        found = self._read(store, _key(number))
        return found[0] if found else FIRST if number == 0 else None

    def versions(self, store: str) -> list[Version]:
        """Every version, newest first."""
        with our_errors():
            rows = self._table.query_entities(
                "PartitionKey eq @store and RowKey ge 'version:' and RowKey lt 'version;'", parameters={"store": store}
            )
            found = [Version.model_validate_json(gather(row, "version")) for row in rows]
        return [*reversed(found), FIRST]

    def save(self, store: str, mapping: Mapping, *, based_on: int, by: str, at: datetime, why: str) -> Version:
        """Make a new version and let it count. The mapping has been checked. Raises SavedMeanwhile.

        ``based_on``: the number of the version that the change was made to.
        """
        found = self._read(store, "current")
        current, etag = found or (FIRST, None)
        if current.number != based_on:
            raise SavedMeanwhile(current)
        saved = Version(
            number=current.number + 1,
            mapping=mapping,
            saved_by=by,
            saved_at=at,
            why=why,
            changes=difference(current.mapping, mapping),
        )
        pointer = _row(store, "current", saved)
        guard = {"etag": etag, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}
        try:
            with our_errors():
                self._table.submit_transaction(
                    [
                        ("create", _row(store, _key(saved.number), saved)),
                        ("update", pointer, guard) if etag else ("create", pointer),
                    ]
                )
        except (Stale, Conflict):
            raise SavedMeanwhile(self.current(store)) from None
        with self._lock:
            self._compiled.pop(store, None)
        return saved

    def restore(self, store: str, number: int, *, based_on: int, by: str, at: datetime) -> Version:
        """Let an earlier version count again, as a new one. Raises KeyError where there is none, SavedMeanwhile.

        As for ``save``, the caller has checked its mapping: what the store and this app take may have changed since.
        """
        earlier = self.version(store, number)
        if earlier is None:
            raise KeyError(number)
        return self.save(store, earlier.mapping, based_on=based_on, by=by, at=at, why=f"Version {number} restored")

    def draft(self, store: str, admin: str) -> Draft | None:
        """What an administrator is changing, or None."""
        with our_errors():
            try:
                row = self._table.get_entity(store, _draft_key(admin))
            except ResourceNotFoundError:
                return None
        try:
            return Draft.model_validate_json(gather(row, "draft"))
        except ValidationError:
            return None  # of an older version of the app: nobody has saved it, so nothing is lost that counts

    def keep_draft(self, store: str, admin: str, draft: Draft) -> None:
        """Keep what an administrator is changing, in place of what was there."""
        row = {"PartitionKey": store, "RowKey": _draft_key(admin), **spread("draft", draft.model_dump_json())}
        with our_errors():
            self._table.upsert_entity(row, mode=UpdateMode.REPLACE)

    def drop_draft(self, store: str, admin: str) -> None:
        """Forget what an administrator is changing."""
        with our_errors():
            self._table.delete_entity(store, _draft_key(admin))

    def _read(self, store: str, key: str) -> tuple[Version, str] | None:
        with our_errors():
            try:
                row = self._table.get_entity(store, key)
            except ResourceNotFoundError:
                return None
        return Version.model_validate_json(gather(row, "version")), str(row.metadata["etag"])


def _key(number: int) -> str:
    return f"version:{number:08d}"


def _draft_key(admin: str) -> str:
    return f"draft:{hashlib.sha256(admin.encode()).hexdigest()}"


def _row(store: str, key: str, version: Version) -> dict[str, str]:
    return {"PartitionKey": store, "RowKey": key, **spread("version", version.model_dump_json())}
