"""What there is once a cycle's changes are in Zoho One, in a form in which two runs that are alike are equal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.app.container import Bridge
from shared.rules.history import EventKind
from shared.rules.identity import Identity
from shared.rules.zoho_user import ZohoField, ZohoUser
from tests.conftest import ZohoOne
from tests.faults.fifty_changes import CREATED, UNDER_NEW_MANAGERS


@dataclass(frozen=True)
class Outcome:
    """Ids of accounts are left out, or replaced by userNames."""

    accounts: dict[str, object]
    """What Zoho One holds, by userName."""
    people: dict[str, object]
    """What the bridge knows of each, by object id."""
    told: dict[str, object]
    """What the histories tell was changed, by userName."""
    groups: dict[str, object]
    """What Zoho One holds, and what the bridge knows, of each group, by its name."""

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
            name = identity.said.keys.user_name
            told[name] = _told(name, [each.kind for each in reversed(history)])
        groups: dict[str, object] = {
            f"{group['displayName']} in Zoho One": sorted(names[member["value"]] for member in group.get("members", []))
            for group in zoho_one.groups()
        }
        assert len(groups) == len(zoho_one.groups()), "a group was made twice"
        for stored_group in bridge.groups.groups.everything(store):
            group = stored_group.group
            members = sorted(bridge.groups.groups.members(store, group.id))
            groups[group.said.display_name] = group.said.external_id, group.size, members, group.pending
        return cls({user["userName"]: _held(user, names) for user in users}, people, told, groups)

    def difference(self, other: "Outcome") -> str:
        """What is here and there; empty where they are equal."""
        pairs = (
            (self.accounts, other.accounts),
            (self.people, other.people),
            (self.told, other.told),
            (self.groups, other.groups),
        )
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


def _told(user_name: str, kinds: list[EventKind]) -> list[EventKind]:
    """Whoever waits for a manager who is new gets him together with what else changes, or later: that may differ."""
    left_out = {EventKind.RECORDED, EventKind.REFUSED}
    if user_name in CREATED | UNDER_NEW_MANAGERS:
        left_out.add(EventKind.UPDATED)
    return [kind for kind in kinds if kind not in left_out]
