"""The account of a person who is gone from Entra, and whether a new user is that person.

An object id identifies a person; a name does not: Entra lets a new user have the name of a deleted one. A user with
another object id counts as the same person, created again, only if something proves it:

====================================================  =========================
what is known of both                                 the same person
====================================================  =========================
object ids, equal                                     yes
employee numbers                                      if they are equal
no object id of the former (pushed, and never read    unless a name, an address
from Graph)                                           or a mail alias differs
display names equal, and no first name, last name,    yes
address, mail alias or Active Directory name differs
anything else                                         no: another person
====================================================  =========================

Two people with the same name and without employee numbers cannot be distinguished if one gets the other's sign-in name
and mail alias. Reused names are reported in https://github.com/MicrosoftDocs/azure-docs/issues/101526. The table also
decides about a push whose sender found the former person by the name, and writes another person over their row.
"""

import re
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.azure_user import AzureUser
from shared.rules.change import FieldChange
from shared.rules.user_name import folded
from shared.rules.zoho_user import ZohoUser

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAMED = ("given_name", "surname", "mail", "mail_nickname", "on_premises_sam_account_name")


class Adoptions(StrEnum):
    """What a store does if the account of somebody who is gone has the userName of another, new person."""

    HOLD = "hold"
    ALWAYS = "always adopt"
    NEVER = "never"


class Traits(Model):
    """The attributes that distinguish one person from another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object_id: str | None = None
    employee_id: str | None = None
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    mail: str | None = None
    mail_nickname: str | None = None
    on_premises_sam_account_name: str | None = None

    @classmethod
    def of(cls, object_id: str | None, person: AzureUser) -> Self:
        """Return a person's traits."""
        named = {name: getattr(person, name) for name in ("employee_id", "display_name", *_NAMED)}
        return cls(object_id=object_id, **named)

    @classmethod
    def pushed(cls, external_id: str | None, person: AzureUser) -> Self:
        """Those of somebody who was pushed. Some mappings give the object id as externalId, not the mail alias."""
        if external_id is None or not _OBJECT_ID.fullmatch(external_id):
            return cls.of(None, person)
        return cls.of(external_id.lower(), person).model_copy(update={"mail_nickname": None})


class Former(Model):
    """The account of a person who is in Entra's recycle bin, or gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    """The account's id in Zoho One."""
    user_name: str
    """The account's userName in Zoho One."""
    person: str
    """The id that the person has, or had, in the bridge."""
    traits: Traits

    @property
    def name(self) -> str:
        """The name by which an administrator knows the person."""
        return self.traits.display_name or self.user_name


class Adoption(Model):
    """An account that Zoho One already has, and that becomes, or may become, a new person's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    former: str
    """The id in the bridge of the account's former person; empty if it had none."""
    name: str
    """The former person's name; without one, the account's userName."""
    another: bool
    """Whether that was another person, so that an administrator has to approve."""
    holds: ZohoUser | None = None
    """What the account held when the plan was made; None in a plan of an earlier release."""
    left_alone: bool = False
    """Whether status sync leaves it as it is."""
    why_left: str = ""
    """Why it does, a sentence."""
    rule: str = ""
    """The matching rule that found it, or the administrator's verdict; empty in a plan of an earlier release."""
    why: str = ""
    """Why it is the person's, or may be, a sentence."""
    agreed: bool = False
    """Whether an administrator accepted or linked just this account."""
    fields: tuple[FieldChange, ...] = ()
    """For one that is proposed: what adopting it would change."""

    @property
    def reason(self) -> str:
        """The reason, in sentences: whose the account is, and what becomes of one that is not active."""
        told = [self.why or "Zoho One already has an account with this userName, which is adopted."]
        if self.former and self.another:
            which = "with this userName" if self.rule in ("", "userName") else "that matches"
            told = [f"The account {which} is that of {self.name}, another person, who was deleted in Entra."]
            told += [self.why] if self.agreed else []
        elif self.former:
            told = ["The account that the person had before they were deleted in Entra is adopted."]
        if self.left_alone and self.why_left:
            told.append(f"It stays deactivated: {self.why_left}")
        elif self.holds is not None and not self.holds.active and not self.left_alone:
            told.append("It is activated again.")
        return " ".join(told)


def is_same_person(former: Traits, comes: Traits) -> bool:
    """Return whether the new person is the former one, by the table above."""
    if (is_same := _by_number(former, comes)) is not None:
        return is_same
    differs = any(_differ(getattr(former, name), getattr(comes, name)) for name in ("display_name", *_NAMED))
    if former.object_id is None:
        return not differs
    return not differs and bool(former.display_name and comes.display_name)


