"""Who looks at a simulated world from outside and writes down what is seen, as plain values."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.entra.person import Person as EntraPerson
from shared.tables.entity_text import gather
from tests.simulation.observed import (
    Decision,
    Difference,
    Group,
    GroupLink,
    Held,
    Line,
    Link,
    Moment,
    Move,
    Observed,
    Person,
    Planned,
    Push,
    Run,
    Settings,
    TableRefusal,
)
from tests.simulation.seen_settings import settings_of

if TYPE_CHECKING:
    from tests.simulation.world import World

NAMES = (
    *("displayName", "mailNickname", "mail", "givenName", "surname", "jobTitle", "department", "companyName"),
    *("employeeId", "officeLocation", "streetAddress", "city", "state", "postalCode", "country"),
    *("preferredLanguage", "mobilePhone", "faxNumber"),
)
"""Of the attributes that histories change or mappings read, by Graph's names."""


class Observer:
    """Hears of each thing that happens. ``store``: the directory store whose rows it reads."""

    def __init__(self, world: "World", store: str) -> None:
        self._world, self._store = world, store
        self._moments: list[Moment] = []
        self._people: dict[str, Person] = {}
        self._made: dict[str, tuple[EntraPerson, bool, Person]] = {}
        """What was made of the people of Entra, so that it is made once."""
        self._groups: dict[str, Group] = {}
        self._settings: Settings | None = None
        self._links: list[Link] = []
        self._group_links: list[GroupLink] = []
        self._lines: list[Line] = []
        self._last: dict[str, Link] = {}
        self._last_group: dict[str, GroupLink] = {}
        self._had: dict[str, str] = {}
        """The account that each person has, or had last."""
        self.pushes: list[Push] = []
        self.decisions: list[Decision] = []
        self.quiet_since: datetime | None = None

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self._world.schedule.now()

    # --- Entra and the settings ---

    def look(self) -> None:
        """Write a moment down if anything is another than before."""
        people, groups = self._seen_people(), self._seen_groups()
        settings = self._settings or self._seen_settings()
        if settings is None:
            return
        self._settings = settings
        last = self._moments[-1] if self._moments else None
        if last and (last.people, last.groups, last.settings) == (people, groups, settings):
            return
        self._people, self._groups = people, groups
        self._moments.append(Moment(self.now, people, groups, settings))

    def _seen_people(self) -> dict[str, Person]:
        directory = self._world.directory
        assigned = set(directory.assigned())
        seen = {}
        for person in directory.people():
            made = self._made.get(person.id)
            if made is None or made[0] is not person or made[1] != (person.id in assigned):
                made = person, person.id in assigned, _person(person, person.id in assigned)
                self._made[person.id] = made
            seen[person.id] = made[2]
        for known, before in self._people.items():
            if known not in seen:
                gone = before if before.gone == "purged" else replace(before, gone="purged", assigned=False)
                seen[known] = gone
        return seen

    def _seen_groups(self) -> dict[str, Group]:
        groups = self._world.directory.groups
        seen = {}
        for known in groups:
            inside = [each for each in groups.members(known) if each in groups]
            people = frozenset(groups.members(known)) - set(inside)
            new = Group(known, groups.name(known), people, frozenset(inside), known in groups.assigned)
            seen[known] = self._groups[known] if self._groups.get(known) == new else new
        for known, before in self._groups.items():
            if known not in seen:
                seen[known] = before if before.gone else replace(before, gone=True, assigned=False)
        return seen

    def _seen_settings(self) -> Settings | None:
        store = self._world.tables.row("stores", "store", self._store)
        mapping = self._world.tables.row("mappings", self._store, "current")
        if store is None:
            return None
        return settings_of(store, mapping, self._world.plan, self.now)

    # --- Table Storage ---

    def wrote(self, table: str, keys: list[tuple[str, str]]) -> None:
        """These rows of a table were written or deleted in one transaction just now."""
        if table in ("stores", "mappings"):
            self._settings = None
            self.look()
        if table != "identities":
            return
        mine = [(key[1], self._world.tables.row(table, *key)) for key in keys if key[0] == self._store]
        before = {known: link.account for known, link in self._last.items()}
        before |= {known: link.account for known, link in self._last_group.items()}
        for key, row in sorted(mine, key=lambda each: "account" in (each[1] or {})):  # who gives an account up is first
            kind, _, rest = key.partition(":")
            if kind == "id":
                self._link(rest, row)
            elif kind == "group":
                self._group_link(rest, row)
        for key, row in mine:
            if key.startswith("event:") and row is not None:
                self._line(key, json.loads(gather(row, "event")), before)

    def _link(self, person: str, row: Mapping[str, Any] | None) -> None:
        last = self._last.get(person)
        if row is None:
            link = Link(self.now, person, last.object if last else None, None)
        else:
            account = json.loads(gather(row, "account"))["id"] if "account" in row else None
            link = Link(self.now, person, row.get("objectId"), account)
        if last is None or (last.object, last.account) != (link.object, link.account):
            self._last[person] = link
            self._links.append(link)
            self._had |= {person: link.account} if link.account else {}

    def _group_link(self, group: str, row: Mapping[str, Any] | None) -> None:
        last = self._last_group.get(group)
        if row is None:
            link = GroupLink(self.now, group, last.object if last else None, None)
        else:
            account = json.loads(gather(row, "account"))["id"] if "account" in row else None
            link = GroupLink(self.now, group, json.loads(gather(row, "said")).get("external_id"), account)
        if last is None or (last.object, last.account) != (link.object, link.account):
            self._last_group[group] = link
            self._group_links.append(link)

    def _line(self, key: str, event: Mapping[str, Any], before: Mapping[str, str | None]) -> None:
        about = key.split(":")[1]
        link = self._last.get(about) or self._last_group.get(about)
        fields = tuple(Difference(each["field"], each["before"], each["after"]) for each in event["fields"])
        self._lines.append(
            Line(
                at=datetime.fromisoformat(event["at"]),
                person=about,
                account=(link.account if link else None) or before.get(about),
                kind=event["kind"],
                reason=event["reason"],
                fields=fields,
                joined=self._accounts(event.get("joined", ()), before),
                left=self._accounts(event.get("left", ()), before),
                group=about in self._last_group,
            )
        )

    def _accounts(self, people: Any, before: Mapping[str, str | None]) -> tuple[str, ...]:
        known = (before.get(each) or self._had.get(each) for each in people)
        return tuple(account for account in known if account)

    # --- at the end ---

    def observed(self) -> Observed:
        """All of it."""
        self.look()
        zoho = self._world.zoho
        return Observed(
            now=self.now,
            moments=tuple(self._moments),
            accounts=dict(zoho.users),
            zoho_groups=dict(zoho.groups),
            changes=tuple(zoho.changes),
            group_changes=tuple(zoho.group_changes),
            links=tuple(self._links),
            group_links=tuple(self._group_links),
            lines=tuple(self._lines),
            pushes=tuple(self.pushes),
            found={person: known for person in self._last if (known := self._world.service.object_of(person))},
            failed=tuple(self._world.internet.failed),
            passwords=tuple(zoho.passwords),
            runs=tuple(sorted(self._runs(), key=lambda run: run.started)),
            held=tuple(self._held()),
            decisions=tuple(self.decisions),
            table_refusals=tuple(self._refused()),
            at_once=tuple(self._world.exclusion.broken),
            quiet_since=self.quiet_since,
        )

    def _refused(self) -> list[TableRefusal]:
        told = self._world.tables.refused
        return [TableRefusal(self.now, call.table, f"{refusal.code}: {refusal}") for call, refusal in told]

    def _runs(self) -> list[Run]:
        not_done: dict[str, list[str]] = {}
        found = []
        for (_, key), row in sorted(self._world.rows("runs").items()):
            if key.startswith("change:"):
                change = json.loads(gather(row, "change"))
                if change["result"] != "done":
                    not_done.setdefault(key.split(":")[1], []).append(change["change"]["identity"])
            elif key.startswith("run:"):
                found.append(json.loads(gather(row, "run")))
        return [_run(run, tuple(not_done.get(run["id"], ()))) for run in found]

    def _held(self) -> list[Held]:
        plans = self._world.bridge().held_plans
        held = []
        for stored in reversed(plans.all(self._store)):
            plan = plans.plan(stored.held)
            people = [_planned(json.loads(change.model_dump_json()), group=False) for change in plan.changes]
            groups = [_planned(json.loads(change.model_dump_json()), group=True) for change in plan.groups]
            moves = tuple(Move(move.at, move.state.value, move.by) for move in stored.held.moves)
            held.append(Held(stored.held.id, (*people, *groups), moves))
        return held


