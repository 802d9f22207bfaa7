"""What Zoho One should hold of a group: its source state, with the name that the store's settings give it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.groups.group import DesiredGroup, Group, GroupSourceState, ZohoGroup
from shared.rules.groups.settings import GroupNameFailed
from shared.rules.scim_path import Resource
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.sync.desired.evaluation import evaluation
from shared.sync.errors import Refused
from shared.tables.group_rows import StoredGroup

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class DesiredGroups:
    """Computes the desired state of groups. Its methods raise Refused where the settings give a group no name."""

    now: Callable[[], datetime]

    def of(self, store: Store, resource: Resource) -> GroupSourceState:
        """What Entra says of a group, and what Zoho One should therefore hold."""
        display_name, external_id = str(resource["displayName"]), resource.get("externalId")
        external = str(external_id) if external_id else None
        desired: DesiredGroup = None
        if store.groups.are_synced:
            try:
                name = store.groups.name_for(display_name, external, evaluation(store, self.now()))
            except GroupNameFailed as failure:
                raise Refused(f"{failure}. Look at the store's settings for groups.") from failure
            told = None if ZohoField.EXTERNAL_ID in store.zoho.left_out else external
            desired = ZohoGroup(display_name=name, external_id=told)
        return GroupSourceState(
            resource=_JSON.dump_json(resource).decode(),
            display_name=display_name,
            external_id=external,
            desired=desired,
            modified=self.now(),
        )

    def group(self, store: Store, stored: StoredGroup | None, new_id: str, resource: Resource) -> Group:
        """A group with what Entra says of it now. ``new_id``: the id of a group that the store does not have."""
        said = self.of(store, resource)
        return stored.group.with_source_state(said) if stored else Group(id=new_id, said=said, created=said.modified)


def is_same(said: GroupSourceState, before: GroupSourceState) -> bool:
    """Whether Entra says the same, and the store makes the same of it."""
    return said.resource == before.resource and said.desired == before.desired
