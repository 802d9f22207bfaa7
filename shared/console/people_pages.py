"""People and groups: found while a name is typed; of each what Entra says, what it becomes, and what happened."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flask import Blueprint, Response, request
from pydantic import ValidationError

from shared.console.context import NoSuchThing, View, admin, go, is_live, page, parts, the_store
from shared.console.job_pages import set_off
from shared.mail.password_mail import CannotSend
from shared.rules.azure_user import AZURE_FIELDS, EXTENSION_ATTRIBUTES, AzureUser, value_of
from shared.rules.change import Change, plan_change
from shared.rules.csv_text import as_csv
from shared.rules.groups.group import Group
from shared.rules.history import Event
from shared.rules.identity import Identity
from shared.rules.job import ProvisionGroup, ProvisionPeople, RetryPerson
from shared.rules.mail.due import MailDue
from shared.rules.mapping.check import InvalidMapping, check_mapping
from shared.rules.mapping.preview import PreviewLine
from shared.rules.on_demand import MOST_PEOPLE
from shared.rules.store import Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, ZohoUser
from shared.sync.errors import BeingWritten
from shared.tables.errors import Stale
from shared.zoho.errors import ZohoError

blueprint = Blueprint("people", __name__, url_prefix="/console/stores/<store_id>/people")

SHOWN = 25
"""People in a list while a name is typed."""
GROUPS = 20
"""That are named on a person's page."""
EVENTS = 200
"""Of a person's history on his page; the download has all."""


@dataclass(frozen=True)
class FieldLine:
    """One field of an account: what the mapping gives, by which rule, what should be there, and what is."""

    field: ZohoField
    mapped: PreviewLine | None
    desired: str | None
    holds: str | None

    @property
    def differs(self) -> bool:
        """Whether Zoho One was not confirmed to hold what it should."""
        return self.desired != self.holds


@blueprint.get("")
def search(store_id: str) -> View:
    store = the_store(store_id)
    typed = request.args.get("typed", "").strip()
    if is_live():
        found = parts().identities.search(store_id, typed, SHOWN)
        return page("console/people_found.html", found=found, typed=typed, most=SHOWN)
    return _people(store, typed)


def _people(store: Store, typed: str, faults: Mapping[str, str] = MappingProxyType({})) -> View:
    """``faults``: what is wrong with the form that was sent."""
    return page(
        "console/people.html",
        422 if faults else 200,
        store=store,
        found=parts().identities.search(store.id, typed, SHOWN),
        typed=typed,
        most=SHOWN,
        people=parts().identities.estimate(store.id),
        asked={name: request.form.get(name, "") for name in ("object_ids", "group", "members")},
        faults=faults,
    )


@blueprint.get("/<identity_id>")
def person(store_id: str, identity_id: str) -> View:
    return _person(the_store(store_id), identity_id)


def _person(store: Store, identity_id: str, status: int = 200, **said: object) -> View:
    stored = parts().identities.read(store.id, identity_id)
    history = parts().identities.history(store.id, identity_id, EVENTS)
    if stored is None and not history:
        raise NoSuchThing("There is no such person in this directory store")
    if stored is None:
        return page("console/person_gone.html", identity_id=identity_id, history=history)
    mail = parts().mails.read(store.id, identity_id)
    return page(
        "console/person.html",
        status,
        **{
            "store": store,
            "identity": stored.identity,
            "entra": _entra(stored.identity.said.source),
            "lines": _lines(store, stored.identity),
            "pending_change": _pending_change(stored.identity),
            "history": history,
            "mail": mail.mail if mail else None,
            "groups": _groups(store, identity_id),
            "fault": "",
            "said": "",
            "fields": ZOHO_FIELDS,
        }
        | said,
    )


def _groups(store: Store, identity_id: str) -> list[Group]:
    """The first groups that he is a member of."""
    ids = parts().groups.of_person(store.id, identity_id)[:GROUPS]
    return [stored.group for each in ids if (stored := parts().groups.read(store.id, each)) is not None]


def _entra(source: AzureUser) -> list[tuple[str, str]]:
    """What Entra says of him, by Graph's names; without what has no value."""
    names = [name for name in AZURE_FIELDS if name not in EXTENSION_ATTRIBUTES]
    found = [(name, value_of(name)(source)) for name in names]
    found += list(source.extension_attributes.items())
    found += list(source.custom.items())
    return [(name, _shown(value)) for name, value in found if value not in (None, "", ())]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _lines(store: Store, identity: Identity) -> list[FieldLine]:
    """Each field that the store uses: mapped now, desired, and held."""
    mapped: dict[ZohoField, PreviewLine] = {}
    try:
        mapping = parts().mappings.current(store.id).mapping
        check_mapping(mapping, store.zoho.extensions)
        mapped = {line.field: line for line in parts().mapping_preview.of_identity(mapping, identity)}
    except InvalidMapping:
        pass  # the mapping page says what is wrong with it
    said = identity.said.desired
    desired = said.fields if isinstance(said, ZohoUser) else {}
    holds = identity.account.holds.fields if identity.account else {}
    return [
        FieldLine(field, mapped.get(field), desired.get(field), holds.get(field))
        for field in store.zoho.paths
        if field in mapped or field in desired or field in holds
    ]


