"""What there is once a cycle's changes are in Zoho One, in a form in which two runs that are alike are equal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.bridge import Bridge
from shared.directory.history import EventKind
from shared.directory.identity import Identity
from shared.directory.zoho_user import ZohoField, ZohoUser
from tests.conftest import ZohoOne


@dataclass(frozen=True)
class Outcome:
    """Ids of accounts are left out, or replaced by userNames."""

    accounts: dict[str, object]
    """What Zoho One holds, by userName."""
    people: dict[str, object]
    """What the bridge knows of each, by object id."""
    told: dict[str, object]
    """What the histories tell was changed, by userName."""

    @classmethod
    def read(cls, bridge: Bridge, zoho_one: ZohoOne, store: str) -> "Outcome":
        """As it is now."""
        users = zoho_one.users()
        names = {user["id"]: user["userName"] for user in users}
        assert len(set(names.values())) == len(users), "somebody was made twice"
        people, told = dict[str, object](), dict[str, object]()
        for stored in bridge.identities.everybody(store):
            identity = stored.identity
            people[str(identity.object_id)] = _known(identity, names)
            history = bridge.identities.history(store, identity.id)
            told[identity.said.keys.user_name] = _told([each.kind for each in reversed(history)])
        return cls({user["userName"]: _held(user, names) for user in users}, people, told)

    def difference(self, other: "Outcome") -> str:
        """What is here and there; empty where they are equal."""
        pairs = ((self.accounts, other.accounts), (self.people, other.people), (self.told, other.told))
        return "\n".join(
            f"{key}: {here.get(key)} instead of {there.get(key)}"
            for here, there in pairs
            for key in sorted(here.keys() | there.keys())
            if here.get(key) != there.get(key)
        )


def _held(user: dict[str, Any], names: Mapping[str, str]) -> object:
    text = json.dumps({name: value for name, value in user.items() if name not in ("id", "meta")})
    for account, name in names.items():
        text = text.replace(account, name)
    return json.loads(text)


def _known(identity: Identity, names: Mapping[str, str]) -> object:
    def named(user: object) -> object:
        manager = user.fields.get(ZohoField.MANAGER) if isinstance(user, ZohoUser) else None
        if not isinstance(user, ZohoUser) or manager is None:
            return user
        return user.model_copy(update={"fields": user.fields | {ZohoField.MANAGER: names[manager]}})

    said, account = identity.said, identity.account
    held = (names[account.id], named(account.holds), account.deactivated_by) if account else None
    return said.source, said.status, named(said.desired), said.awaits, held, identity.pending


def _told(kinds: list[EventKind]) -> list[EventKind]:
    """Whoever is new has his manager from the beginning, or gets him later: that may differ."""
    changes: list[EventKind] = [kind for kind in kinds if kind not in (EventKind.RECORDED, EventKind.REFUSED)]
    if EventKind.PASSWORD_MAILED not in changes:
        return changes
    return sorted(kind for kind in changes if kind is not EventKind.UPDATED)
