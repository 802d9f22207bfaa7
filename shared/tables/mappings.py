"""The attribute mappings of the stores in Table Storage: every version, and which is current.

The partition is the store. A row ``version:<number>`` is a saved mapping with who, when, why and the difference; the
row ``current`` repeats the current one, so that reading it is one round trip. A version is one row, not one per rule,
because a mapping is saved, refused and restored whole. A row ``draft:<hash of an admin>`` holds an administrator's
unsaved changes.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from azure.data.tables import TableClient
from pydantic import ConfigDict, ValidationError

from shared.model import Model
from shared.rules.expressions import ExpressionError
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.draft import Draft
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping, RuleChange, difference
from shared.tables.entity_text import gather, spread
from shared.tables.errors import Conflict, MappingUnusable, Stale
from shared.tables.record_table import AFTER_ALL, RecordTable, Row, create, create_or_update, keyed

REMEMBERED = 20.0
"""Seconds until a worker looks for a newer mapping, which has to be in use within 30."""


class Version(Model):
    """A mapping as it was saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    mapping: Mapping
    saved_by: str
    saved_at: datetime | None
    """None for the mapping of a new store."""
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


class Mappings(RecordTable):
    """Reads and saves mappings. Every method raises TablesBusy."""

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(table)
        self._monotonic = monotonic
        self._compiled: dict[str, tuple[float, int, CompiledMapping]] = {}
        self._lock = Lock()

    def compiled(self, store: str) -> CompiledMapping:
        """Return a store's current mapping, compiled once per version, at most 20 seconds old.

        Raises MappingUnusable where an older version of the app saved what this one refuses.
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

    def look_again(self, store: str) -> None:
        """Let the next ``compiled`` read the current version."""
        with self._lock:
            if (kept := self._compiled.get(store)) is not None:
                self._compiled[store] = float("-inf"), kept[1], kept[2]

    def current(self, store: str) -> Version:
        """Return the current version."""
        found = self._read(store, "current")
        return found[0] if found else FIRST

    def version(self, store: str, number: int) -> Version | None:
        """Return a version, or None."""
        found = self._read(store, _key(number))
        return found[0] if found else FIRST if number == 0 else None

    def versions(self, store: str) -> list[Version]:
        """Return every version, newest first."""
        rows = self._range(store, "version:", "version" + AFTER_ALL)
        found = [Version.model_validate_json(gather(row, "version")) for row, _ in rows]
        return [*reversed(found), FIRST]

    def save(self, store: str, mapping: Mapping, *, based_on: int, by: str, at: datetime, why: str) -> Version:
        """Save a checked mapping as a new version and make it current. Raises SavedMeanwhile.

        ``based_on``: number of the version that the change was made to.
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
        pointer = create_or_update(_row(store, "current", saved), etag)
        try:
            self._transact([create(_row(store, _key(saved.number), saved)), pointer])
        except (Stale, Conflict):
            raise SavedMeanwhile(self.current(store)) from None
        with self._lock:
            self._compiled.pop(store, None)
        return saved

    def restore(self, store: str, number: int, *, based_on: int, by: str, at: datetime) -> Version:
        """Save an earlier version again as a new one. Raises KeyError where there is none, SavedMeanwhile.

        As for ``save``, the caller has checked the mapping: what the store and this app take may have changed since.
        """
        earlier = self.version(store, number)
        if earlier is None:
            raise KeyError(number)
        return self.save(store, earlier.mapping, based_on=based_on, by=by, at=at, why=f"Version {number} restored")

    def draft(self, store: str, admin: str) -> Draft | None:
        """Return an administrator's unsaved changes, or None."""
        found = self._get(store, _draft_key(admin))
        try:
            return Draft.model_validate_json(gather(found[0], "draft")) if found else None
        except ValidationError:
            return None  # of an older version of the app: it was never saved, so no saved mapping is lost

    def keep_draft(self, store: str, admin: str, draft: Draft) -> None:
        """Store an administrator's unsaved changes in place of the former ones."""
        self._put(keyed(store, _draft_key(admin), spread("draft", draft.model_dump_json())))

    def drop_draft(self, store: str, admin: str) -> None:
        """Delete an administrator's unsaved changes."""
        self._delete(store, _draft_key(admin))

    def _read(self, store: str, key: str) -> tuple[Version, str] | None:
        found = self._get(store, key)
        return (Version.model_validate_json(gather(found[0], "version")), found[1]) if found else None


def _key(number: int) -> str:
    return f"version:{number:08d}"


def _draft_key(admin: str) -> str:
    return f"draft:{hashlib.sha256(admin.encode()).hexdigest()}"


def _row(store: str, key: str, version: Version) -> Row:
    return keyed(store, key, spread("version", version.model_dump_json()))
