"""How many groups a store has, and how many were deleted lately: what the guard judges deletions by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.guard import check_group_deletions
from shared.rules.plan import GroupsThere
from shared.rules.store import Store
from shared.tables.deleted_groups import DeletedGroups
from shared.tables.groups import Groups


@dataclass(frozen=True)
class GroupCounts:
    """Counts groups. Raises TablesBusy."""

    groups: Groups
    deletions: DeletedGroups
    now: Callable[[], datetime]

    def there(self, store: Store, deleted: int) -> GroupsThere:
        """How many groups a store has, exact only where it decides whether so many deletions are too many.

        Two round trips, and one more for a thousand groups where it has to be exact.
        """
        recent = self.deletions.read(store.id).counts.within(self.now())
        counted, is_all = self.groups.count(store.id)
        if not is_all and check_group_deletions(deleted, counted, store.guard, recent) is not None:
            counted = self.groups.total(store.id)
        return GroupsThere(now=counted, deleted=recent)
