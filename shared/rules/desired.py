"""From what Entra says of a person to what Zoho One should hold of him."""

import hashlib
from dataclasses import dataclass

from shared.rules.azure_user import AzureUser
from shared.rules.expressions import EvaluationContext
from shared.rules.identity import Identity
from shared.rules.mapping.compiled import CompiledMapping, MappingFailed
from shared.rules.status import Action, Decision, Standing, Status, decide
from shared.rules.store import Store
from shared.rules.zoho_user import Desired, ZohoUser

COMPUTED_BY = "2"
"""Another one lets everybody be computed again by the first cycle of a release."""


@dataclass(frozen=True)
class Policy:
    """What a store has decided, ready to be applied to one person."""

    mapping: CompiledMapping
    context: EvaluationContext
    store: Store


def rules_of(store: Store, mapping: CompiledMapping) -> str:
    """A digest of what desired states are computed by, beside what Entra says."""
    paths = repr(sorted(store.zoho.paths.items()))
    texts = (COMPUTED_BY, mapping.digest, store.status_rules.model_dump_json(), paths)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def status_of(person: AzureUser) -> Status:
    """What a SCIM push can tell of a person's status: ``active``, or left in some way."""
    return Status.ACTIVATED if person.account_enabled else Status.DEACTIVATED


def desired_account(
    person: AzureUser, status: Status, policy: Policy, before: Identity | None
) -> tuple[Desired, Decision]:
    """What Zoho One should hold, and why. Raises MappingFailed where a rule has no answer for this person."""
    standing = before.standing if before else Standing.NONE
    decision = decide(status, standing, policy.store.status_rules)
    so_far = before.said.desired if before and standing is not Standing.NONE else None
    if decision.action is Action.DELETE:
        return "deleted", decision
    if decision.action in (Action.KEEP, Action.LET_GO):
        return so_far, decision
    account = so_far if isinstance(so_far, ZohoUser) else None
    active = decision.action is Action.PROVISION
    try:
        fields = policy.mapping.fields_for(person, account, policy.context, policy.store.zoho.paths.keys())
    except MappingFailed:
        # Someone who leaves is shut out even where a rule fails; what else he is called can wait.
        if active or account is None:
            raise
        fields = account.fields
    return ZohoUser(active=active, fields=fields), decision
