"""People and groups: a search while a name is typed, and each person's source, fields and history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from flask import Blueprint, request

from shared.console.context import NoSuchThing, View, admin, as_file, go, is_live, owners_only, page, parts, the_store
from shared.mail.notice_mail import tell_administrators
from shared.mail.password_mail import CannotSend
from shared.rules.azure_user import AZURE_FIELDS, EXTENSION_ATTRIBUTES, AzureUser, value_of
from shared.rules.change import Change, plan_change
from shared.rules.csv_text import as_csv
from shared.rules.expressions import ExpressionError
from shared.rules.groups.group import Group
from shared.rules.held_plan import HeldPlan
from shared.rules.history import Event
from shared.rules.identity import Identity
from shared.rules.mail.due import MailDue
from shared.rules.mapping.preview import PreviewLine
from shared.rules.store import Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField, ZohoUser
from shared.sync.errors import BeingWritten
from shared.tables.errors import Stale
from shared.zoho.errors import ZohoError

blueprint = Blueprint("people", __name__, url_prefix="/console/stores/<store_id>/people")

SHOWN = 25
"""People in a list while a name is typed."""
GROUPS = 20
"""Groups named on a person's page."""
EVENTS = 200
"""Events shown of a person's history; the download has all."""


@dataclass(frozen=True)
class FieldLine:
    """One field of an account: its mapped value and rule, its desired value, and the value last confirmed."""

    field: ZohoField
    mapped: PreviewLine | None
    desired: str | None
    holds: str | None

    @property
    def differs(self) -> bool:
        """Whether the confirmed value is not the desired one."""
        return self.desired != self.holds


@blueprint.get("")
def search(store_id: str) -> View:
    store = the_store(store_id)
    typed = request.args.get("typed", "").strip()
    if is_live():
        found = parts().people.identities.search(store_id, typed, SHOWN)
        return page("console/people_found.html", found=found, typed=typed, most=SHOWN)
    return people_page(store, typed)


def people_page(store: Store, typed: str, faults: Mapping[str, str] = MappingProxyType({})) -> View:
    """The page of people. ``faults``: errors of the form that was sent."""
    return page(
        "console/people.html",
        422 if faults else 200,
        store=store,
        found=parts().people.identities.search(store.id, typed, SHOWN),
        typed=typed,
        most=SHOWN,
        people=parts().people.identities.estimate(store.id),
        asked={name: request.form.get(name, "") for name in ("object_ids", "group", "members")},
        faults=faults,
    )


@blueprint.get("/<identity_id>")
def person(store_id: str, identity_id: str) -> View:
    return _person(the_store(store_id), identity_id)


def _person(store: Store, identity_id: str, status: int = 200, **said: object) -> View:
    stored = parts().people.identities.read(store.id, identity_id)
    history = parts().people.identities.history(store.id, identity_id, EVENTS)
    if stored is None and not history:
        raise NoSuchThing("There is no such person in this directory store")
    if stored is None:
        return page("console/person_gone.html", identity_id=identity_id, history=history, name=_last_name(history))
    mail = parts().people.mails.read(store.id, identity_id)
    return page(
        "console/person.html",
        status,
        **{
            "store": store,
            "identity": stored.identity,
            "entra": _entra(stored.identity.said.source),
            "lines": _lines(store, stored.identity),
            "pending_change": _pending_change(stored.identity),
            "held": _holding(store, stored.identity),
            "history": history,
            "mail": mail.mail if mail else None,
            "groups": _groups(store, identity_id),
            "fault": "",
            "said": "",
            "fields": {**ZOHO_FIELDS, **store.zoho.known_fields},
        }
        | said,
    )


def _last_name(history: Sequence[Event]) -> str:
    """The last name in the history of a person who is no longer managed; empty if it has none."""
    names = (ZohoField.DISPLAY_NAME, ZohoField.USER_NAME)
    found = {part.field: part.after or part.before for event in reversed(history) for part in event.fields}
    return next((name for field in names if (name := found.get(field))), "")


def _groups(store: Store, identity_id: str) -> list[Group]:
    """The first groups that the person is a member of."""
    ids = parts().groups.table.of_person(store.id, identity_id)[:GROUPS]
    return [stored.group for each in ids if (stored := parts().groups.table.read(store.id, each)) is not None]


