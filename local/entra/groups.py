"""The simulated Entra's groups."""

from collections.abc import Iterator
from typing import NamedTuple


class MemberChange(NamedTuple):
    """One entry of the groups' change log; its number is its position."""

    group_id: str
    member_id: str | None
    """Who joined or left; None if the group itself changed."""


class Groups:
    """Groups by their ids, each with the ids of its direct members: users, and other groups.

    Every operation raises KeyError for a group that does not exist.
    """

    def __init__(self) -> None:
        self._members: dict[str, dict[str, None]] = {}
        self._names: dict[str, str] = {}
        self.hidden: set[str] = set()
        """The groups that do not show their members to the app."""
        self.assigned: dict[str, None] = {}
        """The groups that are assigned to the app, in the order of their assignment."""
        self.changes: list[MemberChange] = []
        """Everything that happened since the start, in order."""

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def members(self, group_id: str) -> list[str]:
        """Return the ids of the direct members."""
        return list(self._members[group_id])

    def shown(self, group_id: str) -> list[str]:
        """Return the ids of the direct members that the app sees."""
        return [] if group_id in self.hidden else self.members(group_id)

    def name(self, group_id: str) -> str:
        """Return a group's name; its id if nobody has named it."""
        return self._names.get(group_id, group_id)

    def rename(self, group_id: str, name: str) -> None:
        """Rename a group."""
        if self.name(group_id) != name:
            self._names[group_id] = name
            self.changes.append(MemberChange(group_id, None))

    def put(self, group_id: str, members: list[str]) -> None:
        """Create a group, or set its members."""
        if group_id not in self:
            self._members[group_id] = {}
            self.changes.append(MemberChange(group_id, None))
        for member in [each for each in self._members[group_id] if each not in members]:
            self.remove(group_id, member)
        for member in members:
            self.add(group_id, member)

    def add(self, group_id: str, member_id: str) -> None:
        """Add a person or a group as a member."""
        if member_id not in self._members[group_id]:
            self._members[group_id][member_id] = None
            self.changes.append(MemberChange(group_id, member_id))

    def remove(self, group_id: str, member_id: str) -> None:
        """Remove a member. Raises KeyError if there is no such member."""
        del self._members[group_id][member_id]
        self.changes.append(MemberChange(group_id, member_id))

    def delete(self, group_id: str) -> None:
        """Delete a group; its assignment stays for a while, as in Entra."""
        for member in self.members(group_id):
            self.remove(group_id, member)
        del self._members[group_id]
        self.changes.append(MemberChange(group_id, None))

    def forget(self, person_id: str) -> None:
        """Remove a person who is deleted for good from every group."""
        for group_id in self._of(person_id):
            self.remove(group_id, person_id)

    def note(self, person_id: str) -> None:
        """Log that a person moved to the recycle bin, where they are a member of nothing, or was restored."""
        self.changes += [MemberChange(group_id, person_id) for group_id in self._of(person_id)]

    def bring_in(self, person_id: str) -> bool:
        """Return whether a person is a direct member of an assigned group: Entra ignores nested groups."""
        return any(person_id in self._members.get(group, ()) for group in self.assigned)

    def _of(self, person_id: str) -> list[str]:
        return [group_id for group_id, members in self._members.items() if person_id in members]
