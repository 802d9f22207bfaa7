"""A store with accounts in Zoho One that were there before: two that may be somebody's, and one that is nobody's."""

from typing import Any

from local.entra.people import PEOPLE
from local.entra.person import Person
from tests.sync.reconciled import Reconciled

ANNA, BEN = [person for person in PEOPLE if person.account_enabled and person.mail][:2]
SCANNER = {"userName": "scanner@contoso.example", "displayName": "Scanner, 2nd floor", "active": True}


def let_two_wait(reconciled: Reconciled) -> None:
    """Run a cycle that proposes an account to each of two people."""
    anna, ben = _other_name(ANNA, "anna.old@zoho.example"), _other_name(BEN, "ben.old@zoho.example")
    reconciled.zoho_one.add(anna, ben, SCANNER)
    reconciled.cycle()


def user_names(reconciled: Reconciled) -> set[str]:
    """Those that Zoho One has now."""
    return {user["userName"] for user in reconciled.zoho_one.users()}


def _other_name(person: Person, name: str) -> dict[str, Any]:
    """An account under another name, with the person's work address."""
    emails = [{"type": "work", "value": person.mail, "primary": True}]
    return {"userName": name, "displayName": person.display_name, "emails": emails, "active": True}
