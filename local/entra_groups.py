"""The simulated Entra's groups, as far as an app is assigned to them."""


class Groups:
    """Groups by their ids, each with the ids of its direct members: users, and other groups."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, None]] = {}
        self.assigned: dict[str, None] = {}
        """The groups that are assigned to the app, in the order of their assignment."""

    def __contains__(self, group_id: str) -> bool:
        return group_id in self._members

    def members(self, group_id: str) -> list[str]:
        """The ids of the direct members. Raises KeyError for a group that is not there."""
        return list(self._members[group_id])

    def put(self, group_id: str, members: list[str]) -> None:
        """Make a group, or give one these members."""
        self._members[group_id] = dict.fromkeys(members)

    def delete(self, group_id: str) -> None:
        """Delete a group; its assignment stays, as a while in Entra."""
        del self._members[group_id]

    def forget(self, person_id: str) -> None:
        """Take a person who is deleted for good out of every group."""
        for members in self._members.values():
            members.pop(person_id, None)

    def bring_in(self, person_id: str) -> bool:
        """Whether a person is a direct member of an assigned group: Entra does not look into groups in groups."""
        return any(person_id in self._members.get(group, ()) for group in self.assigned)
