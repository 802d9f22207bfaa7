"""Which person of a store somebody in Entra is: by the object id, else by what a push told of them."""

from collections.abc import Callable

from shared.rules.azure_user import AzureUser
from shared.rules.former import is_alike, is_pushed_of
from shared.rules.identity import id_of_object
from shared.rules.user_name import folded
from shared.sync.errors import Doubtful
from shared.tables.claims import Lookup
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored

NAMESAKES = 20
"""Number of people looked at who have the display name of a person that a push made."""


def match(
    identities: Identities,
    store: str,
    object_id: str,
    see: Callable[[], AzureUser] | None = None,
    *,
    all_listed: bool = True,
) -> Stored | None:
    """The store's person for a user in Entra: by the object id, else the one that a push made of the same user.

    ``see``: the user, asked for only where nobody has the object id. A userName alone says little: it may have been
    given to somebody else since it was pushed. So it counts only where the person that a push made can be no other
    user in Graph, which is known once it has listed everybody (``all_listed``); before that Doubtful is raised.

    Two round trips for people reported by Graph, up to eight else. Raises TablesBusy.
    """
    stored = identities.read(store, id_of_object(object_id)) or identities.find_object(store, object_id)
    if stored is not None or see is None:
        return stored
    person = see()
    holder = identities.holder_of(store, person.user_principal_name)
    if holder is not None and _is_pushed_of(holder, object_id, person) is not False:
        return holder
    external_ids = filter(None, (object_id, person.mail_nickname))
    found = [each for text in external_ids for each in identities.find(store, Lookup.EXTERNAL_ID, text)]
    alike = [
        pushed
        for pushed in (identities.read(store, each.id) for each in found)
        if pushed is not None
        and _is_pushed_of(pushed, object_id, person)
        and (is_alike(pushed.identity.said.source, person) or pushed.identity.said.keys.external_id == object_id)
    ]
    if len(alike) == 1:
        return alike[0]
    if holder is None or holder.identity.object_id is not None or _are_told_apart(holder, person):
        return None
    if not all_listed:
        raise Doubtful("Somebody of this name was pushed; who it is will be known when all are listed")
    return None if _is_another(identities, store, holder) else holder


def _is_another(identities: Identities, store: str, pushed: Stored) -> bool:
    """Whether Graph reported somebody else with the display name of a pushed person. One round trip, or two."""
    known, name = pushed.identity, pushed.identity.said.source.display_name
    if not name:
        return False
    namesakes = (each for each in identities.search(store, name, NAMESAKES) if each.id != known.id)
    return any(folded(each.name) == folded(name) for each in namesakes)


def _is_pushed_of(stored: Stored, object_id: str, person: AzureUser) -> bool | None:
    """Whether this is the person, as far as a push told; False for a person that Graph has reported already."""
    identity = stored.identity
    if identity.object_id is not None:
        return False
    return is_pushed_of(identity.said.keys.external_id, identity.said.source, object_id, person)


def _are_told_apart(stored: Stored, person: AzureUser) -> bool:
    """Whether both have employee numbers, which differ."""
    known = stored.identity.said.source.employee_id
    return bool(known and person.employee_id and known != person.employee_id)
