"""One person in one store: source state, desired state and confirmed state."""

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
"""The origin of a deactivation: the bridge, or somebody in Zoho One."""


class Sent(StrEnum):
    """The content of a call to Zoho One, as far as a conclusion depends on it."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"
    NOTHING = "nothing"

    @classmethod
    def of(cls, desired: Desired) -> Self:
        """Return what a call sends to bring an account to this state."""
        if isinstance(desired, ZohoUser):
            return cls(cls.ACTIVE if desired.active else cls.INACTIVE)
        return cls(cls.DELETED if desired == "deleted" else cls.NOTHING)


class Account(Model):
    """An account in Zoho One and its confirmed state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    holds: ZohoUser
    deactivated_by: DoneBy | None = None
    """For an inactive account: whether the bridge deactivated it, or somebody in Zoho One."""

    def holding_only(self, known: Self) -> Self:
        """Return the account as it was seen, without the fields that the bridge never set: they are not its own."""
        fields = {name: value for name, value in self.holds.fields.items() if name in known.holds.fields}
        return self.model_copy(update={"holds": ZohoUser(active=self.holds.active, fields=fields)})

    @property
    def standing(self) -> Standing:
        """The standing of the account, for status sync."""
        if self.holds.active:
            return Standing.ACTIVE
        return Standing.DEACTIVATED_BY_HAND if self.deactivated_by == "hand" else Standing.DEACTIVATED_BY_BRIDGE


class SourceState(Model):
    """A person's source state, and the desired state computed from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """The SCIM User as Entra wrote it, as JSON: what a SCIM read returns."""
    keys: Keys
    source: AzureUser
    desired: Desired
    status: Status | None = None
    """The status reported by Graph, or DELETED from either source; None: the status that a push expresses, in
    ``resource``.
    """
    reports_to: str | None = None
    """The manager, by the bridge's id or Entra's, if their account in Zoho One is part of the desired state."""
    rules: str = ""
    """A digest of the mapping and rules that ``desired`` was computed from; empty: computed by an earlier release."""
    awaits: str | None = None
    """The manager, by the bridge's id or Entra's, if they have no account in Zoho One yet."""
    in_bin: bool = False
    """Whether Graph's latest report says that the user object is in the recycle bin, or gone."""
    unverified: bool = False
    """Whether a push wrote it after Graph had reported the person: a push may be late, and does not say which user
    object it is about, so the next cycle reads the person again by their object id.
    """
    modified: datetime

    @property
    def name(self) -> str:
        """The name shown on pages and in plans."""
        return self.source.display_name or self.keys.user_name

    @property
    def is_in_bin(self) -> bool:
        """Whether the person is in Entra's recycle bin, according to Graph or to the pushed name.

        Such a person owns no name: somebody else may have it.
        """
        return self.in_bin or is_in_bin(self.keys.user_name, self.source.user_principal_name)


class PendingChange(Pending[SourceState], Refusals):
    """A person's change that is not confirmed."""

    password_due: bool = False
    """A one-time password comes with the creation: Zoho One had no such account before, so the bridge created any
    it finds.
    """
    sending: Sent | None = None
    """The content sent by the attempt that holds or last held the lease. Later source states do not change it."""
    sent: tuple[Sent, ...] | None = None
    """What earlier attempts may have sent; None: written by a release that did not store it."""
    adopts: str | None = None
    """The account in Zoho One that a plan lets the person adopt; once begun, it goes on with this one."""
    begun: bool = True
    """Whether Zoho One may have received the change, so that its state is looked up first."""

    def sent_before(self, said: SourceState) -> tuple[Sent, ...]:
        """Return what Zoho One may have been sent by finished attempts. ``said``: the source state when the last
        one began.
        """
        if not self.begun:
            return ()
        if self.sent is None:
            # Earlier releases stored only the current and the previous desired state.
            wanted = (said.desired, *([self.before.desired] if self.before else []))
            return tuple(dict.fromkeys(map(Sent.of, wanted)))
        return tuple(dict.fromkeys((*self.sent, *([self.sending] if self.sending else []))))

    def noting_sent(self, said: SourceState) -> Self:
        """Return the change in this release's form, before a later source state replaces ``said``."""
        return self if self.sent is not None else self.model_copy(update={"sent": self.sent_before(said)})

    def refused(self, failure: str, now: datetime, spread: float) -> Self:
        """Return the change after a refusal. ``spread``: as in ``waiting``."""
        counted = self.given_back(failure).model_copy(update={"refusals": self.refusals + 1})
        return counted.waiting(now, spread)


class Identity(Managed[PendingChange, Account]):
    """One person in one directory store."""

    id: str
    object_id: str | None = None
    """Entra's id of the person, once Graph has reported them; a push does not contain it."""
    said: SourceState
    created: datetime
    left_at: datetime | None = None
    """When the guard last counted that the person leaves; None: never, or an administrator approved it."""

    @property
    def standing(self) -> Standing:
        """The account's standing, for status sync. An account with an unconfirmed creation may exist, so it counts."""
        if self.account is not None:
            return self.account.standing
        return Standing.ACTIVE if self.pending is not None and self.pending.attempted else Standing.NONE

    @property
    def counts_as_active(self) -> bool:
        """Whether the guard counts the account as active: until its deprovisioning begins."""
        going = self.pending is not None and self.pending.counted
        return self.account is not None and self.account.holds.active and not going

    @property
    def is_deprovisioning(self) -> bool:
        """Whether the pending change deactivates or deletes the account."""
        holds = self.account.holds if self.account else None
        return plan_change(holds, self.said.desired).kind in DEPROVISIONINGS

    @property
    def is_being_deleted(self) -> bool:
        """Whether the identity is removed once Zoho One has confirmed: Entra deleted the person."""
        return self.said.status is Status.DELETED

    @property
    def is_kept_inactive(self) -> bool:
        """Whether the person is active in Entra and their account is not: a sync endpoint shows the actual state."""
        said, account = self.said, self.account
        is_active = said.status is Status.ACTIVATED or (said.status is None and said.source.account_enabled)
        return is_active and account is not None and not account.holds.active

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What Zoho One may have been sent by finished attempts since it last confirmed anything."""
        return self.pending.sent_before(self.said) if self.pending else ()

    @property
    def former(self) -> Former | None:
        """The account of a person in Entra's recycle bin, which another user object may adopt."""
        return self.former_of(self.account) if self.account is not None and self.said.is_in_bin else None

    def former_of(self, account: Account) -> Former | None:
        """Return what is kept of an account when its person is deleted."""
        user_name = account.holds.fields.get(ZohoField.USER_NAME)
        if user_name is None:
            return None
        traits = Traits.of(self.object_id, self.said.source)
        return Former(account=account.id, user_name=user_name, person=self.id, traits=traits)

    def adopting(self, account_id: str) -> Self:
        """Return the identity with an account in its pending change that an administrator allowed to be adopted."""
        mark = self.pending and self.pending.model_copy(update={"adopts": account_id})
        return self.model_copy(update={"pending": mark})

    def without_account(self) -> Self:
        """Return a person in the recycle bin after another user object adopted their account."""
        said = self.said.model_copy(update={"desired": None, "status": Status.DEACTIVATED, "awaits": None})
        return self.model_copy(update={"said": said, "account": None, "pending": None})


def id_of_object(object_id: str) -> str:
    """Return the bridge's id of a user or group first reported by Graph: every process computes the same one."""
    return object_id.replace("-", "")
