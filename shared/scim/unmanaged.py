"""Accounts that nobody manages, after the people on the pages of everybody: read-only, for Entra's Account Discovery.

Entra's report then shows the whole organisation, local accounts among it. A store lists them only if it is set to. A
search with a filter never finds them: Entra would take such an answer for the account that it has to change, where a
creation is what makes the bridge adopt it. A write finds nobody, so that Entra creates as well.
https://learn.microsoft.com/entra/identity/app-provisioning/how-to-account-discovery
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scim2_models import Resource, ResourceType, ScimProvider

from shared.rules.resource_version import resource_version
from shared.rules.store import Store
from shared.rules.unmanaged import UnmanagedAccount
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, ZohoUser, to_scim
from shared.scim.kind import described, model_of
from shared.tables.record_table import LARGEST_PAGE
from shared.tables.scim_row import ScimRow
from shared.tables.unmanaged_accounts import UnmanagedAccounts

PREFIX = "unmanaged-"
"""Beginning of their ids, before the id in Zoho One. A person's id has another form."""

_PATHS = {field: facts.path for field, facts in ZOHO_FIELDS.items() if not facts.extension}


@dataclass(frozen=True)
class UnmanagedStorage:
    """The accounts of one store that nobody manages, as the last full reading of Zoho One found them."""

    store: Store
    provider: ScimProvider
    accounts: UnmanagedAccounts

    def everything(self, after: str = "", page: int | None = None) -> Iterator[ScimRow]:
        """Return their rows after an id, in the order of ``ids``. ``page``: rows in one round trip."""
        last, size = after.removeprefix(PREFIX), page or LARGEST_PAGE
        while True:
            some = self.accounts.page(self.store.id, size, after=last)
            yield from map(_row, some)
            if len(some) < size:
                return
            last = some[-1].id

    def ids(self) -> Iterable[str]:
        """Return all ids in order, a thousand in one round trip."""
        return (PREFIX + account for account in self.accounts.ids(self.store.id))

    def find(self, resource_id: str) -> ScimRow | None:
        """Return one by its id, or None. One round trip where it looks like one of theirs, else none."""
        if not resource_id.startswith(PREFIX):
            return None
        found = self.accounts.get(self.store.id, resource_id.removeprefix(PREFIX))
        return _row(found) if found else None

    def shown(self, kind: ResourceType, row: ScimRow) -> Resource[Any]:
        """Return an account for an answer."""
        resource = model_of(self.provider, kind).model_validate_json(row.resource)
        return described(resource, kind, row, resource_version(row.resource))


def _row(account: UnmanagedAccount) -> ScimRow:
    fields = {field: value for field, value in account.holds.fields.items() if field in _PATHS}
    named = ZohoUser(active=account.holds.active, fields=fields | {ZohoField.USER_NAME: account.user_name})
    resource = json.dumps(to_scim(named, _PATHS), ensure_ascii=False)
    return ScimRow(PREFIX + account.id, resource, account.first_seen, account.first_seen)