def _pending_change(identity: Identity) -> Change | None:
    if identity.pending is None:
        return None
    return plan_change(identity.account.holds if identity.account else None, identity.said.desired)


@blueprint.post("/<identity_id>/look")
def look(store_id: str, identity_id: str) -> View:
    """What Zoho One holds just now: a piece of the page."""
    store = the_store(store_id)
    try:
        account, wrong = parts().people.look(store, identity_id), ""
    except ZohoError as failure:
        account, wrong = None, str(failure)
    except KeyError:
        raise NoSuchThing("There is no such person in this directory store") from None
    return page("console/person_look.html", account=account, wrong=wrong, fields=ZOHO_FIELDS)


@blueprint.post("/<identity_id>/provision")
def provision(store_id: str, identity_id: str) -> View:
    """Provision on demand: from Entra, where the store reads Graph and knows who it is; else what is pending."""
    store = the_store(store_id)
    stored = parts().identities.read(store_id, identity_id)
    if stored is None:
        raise NoSuchThing("There is no such person in this directory store")
    object_id = stored.identity.object_id
    if store.entra is not None and object_id is not None:
        return set_off(store, ProvisionPeople(object_ids=(object_id,), identity=identity_id))
    return set_off(store, RetryPerson(identity=identity_id))


@blueprint.post("/provision")
def provision_some(store_id: str) -> View:
    """Provision up to five people on demand by their object ids in Entra, also those whom the store does not know."""
    store, asked = the_store(store_id), request.form.get("object_ids", "")
    try:
        people = ProvisionPeople.model_validate({"object_ids": _several(asked)})
    except ValidationError:
        wrong = f"One to {MOST_PEOPLE} object ids, each a GUID as Entra shows it on the user's page."
        return _people(store, "", {"object_ids": wrong})
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
        return _people(store, "", dict(wrong[str(fault["loc"][0])] for fault in error.errors()))
    return set_off(store, group)


def _several(typed: str) -> list[str]:
    """Ids between spaces, commas or line ends, each once."""
    return list(dict.fromkeys(typed.lower().replace(",", " ").split()))


@blueprint.post("/<identity_id>/new-password")
def new_password(store_id: str, identity_id: str) -> View:
    store = the_store(store_id)
    try:
        ended = parts().password_mails.send_new_password(store, identity_id, str(admin()))
    except CannotSend as failure:
        return _person(store, identity_id, 409, fault=str(failure))
    except Stale:
        return _person(store, identity_id, 409, fault="Somebody else sent one just now: look at the history.")
    if isinstance(ended, MailDue):
        return _person(store, identity_id, 202, said=f"The mail waits and is tried again: {ended.failure}")
    return go(".person", store_id=store_id, identity_id=identity_id)


@blueprint.post("/<identity_id>/let-go")
def let_go(store_id: str, identity_id: str) -> View:
    store = the_store(store_id)
    try:
        parts().people.let_go(store, identity_id, str(admin()))
    except KeyError:
        raise NoSuchThing("There is no such person in this directory store") from None
    except (BeingWritten, Stale):
        return _person(store, identity_id, 409, fault="He is being written just now. Nothing was done; try again.")
    return go(".person", store_id=store_id, identity_id=identity_id)


@blueprint.get("/<identity_id>/history.<form>")
def history(store_id: str, identity_id: str, form: str) -> Response:
    """A person's history as a file, CSV or JSON."""
    the_store(store_id)
    events = parts().identities.history(store_id, identity_id)
    if form == "json":
        text, kind = _as_json(events), "application/json"
    else:
        text, kind = as_csv(("at", "what", "why", "field", "before", "after"), _rows(events)), "text/csv"
    name = f"history-{identity_id}.{'json' if form == 'json' else 'csv'}"
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _as_json(events: list[Event]) -> str:
    return json.dumps([event.model_dump(mode="json") for event in events], ensure_ascii=False, indent=2) + "\n"


def _rows(events: list[Event]) -> list[tuple[str, ...]]:
    rows = list[tuple[str, ...]]()
    for event in events:
        head = (event.at.isoformat(), event.kind.value, event.reason)
        fields = [(part.field.value, part.before or "", part.after or "") for part in event.fields]
        fields += [("member", "", each) for each in event.joined] + [("member", each, "") for each in event.left]
        fields += [("member to be", "", each) for each in event.waiting]
        rows += [(*head, *field) for field in fields or [("", "", "")]]
    return rows
