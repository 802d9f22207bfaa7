"""Whether an account in Zoho One is as it should be, given what Entra says of its person."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.entra.mapping import ACTIVE, DEFAULT_MAPPING, MANAGER, mapped_values
from local.entra.person import Person
from local.walkthrough.map_attributes import WORK_LOCATION
from local.zoho_one.scim_path import ZOHO_ONE, ScimPath

type User = dict[str, Any]

SENT_BY_ENTRA = tuple(mapping.path for mapping in DEFAULT_MAPPING)
# The same for everybody, whatever Entra says: the store maps it with a hard-coded value.
HARD_CODED = {f"{ZOHO_ONE}:workLocation": WORK_LOCATION}
# Zoho One's SCIM interface has no place for the enterprise attributes (see facts/zoho.md).
KEPT_IN_ZOHO_ONE = tuple(path for path in SENT_BY_ENTRA if path.extension is None)
KEPT_IN_ZOHO_ONE += tuple(ScimPath.parse(path) for path in HARD_CODED)


@dataclass(frozen=True)
class Standing:
    """What is known of one person at the end.

    `person` is what Entra said last; `active` whether he should be able to work in Zoho One, `ever_active` whether he
    ever should have been. `manager_id` is the bridge's id of his manager, if that one has an account.
    """

    person: Person
    active: bool
    ever_active: bool
    deleted: bool  # for good
    manager_id: str | None
    bridge_user: User | None
    account: User | None


def problems(standing: Standing) -> list[str]:
    """Return what is wrong with a person's account, nothing if all is as the default rules have it.

    Those are: who leaves, in whatever way, keeps his account, but deactivated; who was never active has none; of every
    mapped attribute the account holds what Entra says. And the bridge shows Entra what Entra sent, manager included.
    """
    if not standing.ever_active:
        return ["has an account, but was never active"] if standing.account else []
    if standing.account is None:
        return ["has no account"]
    status = {ACTIVE: str(standing.active)}
    wanted = mapped_values(standing.person) | status
    # The name that Entra gives somebody in its recycle bin is no rename: their account keeps its own.
    own = mapped_values(standing.person.out_of_bin()) | status if standing.person.deleted_date_time else wanted
    held = _differences("", standing.account, own | HARD_CODED, KEPT_IN_ZOHO_ONE)
    return [*held, *_problems_in_bridge(standing, wanted)]


def _problems_in_bridge(standing: Standing, wanted: dict[str, str]) -> list[str]:
    if standing.deleted:
        return ["the bridge still shows him to Entra"] if standing.bridge_user else []
    if standing.bridge_user is None:
        return ["the bridge does not show him to Entra"]
    found = _differences("the bridge's ", standing.bridge_user, wanted, SENT_BY_ENTRA)
    manager = ScimPath.parse(f"{MANAGER}.value").read(standing.bridge_user)
    if standing.active and manager != standing.manager_id:
        found.append(f"the bridge's manager is {manager!r}, not {standing.manager_id!r}")
    return found


def _differences(whose: str, user: User, wanted: dict[str, str], paths: Iterable[ScimPath]) -> list[str]:
    held = {path.text: path.read(user) for path in paths if path.text in wanted}
    return [
        f"{whose}{path} is {value!r}, not {wanted[path]!r}" for path, value in held.items() if value != wanted[path]
    ]
