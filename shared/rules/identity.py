"""One person in one store: what Entra says, what Zoho One should hold, what it was last confirmed to hold."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.azure_user import AzureUser
from shared.rules.change import DEPROVISIONINGS, plan_change
from shared.rules.former import Former, Traits
from shared.rules.keys import Keys
from shared.rules.pending import Managed, Pending, Refusals
from shared.rules.recycle_bin import is_in_bin
from shared.rules.status import Standing, Status
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser

type DoneBy = Literal["bridge", "hand"]
"""Who made an account inactive: the bridge, or somebody in Zoho One."""


class Sent(StrEnum):
    """What a call to Zoho One asked for, as far as a conclusion depends on it."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"
    NOTHING = "nothing"

    @classmethod
    def of(cls, desired: Desired) -> Self:
        """What is sent to bring an account to this state."""
        if isinstance(desired, ZohoUser):
            return cls(cls.ACTIVE if desired.active else cls.INACTIVE)
        return cls(cls.DELETED if desired == "deleted" else cls.NOTHING)


class Account(Model):
    """An account in Zoho One and what it was last confirmed to hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    holds: ZohoUser
    deactivated_by: DoneBy | None = None
    """Of an inactive account: whether the bridge made it so, or somebody in Zoho One."""

    @property
    def standing(self) -> Standing:
        """What status sync knows of it."""
        if self.holds.active:
            return Standing.ACTIVE
        return Standing.DEACTIVATED_BY_HAND if self.deactivated_by == "hand" else Standing.DEACTIVATED_BY_BRIDGE


class SourceState(Model):
    """What Entra says of a person, and what Zoho One should therefore hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM User as Entra wrote it, as JSON: what a SCIM read answers."""
    keys: Keys
    source: AzureUser
    desired: Desired
    status: Status | None = None
    """The status that Graph told, or DELETED by either source; None: what a push can tell, which is in the source."""
    reports_to: str | None = None
    """The manager, by the bridge's id or Entra's, if their account in Zoho One is part of what is desired."""
    rules: str = ""
    """A digest of the mapping and the rules that ``desired`` was computed by; empty: by a release before this."""
    awaits: str | None = None
    """The manager, by the bridge's id or Entra's, if they have no account in Zoho One yet."""
    in_bin: bool = False
    """Whether Graph's last word of the person's object is that it is in the recycle bin, or gone."""
    modified: datetime

    @property
    def name(self) -> str:
        """What pages and plans call the person."""
        return self.source.display_name or self.keys.user_name

    @property
    def is_in_bin(self) -> bool:
        """Whether the person lies in the recycle bin of Entra, by Graph's word or by the name that was pushed.

        Such a one owns no name: somebody else may be called so.
        """
        return self.in_bin or is_in_bin(self.keys.user_name, self.source.user_principal_name)


class PendingChange(Pending[SourceState], Refusals):
    """A person's change under way to Zoho One."""

    password_due: bool = False
    """A one-time password comes with the creation: Zoho One had no such account when it began, so one found is ours."""
    sending: Sent | None = None
    """What the try that holds or last held the lease sends. Later words of Entra's do not change it."""
    sent: tuple[Sent, ...] | None = None
    """What earlier tries may have sent; None: written by a release that did not note it."""
    adopts: str | None = None
    """The account in Zoho One of somebody who is gone that an administrator agreed to let be adopted."""
    begun: bool = True
    """Whether Zoho One may have heard of it, so that one looks there first."""

    def sent_before(self, said: SourceState) -> tuple[Sent, ...]:
        """What Zoho One may have been sent by tries that are over. ``said``: what was said when the last one began."""
        if not self.begun:
            return ()
        if self.sent is None:
            # A release before this noted no more than what was desired, and before that.
            wanted = (said.desired, *([self.before.desired] if self.before else []))
            return tuple(dict.fromkeys(map(Sent.of, wanted)))
        return tuple(dict.fromkeys((*self.sent, *([self.sending] if self.sending else []))))

    def noting_sent(self, said: SourceState) -> Self:
        """The mark in the form of this release, before a later word takes the place of ``said``."""
        return self if self.sent is not None else self.model_copy(update={"sent": self.sent_before(said)})

    def refused(self, failure: str, now: datetime, spread: float) -> Self:
        """After a try that Zoho One refused. ``spread``: as of ``waiting``."""
        counted = self.given_back(failure).model_copy(update={"refusals": self.refusals + 1})
        return counted.waiting(now, spread)


class Identity(Managed[PendingChange, Account]):
    """One person in one directory store."""

    id: str
    object_id: str | None = None
    """Entra's id of the person, once Graph has reported them; a push does not bring it."""
    said: SourceState
    created: datetime

    @property
    def standing(self) -> Standing:
        """What status sync knows of the account. One whose creation is not confirmed may exist, so it counts."""
        if self.account is not None:
            return self.account.standing
        return Standing.ACTIVE if self.pending is not None and self.pending.attempted else Standing.NONE

    @property
    def counts_as_active(self) -> bool:
        """Whether the guard has the account among the active ones: until its deprovisioning begins."""
        going = self.pending is not None and self.pending.counted
        return self.account is not None and self.account.holds.active and not going

    @property
    def departs(self) -> bool:
        """Whether what is under way deactivates or deletes the account."""
        holds = self.account.holds if self.account else None
        return plan_change(holds, self.said.desired).kind in DEPROVISIONINGS

    @property
    def is_going(self) -> bool:
        """Whether the identity goes once Zoho One has confirmed: Entra's last word is that it deleted the person."""
        return self.said.status is Status.DELETED

    @property
    def is_shut_out(self) -> bool:
        """Whether Entra says active and the account is not: a sync endpoint shows what is, not what was wished."""
        said, account = self.said, self.account
        told = said.status is Status.ACTIVATED or (said.status is None and said.source.account_enabled)
        return told and account is not None and not account.holds.active

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What Zoho One may have been sent since it last confirmed anything, by tries that are over."""
        return self.pending.sent_before(self.said) if self.pending else ()

    @property
    def former(self) -> Former | None:
        """The account of somebody who lies in Entra's recycle bin: it may become that of another object."""
        return self.leaves(self.account) if self.account is not None and self.said.is_in_bin else None

    def leaves(self, account: Account) -> Former | None:
        """What is kept of an account that this person leaves behind."""
        user_name = account.holds.fields.get(ZohoField.USER_NAME)
        if user_name is None:
            return None
        traits = Traits.of(self.object_id, self.said.source)
        return Former(account=account.id, user_name=user_name, person=self.id, traits=traits)

    def adopting(self, account_id: str) -> Self:
        """With the account in the mark that an administrator agreed to let be adopted."""
        mark = self.pending and self.pending.model_copy(update={"adopts": account_id})
        return self.model_copy(update={"pending": mark})

    def without_account(self) -> Self:
        """A person in the recycle bin after their account became that of another object."""
        said = self.said.model_copy(update={"desired": None, "status": Status.DEACTIVATED, "awaits": None})
        return self.model_copy(update={"said": said, "account": None, "pending": None})


def id_of_object(object_id: str) -> str:
    """The id in the bridge of a person or group that Graph reported first: every process gives it the same."""
    return object_id.replace("-", "")
