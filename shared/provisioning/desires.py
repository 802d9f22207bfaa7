"""What Zoho One should hold of a person, with the mapping, the clock and the tables that it takes to say so."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.directory.azure_user import AzureUser
from shared.directory.compiled_mapping import CompiledMapping, MappingFailed
from shared.directory.desired import Policy, desired_account
from shared.directory.expressions import EvaluationContext
from shared.directory.identity import Identity
from shared.directory.status import Decision, Status
from shared.directory.store import Store
from shared.directory.zoho_user import Desired, ZohoField, ZohoUser
from shared.provisioning.apply import Apply
from shared.provisioning.errors import Refused
from shared.tables.identities import Identities
from shared.tables.identity_rows import is_id

_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True)
class Desire:
    """What Zoho One should hold, and why."""

    desired: Desired
    decision: Decision
    awaits: str | None = None
    """His manager, by either id, where that one has no account yet."""


@dataclass(frozen=True)
class Desires:
    """Says what is desired. Raises TablesBusy, and ZohoBusy and ZohoCredentials where a mapping asks for free names."""

    identities: Identities
    apply: Apply
    mapping: Callable[[str], CompiledMapping]
    """A store's current mapping, by the store's id."""
    now: Callable[[], datetime]

    def of(self, store: Store, person: AzureUser, status: Status, before: Identity | None) -> Desire:
        """Raises Refused where the mapping has no answer for this person, MappingUnusable where it has for nobody."""
        context = EvaluationContext(self.now(), _RANDOM, lambda name: self.apply.is_taken(store, name))
        policy = Policy(self.mapping(store.id), context, store)
        try:
            desired, decision = desired_account(person, status, policy, before)
        except MappingFailed as failure:
            raise Refused(f"{failure}. Look at the store's attribute mapping.") from failure
        if not isinstance(desired, ZohoUser) or (manager := desired.fields.get(ZohoField.MANAGER)) is None:
            return Desire(desired, decision)
        so_far = before.said.desired if before else None
        if isinstance(so_far, ZohoUser) and manager == so_far.fields.get(ZohoField.MANAGER):
            return Desire(desired, decision)  # a rule kept what was desired so far, which is the account already
        return self._with_manager(store, desired, decision, manager)

    def _with_manager(self, store: Store, desired: ZohoUser, decision: Decision, manager: str) -> Desire:
        """The manager, whom Entra knows by one of two ids, as Zoho One knows him; absent while he has no account."""
        found = (
            self.identities.read(store.id, manager)
            if is_id(manager)
            else self.identities.find_object(store.id, manager)
        )
        account = found.identity.account if found else None
        others = {field: value for field, value in desired.fields.items() if field is not ZohoField.MANAGER}
        fields = others | ({ZohoField.MANAGER: account.id} if account else {})
        return Desire(ZohoUser(active=desired.active, fields=fields), decision, None if account else manager)
