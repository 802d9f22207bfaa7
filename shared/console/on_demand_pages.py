"""Provision on demand: one person, up to five people, or a group with up to five of its members."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.console.context import NoSuchThing, View, parts, the_store
from shared.console.job_pages import set_off
from shared.console.people_pages import people_page
from shared.rules.job import ProvisionGroup, ProvisionPeople, RetryPerson
from shared.rules.on_demand import MOST_PEOPLE

blueprint = Blueprint("on_demand", __name__, url_prefix="/console/stores/<store_id>/people")


@blueprint.post("/<identity_id>/provision")
def provision(store_id: str, identity_id: str) -> View:
    """Provision a person on demand: from Entra if the store reads Graph and has their object id, otherwise what
    is pending.
    """
    store = the_store(store_id)
    stored = parts().people.identities.read(store_id, identity_id)
    if stored is None:
        raise NoSuchThing("There is no such person in this directory store")
    object_id = stored.identity.object_id
    if store.entra is not None and object_id is not None:
        return set_off(store, ProvisionPeople(object_ids=(object_id,), identity=identity_id))
    return set_off(store, RetryPerson(identity=identity_id))


@blueprint.post("/provision")
def provision_some(store_id: str) -> View:
    """Provision up to five people on demand by their object ids in Entra, including people who are not in the
    store yet.
    """
    store, asked = the_store(store_id), request.form.get("object_ids", "")
    try:
        people = ProvisionPeople.model_validate({"object_ids": _several(asked)})
    except ValidationError:
        wrong = f"One to {MOST_PEOPLE} object ids, each a GUID as Entra shows it on the user's page."
        return people_page(store, "", {"object_ids": wrong})
    return set_off(store, people)


@blueprint.post("/provision-group")
def provision_group(store_id: str) -> View:
    """Provision a group on demand by its object id in Entra, with up to five of its members."""
    store, members = the_store(store_id), _several(request.form.get("members", ""))
    try:
        group = ProvisionGroup.model_validate({"object_id": request.form.get("group", ""), "members": members})
    except ValidationError as error:
        wrong = {
            "object_id": ("group", "The object id of a group, a GUID as Entra shows it on the group's page."),
            "members": ("members", f"Up to {MOST_PEOPLE} object ids of users, each a GUID."),
        }
        return people_page(store, "", dict(wrong[str(fault["loc"][0])] for fault in error.errors()))
    return set_off(store, group)


def _several(typed: str) -> list[str]:
    """Ids separated by spaces, commas or line ends, each once."""
    return list(dict.fromkeys(typed.lower().replace(",", " ").split()))
