"""The name that Entra gives a user in its recycle bin, which is not a rename.

When a user is deleted, Entra puts the object id, 32 hexadecimal digits, before the user principal name, so that the
name is free for somebody else. Its provisioning service pushes that as userName, and as the address if that is mapped
from it. A restored user has their own name again.
https://learn.microsoft.com/entra/architecture/recover-from-deletions: "Recover from deletions"; what is pushed was seen
in https://github.com/onyx-dot-app/onyx/pull/14074.
"""

import re

from shared.rules.azure_user import AzureUser
from shared.rules.guests import mapped_name
from shared.rules.user_name import folded

_DISFIGURED = re.compile(r"([0-9a-f]{32})([^@\s]+@[^@\s]+)", re.IGNORECASE)


def object_in_bin(text: str) -> str | None:
    """Return the object id, 32 hexadecimal digits, before a name or an address of a user in the recycle bin."""
    found = _DISFIGURED.fullmatch(text)
    return found[1].lower() if found else None


def is_in_bin(shown: str, own: str) -> bool:
    """Return whether ``shown`` is the recycle bin form of the user name ``own``."""
    return object_in_bin(shown) is not None and folded(mapped_name(shown[32:])) == folded(mapped_name(own))


def under_own_name(person: AzureUser, known: AzureUser | None) -> AzureUser:
    """Return the person with their own name and addresses, where Entra put the object id before them.

    ``known``: the person as known before. An active person who is not known and has such a name keeps it.
    """
    if known is None and person.account_enabled:
        return person
    prefix = object_in_bin(person.user_principal_name)
    changed = {
        "user_principal_name": _own(person.user_principal_name, known.user_principal_name if known else None),
        "original_user_principal_name": _own(
            person.original_user_principal_name, known.original_user_principal_name if known else None
        ),
        "mail": _own(person.mail, known.mail if known else None),
        "other_mails": tuple(_own(each, None) or each for each in person.other_mails),
    }
    nickname = person.mail_nickname
    if prefix and nickname and len(nickname) > len(prefix) and nickname.lower().startswith(prefix):
        changed["mail_nickname"] = nickname[len(prefix) :]
    return person.model_copy(update=changed)


def _own(shown: str | None, known: str | None) -> str | None:
    """Return a name or an address without the object id before it, unless it was already known in that form."""
    prefix = object_in_bin(shown) if shown else None
    if shown is None or prefix is None or (known is not None and known.lower().startswith(prefix)):
        return shown
    return shown[len(prefix) :]
