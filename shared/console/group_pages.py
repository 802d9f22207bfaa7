"""Groups: the store's settings for them, and each group's state in Entra and Zoho One, members and history."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from flask import Blueprint, request

from shared.admin.store_settings import Section
from shared.console.context import NoSuchThing, View, admin, go, go_saved, is_live, page, parts, the_store
from shared.console.settings_form import sent_form
from shared.rules.groups.group import Group, ZohoGroup
from shared.rules.groups.settings import GroupSettings, ResourceSync, ensure_deletion_confirmed
from shared.rules.search_terms import search_prefix, search_terms
from shared.rules.status import Reflection
from shared.rules.store import Store
from shared.tables.errors import Stale
from shared.tables.identity_rows import Stored, is_id

blueprint = Blueprint("groups", __name__, url_prefix="/console/stores/<store_id>/groups")

SHOWN = 50
"""Groups in the list."""
LOOKED = 1_000
"""Groups searched by name in one round trip; any other group is found by its whole name."""
MEMBERS = 25
"""Members on a page of a group. Each costs a read, because a membership stores nothing about the person."""
EVENTS = 100
"""Events shown of a group's history."""


@dataclass(frozen=True)
class MemberLine:
    """A member, as far as they are known."""

    id: str
    name: str | None
    """None: they are not provisioned yet."""
    state: str


@blueprint.get("")
def listed(store_id: str) -> View:
    """List groups in the order of ids, a page at a time, or those that match what was typed: a piece of a page,
    or a page.
    """
    the_store(store_id)
    typed, after = request.args.get("typed", "").strip(), request.args.get("after", "")
    groups, everywhere = _named(store_id, typed) if typed else (_some(store_id, after), True)
    return page(
        "console/groups_listed.html" if is_live() else "console/groups.html",
        groups=groups[:SHOWN],
        typed=typed,
        everywhere=everywhere,
        looked=LOOKED,
        most=SHOWN,
        next=groups[SHOWN - 1].id if not typed and len(groups) > SHOWN else None,
    )


def _some(store_id: str, after: str) -> list[Group]:
    """A page of groups and one more. One round trip."""
    after = after if is_id(after) else ""
    return [stored.group for stored in islice(parts().groups.table.everything(store_id, after, SHOWN + 1), SHOWN + 1)]


def _named(store_id: str, typed: str) -> tuple[list[Group], bool]:
    """Groups with a word in their name that begins as typed, sorted by name, and whether all groups were searched.

    Three round trips at most: groups have no rows by the beginnings of their names, as people have.
    """
    looked = [stored.group for stored in islice(parts().groups.table.everything(store_id, page=LOOKED), LOOKED)]
    prefix, everywhere = search_prefix(typed), len(looked) < LOOKED
    found = {
        group.id: group
        for group in looked
        if any(text.startswith(prefix) for text in search_terms(group.said.display_name, ""))
    }
    if not everywhere and (holder := parts().groups.table.holder_of(store_id, typed)) is not None:
        found[holder.group.id] = holder.group
    return sorted(found.values(), key=lambda group: group.said.display_name.casefold()), everywhere


@blueprint.route("/settings", methods=["GET", "POST"])
def settings(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.GROUPS, _given)
    if sent.saved:
        return go_saved(".settings", store_id=store_id)
    return page(
        "console/group_settings.html",
        sent.status,
        **sent.values,
        shown=sent.store.groups.model_dump(mode="json") | (_chosen(sent.typed) if sent.typed else {}),
        syncs=list(ResourceSync),
        reflections=list(Reflection),
    )


def _chosen(form: dict[str, str]) -> dict[str, object]:
    """The chosen settings, valid or not."""
    chosen: dict[str, object] = {name: form[name] for name in ("resource_sync", "deleted") if name in form}
    chosen["name_prefix"] = request.form.get("name_prefix", "")  # its last character may be a space
    chosen["name_expression"] = form.get("name_expression") or None
    chosen["exact_members"] = form.get("exact_members") == "yes"
    return chosen


def _given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    given = GroupSettings.model_validate(_chosen(form))
    ensure_deletion_confirmed(now.groups, given, now.name, form.get("typed", ""))
    return {"groups": given}


@blueprint.get("/<group_id>")
def group(store_id: str, group_id: str) -> View:
    return _group(the_store(store_id), group_id)


def _group(store: Store, group_id: str, status: int = 200, fault: str = "") -> View:
    stored = parts().groups.table.read(store.id, group_id)
    history = parts().people.identities.history(store.id, group_id, EVENTS)
    if stored is None and not history:
        raise NoSuchThing("There is no such group in this directory store")
    members, more = _members(store.id, group_id) if stored else ([], False)
    desired = stored.group.said.desired if stored else None
    return page(
        "console/group.html",
        status,
        fault=fault,
        store=store,
        group=stored.group if stored else None,
        identity_id=group_id,
        desired=desired if isinstance(desired, ZohoGroup) else None,
        members=members,
        after=request.args.get("after", ""),
        next=members[-1].id if more else None,
        history=history,
    )


@blueprint.post("/<group_id>/allow")
def allow(store_id: str, group_id: str) -> View:
    """Allow for a while what the guard held; Entra sends it again."""
    store = the_store(store_id)
    try:
        there = parts().groups.guard.allow(store, group_id, str(admin()))
    except Stale:
        return _group(store, group_id, 409, "Another process is changing the group. Nothing was done; try again.")
    if not there:
        return _group(store, group_id, 409, "Nothing is held any more: Entra has sent another change meanwhile.")
    return go(".group", store_id=store_id, group_id=group_id)


def _members(store_id: str, group_id: str) -> tuple[list[MemberLine], bool]:
    """A page of members in the order of ids, and whether there are more. One round trip, and one for each member."""
    after = request.args.get("after", "")
    found = parts().groups.table.members(store_id, group_id, after if is_id(after) else "", MEMBERS + 1)
    ids = list(islice(found, MEMBERS + 1))
    known = parts().people.identities.several(store_id, ids[:MEMBERS])
    return [_member(each, known.get(each)) for each in ids[:MEMBERS]], len(ids) > MEMBERS


def _member(member_id: str, stored: Stored | None) -> MemberLine:
    if stored is None:
        return MemberLine(member_id, None, "")
    identity = stored.identity
    name = identity.said.source.display_name or identity.said.keys.user_name
    if identity.pending is not None:
        return MemberLine(member_id, name, "pending")
    if identity.account is None:
        return MemberLine(member_id, name, "no account")
    return MemberLine(member_id, name, "active" if identity.account.holds.active else "inactive")