def _person(person: EntraPerson, assigned: bool) -> Person:
    said = person.out_of_bin().model_dump(by_alias=True)
    attributes = {name: str(said[name]) for name in NAMES if said.get(name)}
    if person.business_phones:
        attributes["businessPhones"] = person.business_phones[0]
    return Person(
        id=person.id,
        upn=person.out_of_bin().mapped_name,
        enabled=person.account_enabled,
        gone="in bin" if person.deleted_date_time else "",
        attributes=attributes,
        manager=person.manager,
        assigned=assigned,
        guest=person.user_type == "Guest",
    )


def _run(run: Mapping[str, Any], not_done: tuple[str, ...]) -> Run:
    return Run(
        id=run["id"],
        kind=run["kind"],
        started=datetime.fromisoformat(run["started"]),
        ended=datetime.fromisoformat(run["ended"]) if run.get("ended") else None,
        state=run["state"],
        errors=tuple(run["errors"]),
        not_done=not_done,
    )


def _planned(change: Mapping[str, Any], *, group: bool) -> Planned:
    adopts, members = change.get("adopts"), change.get("members") or {}
    return Planned(
        kind=change["kind"],
        person=change["identity"],
        fields=tuple(Difference(each["field"], each["before"], each["after"]) for each in change["fields"]),
        reason=change["reason"],
        adopts=adopts.get("account") if adopts else None,
        group=group,
        joining=members.get("joining", 0),
        leaving=members.get("leaving", 0),
    )
