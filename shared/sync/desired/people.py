"""What Zoho One should hold of a person: the rules of shared/rules/desired.py with a store's mapping and people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.rules.azure_user import AzureUser
from shared.rules.desired import Policy, desired_account, rules_of
from shared.rules.identity import Identity
from shared.rules.mapping.compiled import CompiledMapping, MappingFailed
from shared.rules.status import Decision, Status
from shared.rules.store import Store
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser
from shared.sync.desired.evaluation import evaluation
from shared.sync.errors import Refused
from shared.tables.identities import Identities
from shared.tables.identity_rows import is_id
from shared.zoho.scim_client import ZohoUsers


@dataclass(frozen=True)
class DesiredState:
    """What Zoho One should hold, and why."""

    desired: Desired
    decision: Decision
    rules: str
    """A digest of what it was computed by."""
    awaits: str | None = None
    """The manager, by either id, if that one has no account yet."""
    reports_to: str | None = None
    """The manager, by either id, if that one has an account."""

    @property
    def told(self) -> dict[str, object]:
        """What of it is kept with what Entra says."""
        kept = ("desired", "awaits", "reports_to", "rules")
        return {name: getattr(self, name) for name in kept}


@dataclass(frozen=True)
class DesiredStates:
    """Computes desired states. Raises TablesBusy; ZohoBusy and ZohoCredentials where a mapping asks for free names."""

    identities: Identities
    users: Callable[[Store], ZohoUsers]
    mapping: Callable[[str], CompiledMapping]
    """A store's current mapping, by the store's id."""
    now: Callable[[], datetime]

    def of(self, store: Store, person: AzureUser, status: Status, before: Identity | None) -> DesiredState:
        """Compute one. Raises Refused if the mapping has no answer for this person, MappingUnusable if for nobody."""
        context = evaluation(store, self.now(), lambda name: self.users(store).find(name) is not None)
        mapping = self.mapping(store.id)
        policy, rules = Policy(mapping, context, store), rules_of(store, mapping)
        try:
            desired, decision = desired_account(person, status, policy, before)
        except MappingFailed as failure:
            raise Refused(f"{failure}. Look at the store's attribute mapping.") from failure
        if not isinstance(desired, ZohoUser) or (manager := desired.fields.get(ZohoField.MANAGER)) is None:
            return DesiredState(desired, decision, rules)
        so_far = before.said.desired if before else None
        if isinstance(so_far, ZohoUser) and manager == so_far.fields.get(ZohoField.MANAGER):
            # A rule kept what was desired so far, which is the account already.
            return DesiredState(desired, decision, rules, reports_to=before.said.reports_to if before else None)
        fields, known = self._with_manager(store, desired, manager)
        return DesiredState(fields, decision, rules, *((None, manager) if known else (manager, None)))

    def _with_manager(self, store: Store, desired: ZohoUser, manager: str) -> tuple[ZohoUser, bool]:
        """The desired account with the manager as Zoho One knows them, left out while they have no account there.

        ``manager``: one of Entra's two ids. With it, whether the manager has an account.
        """
        found = (
            self.identities.read(store.id, manager)
            if is_id(manager)
            else self.identities.find_object(store.id, manager)
        )
        account = found.identity.account if found else None
        others = {field: value for field, value in desired.fields.items() if field is not ZohoField.MANAGER}
        fields = others | ({ZohoField.MANAGER: account.id} if account else {})
        return ZohoUser(active=desired.active, fields=fields), account is not None
