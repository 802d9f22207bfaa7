"""The groups of a store, and who is assigned: read in the way that its scope needs, before any person is read."""

from itertools import batched

from shared.rules.entra_connection import Scope
from shared.rules.store import Store
from shared.sync.progress import PAGE, Checkpoint
from shared.sync.source.all_groups import read_all_groups
from shared.sync.source.assigned_groups import read_assigned_groups
from shared.sync.source.groups import GroupReading, ScopeCheckpoint
from shared.sync.source.reading_checkpoint import ReadingCheckpoint, group_rules_of


def needs_groups(store: Store) -> bool:
    """Whether anything depends on groups: who is in scope, or what Zoho One's groups are."""
    assert store.entra is not None  # or nothing is read
    return store.groups.are_synced or store.entra.scope is Scope.ASSIGNED


def read_scope(store: Store, reading: GroupReading, checkpoint: Checkpoint[ReadingCheckpoint]) -> None:
    """Bring assignments, groups and memberships up to date. Raises as the reading of assigned or of all groups does."""
    connection = store.entra
    assert connection is not None  # see needs_groups
    if connection.scope is Scope.ALL_USERS:
        read_all_groups(reading, _OfScope(checkpoint))
    else:
        assert connection.enterprise_app is not None  # the connection's model sees to that
        read_assigned_groups(reading, connection.enterprise_app, _OfScope(checkpoint))
    _look_after_rules(store, reading, checkpoint)


def _look_after_rules(store: Store, reading: GroupReading, checkpoint: Checkpoint[ReadingCheckpoint]) -> None:
    """Mark every group, if what the store does with groups has changed."""
    rules = group_rules_of(store)
    if checkpoint.reached.group_rules == rules or not store.groups.are_synced:
        return
    for some in batched(reading.groups.all(store.id), PAGE, strict=False):
        reading.groups.look_at(store.id, [group.id for group in some])
        checkpoint.beat()
    checkpoint.keep(checkpoint.reached.model_copy(update={"group_rules": rules}))


class _OfScope:
    """The part of a reading's checkpoint that is about groups."""

    def __init__(self, whole: Checkpoint[ReadingCheckpoint]) -> None:
        self._whole = whole

    @property
    def reached(self) -> ScopeCheckpoint:
        return self._whole.reached.scope

    @property
    def must_end(self) -> str | None:
        return self._whole.must_end

    def move(self, reached: ScopeCheckpoint) -> None:
        self._whole.move(self._with(reached))

    def keep(self, reached: ScopeCheckpoint) -> None:
        self._whole.keep(self._with(reached))

    def beat(self) -> None:
        self._whole.beat()

    def may_end(self) -> None:
        self._whole.may_end()

    def _with(self, reached: ScopeCheckpoint) -> ReadingCheckpoint:
        return self._whole.reached.model_copy(update={"scope": reached})
