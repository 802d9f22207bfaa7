"""Finds the bridge's ids of Entra's users, who are members of groups there."""

from shared.rules.identity import id_of_object
from shared.sync.progress import Heartbeat, beating
from shared.tables.identities import Identities


class MemberIds:
    """The bridge's ids of Entra's users; for a user who is new to the store, the id that they will get."""

    def __init__(self, identities: Identities, store: str, heartbeat: Heartbeat) -> None:
        self._identities = identities
        self._store = store
        self.heartbeat = heartbeat
        self._pushed: dict[str, str] | None = None

    def read_all(self) -> None:
        """Look everybody up at once; only ids that a push has chosen are kept."""
        if self._pushed is None:
            links = beating(self._identities.object_links(self._store), self.heartbeat)
            self._pushed = {user: person for user, person in links if person != id_of_object(user)}

    def ids(self, user: str) -> tuple[str, ...]:
        """A user's id, then the id that they had before it was known that a push had made them."""
        own = id_of_object(user)
        if self._pushed is not None:
            known = self._pushed.get(user, own)
        else:
            known = self._identities.id_of_object(self._store, user) or own
        return (known,) if known == own else (known, own)
