"""The simulated Entra's groups."""

from collections.abc import Iterator
from typing import NamedTuple


class MemberChange(NamedTuple):
    """One entry of the groups' change log; its number is its place in it."""

    group_id: str
    member_id: str | None
    """Who came or went; None where the group itself did."""


class Groups:
    """Groups by their ids, each with the ids of its direct members: users, and other groups.

    Every operation raises KeyError for a group that is not there.
    """

    def __init__(self) -> None:
        self._members: dict[str, dict[str, None]] = {}
        self._names: dict[str, str] = {}
        self.hidden: set[str] = set()
        """The groups that show no members to the app."""
        self.assigned: dict[str, None] = {}
        """The groups that are assigned to the app, in the order of their assignment."""
        self.changes: list[MemberChange] = []
        """What happened since the beginning, in its order."""

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def members(self, group_id: str) -> list[str]:
        """The ids of the direct members."""
        return list(self._members[group_id])

    def shown(self, group_id: str) -> list[str]:
        """The ids of the direct members that the app sees."""
        return [] if group_id in self.hidden else self.members(group_id)

    def name(self, group_id: str) -> str:
        """What a group is called; one that nobody has named is called by its id."""
        return self._names.get(group_id, group_id)

    def rename(self, group_id: str, name: str) -> None:
        """Call a group otherwise."""
        if self.name(group_id) != name:
            self._names[group_id] = name
            self.changes.append(MemberChange(group_id, None))

    def put(self, group_id: str, members: list[str]) -> None:
        """Make a group, or give one these members."""
        if group_id not in self:
            self._members[group_id] = {}
            self.changes.append(MemberChange(group_id, None))
        for member in [each for each in self._members[group_id] if each not in members]:
            self.remove(group_id, member)
        for member in members:
            self.add(group_id, member)

    def add(self, group_id: str, member_id: str) -> None:
        """Let somebody, or a group, be a member."""
        if member_id not in self._members[group_id]:
            self._members[group_id][member_id] = None
            self.changes.append(MemberChange(group_id, member_id))

    def remove(self, group_id: str, member_id: str) -> None:
        """Let a member be one no longer. Raises KeyError where he was none."""
        del self._members[group_id][member_id]
        self.changes.append(MemberChange(group_id, member_id))

    def delete(self, group_id: str) -> None:
        """Delete a group; its assignment stays, as a while in Entra."""
        for member in self.members(group_id):
            self.remove(group_id, member)
        del self._members[group_id]
        self.changes.append(MemberChange(group_id, None))

    def forget(self, person_id: str) -> None:
        """Take a person who is deleted for good out of every group."""
        for group_id in self._of(person_id):
            self.remove(group_id, person_id)

    def note(self, person_id: str) -> None:
        """A person went into the recycle bin, where he is a member of nothing, or came back."""
        self.changes += [MemberChange(group_id, person_id) for group_id in self._of(person_id)]

    def bring_in(self, person_id: str) -> bool:
        """Whether a person is a direct member of an assigned group: Entra does not look into groups in groups."""
        return any(person_id in self._members.get(group, ()) for group in self.assigned)

    def _of(self, person_id: str) -> list[str]:
        return [group_id for group_id, members in self._members.items() if person_id in members]
