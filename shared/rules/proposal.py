"""A person who waits for an administrator: an account that Zoho One already has may be theirs."""

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.former import Adoption
from shared.rules.plan import PlannedChange
from shared.rules.zoho_user import ZohoField


class Proposal(Model):
    """What the last plan proposed for a person, until an administrator decides or a plan proposes nothing any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: PlannedChange
    """Of the kind propose: the person, why, and each account with what it holds and what adopting it would change."""
    since: AwareDatetime
    """When a plan first proposed just this."""

    @property
    def accounts(self) -> tuple[Adoption, ...]:
        """The accounts, one of which the person may get."""
        return self.change.proposes


def sides(adoption: Adoption) -> tuple[tuple[ZohoField, str | None, str | None], ...]:
    """Return both sides of a proposal, field by field: what the account holds, and what the person should have."""
    held = adoption.holds.fields if adoption.holds else {}
    wanted = dict(held) | {part.field: part.after for part in adoption.fields}
    return tuple(
        (field, held.get(field), wanted.get(field)) for field in ZohoField if held.get(field) or wanted.get(field)
    )
