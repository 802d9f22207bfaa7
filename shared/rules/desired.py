"""The desired state of a person's account in Zoho One, computed from their source state."""

import hashlib
from dataclasses import dataclass

from shared.rules.azure_user import AzureUser
from shared.rules.change import NO_CHANGE, Change, ChangeKind, plan_change
from shared.rules.expressions import EvaluationContext
from shared.rules.guests import Guests
from shared.rules.identity import Account, Identity
from shared.rules.mapping.compiled import CompiledMapping, MappingFailed
from shared.rules.status import (
    Action,
    Decision,
    Reflection,
    Standing,
    Status,
    StatusRules,
    decide,
    why_left_alone,
)
from shared.rules.store import Store
from shared.rules.zoho_user import Desired, ZohoUser

COMPUTED_BY = "4"
"""Version of the rules in code. A new one makes the first cycle of a release recompute everybody."""


@dataclass(frozen=True)
class Policy:
    """A store's rules, ready to be applied to one person."""

    mapping: CompiledMapping
    context: EvaluationContext
    store: Store


def rules_of(store: Store, mapping: CompiledMapping) -> str:
    """Return a digest of everything that desired states are computed from, except the source state."""
    paths = repr(sorted(store.zoho.paths.items()))
    if store.zoho.custom_fields:
        paths += repr(sorted((field, custom.type) for field, custom in store.zoho.custom_fields.items()))
    others = (store.guests, store.default_domain or "")
    texts = (COMPUTED_BY, mapping.digest, store.status_rules.model_dump_json(), paths, *others)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def status_of(person: AzureUser) -> Status:
    """Return the status that a SCIM push can express: ``active``, or inactive for an unknown cause."""
    return Status.ACTIVATED if person.account_enabled else Status.DEACTIVATED


def desired_account(
    person: AzureUser, status: Status, policy: Policy, before: Identity | None
) -> tuple[Desired, Decision]:
    """Return the desired state and its reason. Raises MappingFailed if a rule has no result for this person.

    The desired state is what Entra says, also while the account is left alone because somebody deactivated it in Zoho
    One: that is a reason not to apply it (``needed``), and ends when it is activated again there.
    """
    standing = before.standing if before else Standing.NONE
    is_left_out = policy.store.guests is Guests.NOT_AT_ALL and person.is_guest
    if is_left_out and status in (Status.ACTIVATED, Status.DEACTIVATED):
        status = Status.UNASSIGNED
    decision = decide(status, standing, policy.store.status_rules)
    so_far = before.said.desired if before and standing is not Standing.NONE else None
    if decision.action is Action.DELETE:
        return "deleted", decision
    if decision.action is Action.KEEP and standing is Standing.DEACTIVATED_BY_HAND and is_shutting(status, policy):
        assert before is not None and before.account is not None  # noqa: PT018 - or it stands otherwise
        return ZohoUser(active=False, fields=before.account.holds.fields), decision
    if decision.action in (Action.KEEP, Action.UNMANAGE) and status is not Status.ACTIVATED:
        return so_far, decision
    account = so_far if isinstance(so_far, ZohoUser) else None
    active = status is Status.ACTIVATED
    try:
        fields = policy.mapping.fields_for(person, account, policy.context, policy.store.zoho.paths.keys())
    except MappingFailed:
        # A deprovisioning is carried out even if a rule fails; the person's other values can wait.
        if active or account is None:
            raise
        fields = account.fields
    return ZohoUser(active=active, fields=fields), decision


def is_shutting(status: Status, policy: Policy) -> bool:
    """Whether the store's rules shut out a person with this status in Entra."""
    return (
        status is not Status.ACTIVATED and policy.store.status_rules.of_deprovisioning(status)[0] is Reflection.CHANGE
    )


def is_to_be_looked_at(before: Identity | None, desired: Desired) -> bool:
    """Whether Zoho One has to be asked, though the account is inactive as it should be, by all that is known.

    Somebody deactivated it in Zoho One while the person was active in Entra, and may have activated it since.
    """
    shuts_out = isinstance(desired, ZohoUser) and not desired.active
    return before is not None and before.is_kept_inactive and shuts_out


def needed(account: Account | None, desired: Desired, rules: StatusRules) -> Change:
    """What has to be done for an account to hold what it should; nothing while status sync leaves it alone."""
    change = plan_change(account.holds if account else None, desired)
    is_left = account is not None and change.kind is ChangeKind.REACTIVATE and why_left_alone(account.standing, rules)
    return NO_CHANGE if is_left else change
