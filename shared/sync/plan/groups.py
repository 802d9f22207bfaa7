"""The groups in the plan of a cycle: what Microsoft Graph shows of them beside what the store was last told.

What is to be looked at, marks say (shared/tables/entra_groups.py). Nothing is written here, so that a plan can be made
again and again; the marks go when what they led to is done.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import JsonValue, TypeAdapter

from shared.model import HIDDEN
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.groups.group import GROUP, Group, GroupDrift, GroupSourceState, ZohoGroup
from shared.rules.groups.group_write import Permission
from shared.rules.groups.member_change import MemberChange
from shared.rules.identity import id_of_object
from shared.rules.plan import ORDER, PlannedChange, PlannedMembers
from shared.rules.scim_path import Resource
from shared.rules.store import Store
from shared.sync.desired.groups import DesiredGroups
from shared.sync.errors import Refused
from shared.sync.plan.group_adoption import Adoptions, CannotTell
from shared.sync.plan.group_counts import GroupCounts
from shared.sync.plan.group_work import GroupWork, PlannedGroups, gone
from shared.sync.plan.member_ids import MemberIds
from shared.sync.plan.zoho_groups import ZohoGroupSearch
from shared.sync.progress import NO_LEASE, Heartbeat, beating
from shared.tables.entra_groups import EntraGroup, EntraGroups, Look
from shared.tables.entra_scope import EntraScope
from shared.tables.group_rows import StoredGroup
from shared.tables.groups import GroupLookup, Groups
from shared.tables.identities import Identities
from shared.threads import in_parallel

READERS = 8
"""Point reads under way at once."""
MOST_NAMED = 100
"""Of those who leave a group, who are named in the plan; of those who join a tenth."""

_JSON = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue], config=HIDDEN)


@dataclass(frozen=True)
class GroupPlanner:
    """Looks at groups. Raises TablesBusy."""

    entra: EntraGroups
    scope: EntraScope
    identities: Identities
    groups: Groups
    desired: DesiredGroups
    search: ZohoGroupSearch
    counts: GroupCounts
    now: Callable[[], datetime]

    def plan(
        self, store: Store, drifts: Mapping[str, GroupDrift], held: Sequence[str], heartbeat: Heartbeat
    ) -> PlannedGroups:
        """The groups that need a change.

        ``drifts``: what a full cycle found in Zoho One, by the id of the group. ``held``: the ids of the groups whose
        deletion waits for a decision. The heartbeat beats between groups, and between
        pages of a large one.
        """
        planned, idle, troubles = list[PlannedChange](), list[GroupWork](), list[str]()
        left_alone, adoptions = list[PlannedChange](), self.adoptions(store)
        for work in self.works(store, drifts, held, troubles, adoptions, heartbeat):
            heartbeat.beat()
            # One at a time: what it takes to do it may be a hundred thousand ids, what is planned is small.
            if work.planned is not None:
                planned.append(work.planned)
            elif work.left_alone is not None:
                left_alone.append(work.left_alone)
            else:
                idle.append(work)
        planned.sort(key=lambda change: (ORDER.index(change.kind), change.name.casefold(), change.identity))
        deleted = sum(change.kind is ChangeKind.DELETE and not change.judged for change in planned)
        there = self.counts.there(store, deleted) if deleted else None
        looked_up = frozenset(adoptions.looked_up)
        return PlannedGroups(
            tuple(planned), tuple(troubles), tuple(idle), tuple(left_alone), there, looked_up, tuple(held)
        )

    def works(
        self,
        store: Store,
        drifts: Mapping[str, GroupDrift],
        held: Sequence[str],
        troubles: list[str],
        adoptions: Adoptions,
        heartbeat: Heartbeat,
    ) -> Iterator[GroupWork]:
        """What there is to do, group by group; of those of which a mark led to nothing, that too."""
        if not store.groups.are_synced:
            return
        people, looked_at = MemberIds(self.identities, store.id, heartbeat), set[str]()
        for look in list(self.entra.looks(store.id)):
            try:
                work = self._look(store, look, people, adoptions)
            except (Refused, CannotTell) as why:
                troubles.append(f"The group {look.group}: {why}")
                continue
            looked_at.add(work.stored.group.id if work.stored else "")
            yield adoptions.named(self._unless_parked(store, work))
        for group_id in held:
            stored = self.groups.read(store.id, group_id) if group_id not in looked_at else None
            if stored is not None and stored.group.awaits_decision and stored.group.pending is not None:
                yield gone(store, stored, stored.group.pending.reason, None)
        for group_id, drift in drifts.items():
            stored = self.groups.read(store.id, group_id)
            if stored is not None and stored.group.pending is None:
                yield self._unless_parked(store, self._set_back(store, stored, drift))

    def adoptions(self, store: Store, only: Collection[str] | None = None) -> Adoptions:
        """What looks new groups up in Zoho One; ``only``: those that a plan has looked up."""
        return Adoptions(store, self.identities, self.groups, self.desired, self.search, only)

    def of_members(self, store: Store, shown: EntraGroup, there: Iterable[str], not_there: Iterable[str]) -> GroupWork:
        """What a group needs as far as these users go, by their object ids. Raises Refused."""
        stored, people = self._find(store, shown), MemberIds(self.identities, store.id, NO_LEASE)
        return self._there(store, shown, stored, self._difference(store, stored, people, there, not_there))

    def _unless_parked(self, store: Store, work: GroupWork) -> GroupWork:
        """The work, unless Zoho One has refused just this again and again; its marks stay then."""
        stored, planned = work.stored, work.planned
        if stored is None or planned is None or stored.group.refusal is None:
            return work
        write = next(work.writes(Permission.PLANNED))
        if work.drift is not None:
            write = replace(write, again=MemberChange(joining=work.drift.missing, leaving=work.drift.foreign))
        desired = stored.group.said.desired if work.drift else "deleted"
        if not work.gone and not work.drift:
            desired = self.desired.of(store, work.resource).desired
        why = stored.group.refusal.waits(write.digest(desired), self.now())
        # The mark of a person has to be visited whatever the plan leaves out; a group's stays where it is.
        left_alone = planned.model_copy(update={"reason": why, "pending": False})
        return GroupWork(stored, left_alone=left_alone) if why else work

    def _look(self, store: Store, look: Look, people: MemberIds, adoptions: Adoptions) -> GroupWork:
        shown = self.entra.shown(store.id, look.group)
        if shown is None:
            return GroupWork(None, look=look)
        stored = self._find(store, shown)
        if shown.gone is not None:
            return gone(store, stored, shown.gone, look)
        if look.whole:
            change = self._whole(store, stored, look.group, people)
        else:
            users = sorted(look.users)
            are_in = in_parallel(lambda user: self.scope.is_in(store.id, look.group, user), users, READERS)
            inside = {user for user, is_in in zip(users, are_in, strict=True) if is_in}
            change = self._difference(store, stored, people, inside, look.users - inside)
        return adoptions.of(self._there(store, shown, stored, change, look))

    def _find(self, store: Store, shown: EntraGroup) -> StoredGroup | None:
        """The store's group for one of Entra's: by its object id, else by the name under which a push made it."""
        groups = self.groups
        for found in groups.find(store.id, GroupLookup.EXTERNAL_ID, shown.id):
            return groups.read(store.id, found.id)
        if (made := groups.read(store.id, id_of_object(shown.id))) is not None:
            return made
        named = groups.holder_of(store.id, shown.name)
        return named if named is not None and named.group.said.object_id is None else None

    def _difference(
        self,
        store: Store,
        stored: StoredGroup | None,
        people: MemberIds,
        there: Iterable[str],
        not_there: Iterable[str],
    ) -> MemberChange:
        """What changes, of these users alone."""
        known = [in_parallel(people.ids, sorted(users), READERS) for users in (there, not_there)]
        joining = {ids[0] for ids in known[0]}
        # Also an id from before it was known that a push had made the person.
        leaving = {old for ids in known[0] for old in ids[1:]} | {person for ids in known[1] for person in ids}
        named = MemberChange(joining=tuple(sorted(joining)), leaving=tuple(sorted(leaving - joining)))
        if stored is None:
            return MemberChange(joining=named.joining)
        return named.among(self.groups.members_among(store.id, stored.group.id, named.everybody))

    def _whole(self, store: Store, stored: StoredGroup | None, group: str, people: MemberIds) -> MemberChange:
        """What changes, everybody in Entra's group and everybody in the store's looked at."""
        people.read_all()
        wanted = {people.ids(user)[0] for user in beating(self.scope.of(store.id, group), people.heartbeat)}
        members = self.groups.members(store.id, stored.group.id) if stored else ()
        there = set(beating(members, people.heartbeat))
        return MemberChange(joining=tuple(sorted(wanted - there)), leaving=tuple(sorted(there - wanted)))

    def _there(
        self,
        store: Store,
        shown: EntraGroup,
        stored: StoredGroup | None,
        change: MemberChange,
        look: Look | None = None,
    ) -> GroupWork:
        before = stored.group if stored else None
        resource: Resource = _JSON.validate_json(before.said.resource) if before else {"schemas": [GROUP]}
        resource |= {"displayName": shown.name, "externalId": shown.id}
        said = self.desired.of(store, resource)
        fields, is_new = _fields(said, before), before is None or before.account is None
        if before is not None and before.pending is not None and not change and _same(said, before.said):
            return GroupWork(stored)  # on its way already; its marks stay, for Zoho One may refuse it still
        if before is not None and not fields and not change and not is_new and _same(said, before.said):
            return GroupWork(stored, look=look)
        planned = PlannedChange(
            kind=ChangeKind.CREATE if is_new else ChangeKind.UPDATE,
            identity=before.id if before else id_of_object(shown.id),
            name=shown.name,
            user_name="",
            fields=fields,
            reason=_reason(before, fields, change),
            pending=True,
            members=self.members(store, before, change),
        )
        return GroupWork(stored, planned, resource, change=change, look=look)

    def _set_back(self, store: Store, stored: StoredGroup, drift: GroupDrift) -> GroupWork:
        group, change = stored.group, MemberChange(joining=drift.missing, leaving=drift.foreign)
        held = drift.actual.holds if drift.actual else None
        desired = group.said.desired
        planned = PlannedChange(
            kind=ChangeKind.UPDATE if drift.actual else ChangeKind.CREATE,
            identity=group.id,
            name=group.said.display_name,
            user_name="",
            fields=desired.changes_from(held) if isinstance(desired, ZohoGroup) else (),
            reason=f"Somebody changed the group in Zoho One ({drift.told}); it is set back.",
            pending=True,
            members=self.members(store, group, change),
        )
        return GroupWork(stored, planned, drift=drift)

    def members(self, store: Store, group: Group | None, change: MemberChange) -> PlannedMembers:
        """What a plan shows of the members who come and go."""
        digest = hashlib.sha256("\n".join((*change.joining, "-", *change.leaving)).encode()).hexdigest()
        return PlannedMembers(
            joining=len(change.joining),
            leaving=len(change.leaving),
            digest=digest if change else "",
            joining_names=self._names(store, change.joining[: MOST_NAMED // 10]),
            leaving_names=self._names(store, change.leaving[:MOST_NAMED]),
            of=group.members if group else 0,
            recent=group.recent.within(self.now()) if group else 0,
        )

    def _names(self, store: Store, people: Sequence[str]) -> tuple[str, ...]:
        """What these are called; by their ids where nobody knows them yet."""
        found = self.identities.several(store.id, people)
        return tuple(found[one].identity.said.name if one in found else one for one in people)


def _fields(said: GroupSourceState, before: Group | None) -> tuple[FieldChange, ...]:
    held = before.account.holds if before and before.account else None
    return said.desired.changes_from(held) if isinstance(said.desired, ZohoGroup) else ()


def _same(said: GroupSourceState, before: GroupSourceState) -> bool:
    return (said.display_name, said.external_id, said.desired) == (
        before.display_name,
        before.external_id,
        before.desired,
    )


def _reason(before: Group | None, fields: Sequence[FieldChange], change: MemberChange) -> str:
    if before is None:
        return "The group is in scope in Entra."
    if change and not fields:
        return "Entra changed the group's members."
    return "Entra changed the group."