def _entra(source: AzureUser) -> list[tuple[str, str]]:
    """The person's attributes in Entra, by Graph's names, without those that have no value."""
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
    """Each field that the store uses: mapped now, desired, and confirmed."""
    mapped: dict[ZohoField, PreviewLine] = {}
    try:
        mapping = parts().mappings.versions.current(store.id).mapping
        mapped = {line.field: line for line in parts().mappings.preview.of_identity(store, mapping, identity)}
    except (ExpressionError, KeyError):
        pass  # the mapping page says what is wrong with it
    said = identity.said.desired
    desired = said.fields if isinstance(said, ZohoUser) else {}
    holds = identity.account.holds.fields if identity.account else {}
    return [
        FieldLine(field, mapped.get(field), desired.get(field), holds.get(field))
        for field in store.zoho.paths
        if field in mapped or field in desired or field in holds
    ]


def _holding(store: Store, identity: Identity) -> HeldPlan | None:
    """The open plan that holds the person's change, if their change has not begun. One round trip."""
    if identity.pending is None or identity.pending.begun:
        return None
    newest = parts().runs.held_plans.newest(store.id)
    return newest.held if newest and newest.held.is_open else None


def _pending_change(identity: Identity) -> Change | None:
    if identity.pending is None:
        return None
    return plan_change(identity.account.holds if identity.account else None, identity.said.desired)


@blueprint.post("/<identity_id>/look")
def look(store_id: str, identity_id: str) -> View:
    """The account in Zoho One, read now: a piece of the page."""
    store = the_store(store_id)
    try:
        account, wrong = parts().people.actions.look(store, identity_id), ""
    except ZohoError as failure:
        account, wrong = None, str(failure)
    except KeyError:
        raise NoSuchThing("There is no such person in this directory store") from None
    return page(
        "console/person_look.html", account=account, wrong=wrong, fields={**ZOHO_FIELDS, **store.zoho.known_fields}
    )


@blueprint.post("/<identity_id>/new-password")
def new_password(store_id: str, identity_id: str) -> View:
    owners_only()
    store = the_store(store_id)
    try:
        ended = parts().people.password_mails.send_new_password(store, identity_id, str(admin()))
    except CannotSend as failure:
        return _person(store, identity_id, 409, fault=str(failure))
    except Stale:
        return _person(store, identity_id, 409, fault="Another administrator has just sent one: see the history.")
    stored = parts().people.identities.read(store_id, identity_id)
    whose = stored.identity.account.holds.user_name if stored and stored.identity.account else identity_id
    what = f"{admin()} had a new one-time password made for {whose}."
    parts().stores.settings.note(store_id, "A new one-time password was made for a person", str(admin()))
    tell_administrators(parts().people.password_mails, store, store.password_notification.admins, what)
    if isinstance(ended, MailDue):
        return _person(store, identity_id, 202, said=f"The mail is waiting and will be sent again: {ended.failure}")
    return go(".person", store_id=store_id, identity_id=identity_id)


@blueprint.post("/<identity_id>/let-go")
def let_go(store_id: str, identity_id: str) -> View:
    store = the_store(store_id)
    try:
        parts().people.actions.unmanage(store, identity_id, str(admin()))
    except KeyError:
        raise NoSuchThing("There is no such person in this directory store") from None
    except (BeingWritten, Stale):
        return _person(
            store, identity_id, 409, fault="Another process is changing this person. Nothing was done; try again."
        )
    return go(".person", store_id=store_id, identity_id=identity_id)


@blueprint.get("/<identity_id>/history.<form>")
def history(store_id: str, identity_id: str, form: str) -> View:
    """Download a person's history as CSV or JSON."""
    the_store(store_id)
    events = parts().people.identities.history(store_id, identity_id)
    if not events and parts().people.identities.read(store_id, identity_id) is None:
        raise NoSuchThing("There is no such person in this directory store")
    if form == "json":
        return as_file(_as_json(events), f"history-{identity_id}.json")
    text = as_csv(("at", "what", "why", "field", "before", "after"), _rows(events))
    return as_file(text, f"history-{identity_id}.csv")


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
