"""Which person of a store somebody in Entra is: by the object id, else by what a push told of them, and vice versa."""

from collections.abc import Callable

from shared.rules.azure_user import AzureUser
from shared.rules.former import has_other_names, is_pushed_of, is_surely_pushed_of
from shared.rules.identity import id_of_object
from shared.rules.keys import Keys
from shared.rules.user_name import folded
from shared.sync.errors import Doubtful
from shared.tables.claims import Lookup
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored

OTHER_NAMES = (
    "Entra pushed a person of other names with this user name or mail alias, who may be the same: Entra's next push of "
    "that person tells. If none comes, let go of that person in the console"
)
"""Why somebody waits."""
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
    user in Graph, which is known once it has listed everybody (``all_listed``); before that Doubtful is raised. It is
    raised, too, where the name or the mail alias is the same and nothing else: Entra's next push, or Graph's next word,
    tells which of two people it is.

    Two round trips for people reported by Graph, up to eight else. Raises TablesBusy.
    """
    stored = identities.read(store, id_of_object(object_id)) or identities.find_object(store, object_id)
    if stored is not None or see is None:
        return stored
    person = see()
    holder = identities.holder_of(store, person.user_principal_name)
    is_holder = _is_pushed_of(holder, object_id, person) if holder is not None else False
    if holder is not None and is_holder is not False and not _has_other_names(holder, object_id, person):
        return holder
    external_ids = filter(None, (object_id, person.mail_nickname))
    found = [each for text in external_ids for each in identities.find(store, Lookup.EXTERNAL_ID, text)]
    pushed = [each for each in (identities.read(store, each.id) for each in found) if each and _is_only_pushed(each)]
    alike = [each for each in pushed if _is_surely_pushed_of(each, object_id, person)]
    if len(alike) == 1:
        return alike[0]
    if any(_is_pushed_of(each, object_id, person) for each in pushed):
        raise Doubtful(OTHER_NAMES)
    if holder is None or holder.identity.object_id is not None or _are_told_apart(holder, person):
        return None
    if not all_listed:
        raise Doubtful("Somebody of this name was pushed; who it is will be known when all are listed")
    if _is_another(identities, store, holder):
        return None
    if _has_other_names(holder, object_id, person):
        raise Doubtful(OTHER_NAMES)
    return holder


def match_pushed(identities: Identities, store: str, pushed: AzureUser, keys: Keys) -> Stored | None:
    """The store's person for somebody who is pushed for the first time, where Graph has reported them already.

    Their name may be another since Graph reported them, so that Entra's service does not find them by it. Three round
    trips, and one for each person who is looked at. Raises TablesBusy, and Doubtful where nothing but the mail alias
    says that they are one: the next cycle reads in Graph who has the name that is pushed.
    """
    found = identities.find(store, Lookup.EXTERNAL_ID, keys.external_id) if keys.external_id else []
    found += [each for address in keys.work_addresses for each in identities.find(store, Lookup.EMAIL, address)]
    ids = {each.id for each in found}
    if pushed.display_name and pushed.employee_id:
        ids |= {each.id for each in identities.search(store, pushed.display_name, NAMESAKES)}
    if keys.external_id and (named := identities.find_object(store, keys.external_id.lower())) is not None:
        ids.add(named.identity.id)
    same, doubtful = list[Stored](), False
    for known in identities.several(store, sorted(ids)).values():
        said, object_id = known.identity.said, known.identity.object_id
        if object_id is None or said.is_in_bin:
            continue
        if is_surely_pushed_of(keys.external_id, pushed, object_id, said.source):
            same.append(known)
        doubtful = doubtful or is_pushed_of(keys.external_id, pushed, object_id, said.source) is True
    if len(same) == 1:
        return same[0]
    if doubtful:
        raise Doubtful("Somebody else has this mail alias, who may be the same person under the name of before")
    return None


def _is_another(identities: Identities, store: str, pushed: Stored) -> bool:
    """Whether Graph reported somebody else with the display name of a pushed person. One round trip, or two."""
    known, name = pushed.identity, pushed.identity.said.source.display_name
    if not name:
        return False
    namesakes = (each for each in identities.search(store, name, NAMESAKES) if each.id != known.id)
    return any(folded(each.name) == folded(name) for each in namesakes)


def _is_only_pushed(stored: Stored) -> bool:
    """Whether a push made a person that Graph has not reported yet, and who has not left by what was pushed since."""
    said = stored.identity.said
    return stored.identity.object_id is None and said.source.account_enabled and not said.is_in_bin


def _is_surely_pushed_of(stored: Stored, object_id: str, person: AzureUser) -> bool:
    said = stored.identity.said
    return is_surely_pushed_of(said.keys.external_id, said.source, object_id, person)


def _has_other_names(stored: Stored, object_id: str, person: AzureUser) -> bool:
    said = stored.identity.said
    return has_other_names(said.keys.external_id, said.source, object_id, person)


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