def is_pushed_over(known: Traits, pushed: Traits, *, in_bin: bool) -> bool:
    """Whether a push that is about somebody else of the name would write over a known person.

    ``in_bin``: the known person lies in Entra's recycle bin, so that anybody may have the name. Somebody who is there
    may have been given another name: only another employee number tells that they are two people.
    """
    if (is_same := _by_number(known, pushed)) is not None:
        return not is_same
    return in_bin and not is_same_person(known, pushed)


def is_another_who_comes(known: Traits, pushed: Traits) -> bool:
    """Whether a push that brings back somebody who is not active is about another person, who has the name by now.

    Somebody who was out of Entra's scope leaves unheard, and nobody comes back with every name changed.
    """
    if (is_same := _by_number(known, pushed)) is not None:
        return not is_same
    return all(
        _differ(getattr(known, name), getattr(pushed, name)) for name in ("display_name", "given_name", "surname")
    )


def is_pushed_of(external_id: str | None, pushed: AzureUser, object_id: str, person: AzureUser) -> bool | None:
    """Return whether a person known only from a push is this person in Graph; None: nothing proves it either way.

    ``external_id``: the pushed externalId. Entra's default mapping puts the mail alias there, many put the object id.
    """
    if external_id and external_id.lower() == object_id.lower():
        return True
    if pushed.employee_id and person.employee_id:
        return pushed.employee_id == person.employee_id
    if external_id and person.mail_nickname and folded(external_id) == folded(person.mail_nickname):
        return True
    if any(_differ(getattr(pushed, name), getattr(person, name)) for name in ("display_name", "given_name", "surname")):
        return False
    return None


def is_surely_pushed_of(external_id: str | None, pushed: AzureUser, object_id: str, person: AzureUser) -> bool:
    """The same by more than a mail alias: by the object id, the employee number, or a name or address beside it."""
    if not is_pushed_of(external_id, pushed, object_id, person):
        return False
    if _is_proven(external_id, pushed, object_id, person):
        return True
    return is_alike(pushed, person) and not has_other_names(external_id, pushed, object_id, person)


def has_other_names(external_id: str | None, pushed: AzureUser, object_id: str, person: AzureUser) -> bool:
    """Return whether every name differs, so that an equal user name, address or mail alias proves nothing.

    Somebody else may get all of these once their owner is gone. Hardly anybody's first and last name change at once.
    """
    shown = (pushed.display_name, person.display_name)
    if _is_proven(external_id, pushed, object_id, person) or (all(shown) and not _differ(*shown)):
        return False
    return all(_differ(getattr(pushed, name), getattr(person, name)) for name in ("given_name", "surname"))


def is_alike(pushed: AzureUser, person: AzureUser) -> bool:
    """Return whether a name or an address is equal: two people of different domains may have one mail alias."""
    both = [(getattr(pushed, name), getattr(person, name)) for name in ("display_name", "given_name", "mail")]
    return any(one and other and folded(one) == folded(other) for one, other in both)


def adoption_of(former: Former, comes: Traits) -> Adoption:
    """Return the adoption that takes place if the new person gets the account."""
    another = not is_same_person(former.traits, comes)
    return Adoption(account=former.account, former=former.person, name=former.name, another=another)


def why_not_adopted(adoption: Adoption, policy: Adoptions, approved: str | None) -> str | None:
    """Return why an account may not be adopted, a sentence, or None if it may.

    ``approved``: the account that an administrator approved.
    """
    if not adoption.another or policy is Adoptions.ALWAYS:
        return None
    if policy is Adoptions.NEVER:
        return f"{adoption.reason} The store never lets it be adopted."
    if approved == adoption.account or adoption.agreed:
        return None
    return f"{adoption.reason} An administrator has to agree to the plan that lets it be adopted."


def _by_number(one: Traits, other: Traits) -> bool | None:
    """Whether the object id or the employee numbers say that two are one person; None: they say nothing."""
    if one.object_id is not None and one.object_id == other.object_id:
        return True
    if one.employee_id and other.employee_id:
        return one.employee_id == other.employee_id
    return None


def _is_proven(external_id: str | None, pushed: AzureUser, object_id: str, person: AzureUser) -> bool:
    """Whether the object id or the employee number is the same."""
    numbered = bool(pushed.employee_id) and pushed.employee_id == person.employee_id
    return numbered or (external_id or "").lower() == object_id.lower()


def _differ(before: str | None, now: str | None) -> bool:
    return bool(before and now) and folded(str(before)) != folded(str(now))
