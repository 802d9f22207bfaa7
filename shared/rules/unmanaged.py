"""The accounts that Zoho One has and nobody manages, as a store's last full reading of them found them."""

import hashlib
from typing import Self

from pydantic import AwareDatetime, ConfigDict

from shared.model import Model
from shared.rules.matching import compared
from shared.rules.zoho_user import ZohoField, ZohoUser


class UnmanagedAccount(Model):
    """An account that nobody manages, last seen when the accounts were last read: one that is gone has no row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Its id in Zoho One."""
    holds: ZohoUser
    first_seen: AwareDatetime

    @property
    def user_name(self) -> str:
        """The userName, or the id of an account that shows none."""
        return self.holds.fields.get(ZohoField.USER_NAME, self.id)

    @property
    def name(self) -> str:
        """The name by which an administrator knows the account."""
        return self.holds.fields.get(ZohoField.DISPLAY_NAME) or self.user_name

    @property
    def email(self) -> str | None:
        """The work address."""
        return self.holds.fields.get(ZohoField.EMAIL)

    @property
    def domain(self) -> str:
        """The domain of the work address, or of the userName; empty if neither has one."""
        return (compared(self.email) or compared(self.user_name) or "").rpartition("@")[2]


class AccountsReading(Model):
    """The last time that all accounts in Zoho One were read to the end, and what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    incarnation: str = ""
    """The store's: one that was deleted and added again, or restored, has read nothing yet."""
    accounts: int = 0
    """Number of accounts in Zoho One."""
    unmanaged: int = 0
    """Number of those that nobody manages."""
    active: int = 0
    """Number of active accounts among these."""
    fields: tuple[ZohoField, ...] = ()
    """The fields by which the rows are found: those that the matching rules compared."""

    def is_of(self, incarnation: str) -> Self | None:
        """Return the reading if it is this store's, or None."""
        return self if self.incarnation == incarnation else None


def digest_of(holds: str, fields: tuple[ZohoField, ...]) -> str:
    """Return what is equal while an account's row need not be written. ``holds``: what it holds, as JSON."""
    return hashlib.sha256("\n".join((holds, *fields)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
