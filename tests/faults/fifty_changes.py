"""Eighty people in the simulated Entra, and fifty changes of them."""

from typing import Any

from local.entra.people import make_people
from local.entra.person import Person, id_of
from tests.conftest import Entra

PEOPLE = make_people(70)
ALREADY = 55
"""Of these people; with the 25 whom the simulated Entra begins with, eighty."""
GROUP = id_of("group of the campaign")

_BY_GROUP = range(40, 46)
_DISABLED = (46, 47)
_IN_BIN = (48, 49, 50)
_UNASSIGNED = 51
_NEVER_IN = (52, 53)
_GONE = (20, 50)

CREATED = frozenset(PEOPLE[number].user_principal_name for number in (*range(55, 67), *_NEVER_IN))
"""Who has an account only through the changes."""
UNDER_NEW_MANAGERS = frozenset(PEOPLE[number].user_principal_name for number in (23, 24))
"""Who has an account, and gets a manager who has none yet."""
DELETED = frozenset(PEOPLE[number].user_principal_name for number in _GONE)
"""Whose account the store's rules delete."""


def before_all(entra: Entra) -> None:
    """Eighty people, six of them by way of a group, two in nothing."""
    entra.act(*({"do": "add", "values": _values(person)} for person in PEOPLE[:ALREADY]))
    entra.act(*({"do": "unassign", "id": PEOPLE[number].id} for number in (*_BY_GROUP, *_NEVER_IN)))
    entra.act(
        {"do": "put group", "id": GROUP, "members": [PEOPLE[number].id for number in _BY_GROUP]},
        {"do": "assign group", "id": GROUP},
    )


def before_the_changes(entra: Entra) -> None:
    """After a first cycle: who is to come back leaves."""
    entra.act(
        *({"do": "disable", "id": PEOPLE[number].id} for number in _DISABLED),
        *({"do": "soft-delete", "id": PEOPLE[number].id} for number in _IN_BIN),
        {"do": "unassign", "id": PEOPLE[_UNASSIGNED].id},
    )


def change(entra: Entra) -> None:
    """The changes, each of another person."""
    entra.act(
        *(_add(number) for number in range(55, 67)),
        *(_change(number, jobTitle=f"Title {number}", department="Moved") for number in range(1, 9)),
        *(_change(number, officeLocation=None, mobilePhone="+1 555 0100") for number in (9, 10)),
        *({"do": "disable", "id": PEOPLE[number].id} for number in (13, 14, 15)),
        *({"do": "enable", "id": PEOPLE[number].id} for number in _DISABLED),
        *({"do": "unassign", "id": PEOPLE[number].id} for number in (16, 17)),
        *({"do": "soft-delete", "id": PEOPLE[number].id} for number in (18, 19)),
        *({"do": "restore", "id": PEOPLE[number].id} for number in (48, 49)),
        {"do": "soft-delete", "id": PEOPLE[20].id},
        *({"do": "hard-delete", "id": PEOPLE[number].id} for number in _GONE),
        *({"do": "remove member", "id": GROUP, "members": [PEOPLE[number].id]} for number in (40, 41)),
        *({"do": "add member", "id": GROUP, "members": [PEOPLE[number].id]} for number in _NEVER_IN),
        {"do": "assign", "id": PEOPLE[_UNASSIGNED].id},
        _change(22, manager=PEOPLE[3].id),
        _change(23, manager=PEOPLE[57].id),
        _change(24, manager=PEOPLE[62].id),
        _change(25, manager=None),
        *(_rename(number, f"renamed.{number}@contoso.example") for number in (26, 27)),
        *_chain(28, 29),
        *_chain(11, 12),
    )


def _values(person: Person, **changed: Any) -> dict[str, Any]:
    return person.model_dump(mode="json", by_alias=True) | changed


def _add(number: int) -> dict[str, Any]:
    """Somebody new; three of them under managers who are new too, one of those under the other."""
    managers = {60: 59, 61: 60, 62: 59}
    manager = {"manager": PEOPLE[managers[number]].id} if number in managers else {}
    return {"do": "add", "id": "", "values": _values(PEOPLE[number], **manager)}


def _change(number: int, **values: Any) -> dict[str, Any]:
    return {"do": "change", "id": PEOPLE[number].id, "values": values}


def _rename(number: int, name: str) -> dict[str, Any]:
    return _change(number, userPrincipalName=name, mail=name, mailNickname=name.partition("@")[0])


def _chain(first: int, second: int) -> list[dict[str, Any]]:
    """One takes the name that another gives up."""
    return [
        _rename(second, f"renamed.{second}@contoso.example"),
        _rename(first, PEOPLE[second].user_principal_name),
    ]
