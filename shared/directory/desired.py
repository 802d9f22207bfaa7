"""From what Entra says of a person to what Zoho One should hold of him."""

from shared.directory.azure_user import AzureUser
from shared.directory.identity import Identity
from shared.directory.mapping import Mapping
from shared.directory.status import Action, Decision, Status, StatusRules, decide
from shared.directory.zoho_user import Desired, ZohoUser


def status_of(person: AzureUser) -> Status:
    """What a SCIM push can tell of a person's status: ``active``, or left in some way."""
    return Status.ACTIVATED if person.account_enabled else Status.DEACTIVATED


def desired_account(
    person: AzureUser, status: Status, mapping: Mapping, rules: StatusRules, before: Identity | None
) -> tuple[Desired, Decision]:
    """What Zoho One should hold, and why."""
    # An account whose creation is not confirmed may exist: it counts, or it would be left behind active.
    has_account = before is not None and (before.account is not None or bool(_attempted(before)))
    decision = decide(status, rules, has_account=has_account)
    match decision.action:
        case Action.PROVISION:
            return ZohoUser(active=True, fields=mapping.fields_for(person)), decision
        case Action.DEACTIVATE:
            return ZohoUser(active=False, fields=mapping.fields_for(person)), decision
        case Action.DELETE:
            return "deleted", decision
        case Action.KEEP:
            return (before.said.desired if before and has_account else None), decision


def _attempted(identity: Identity) -> tuple[str, ...]:
    return identity.pending.attempted if identity.pending else ()
