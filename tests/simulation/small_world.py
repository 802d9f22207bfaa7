"""A small world written by hand, in which the bridge does right; a test then puts one thing wrong."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.observed import (
    Account,
    Changed,
    Decision,
    Difference,
    Direct,
    Failed,
    Group,
    GroupLink,
    Held,
    Line,
    Link,
    Moment,
    Move,
    Observed,
    PasswordMailed,
    PasswordSet,
    Person,
    Planned,
    Push,
    Rule,
    Run,
    Settings,
    ZohoGroup,
)

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = (
    Rule("userName", Direct("userPrincipalName")),
    Rule("displayName", Direct("displayName")),
    Rule("title", Direct("jobTitle")),
    Rule("manager", Direct("manager")),
)
BY = {"create": "created", "adopt": "adopted", "update": "updated", "deactivate": "deactivated"}
BY |= {"reactivate": "reactivated", "delete": "deleted"}


@dataclass
class SmallWorld:
    """Entra, Zoho One and the bridge, told step by step. A person ``ann`` has the row ``r-ann`` in the bridge."""

    settings: Settings = field(default_factory=lambda: Settings(RULES, scope="all"))
    now: datetime = START
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    zoho_groups: dict[str, ZohoGroup] = field(default_factory=dict)
    has: dict[str, str] = field(default_factory=dict)
    """Accounts by object."""
    seen: dict[str, list[Any]] = field(default_factory=dict)
    """What the observer has seen, by the fields of Observed."""

    def __post_init__(self) -> None:
        self._moment()

    def tick(self, minutes: float = 1) -> datetime:
        """Let time go by."""
        self.now += timedelta(minutes=minutes)
        return self.now

    # --- Entra, and the store's settings

    def hire(self, *names: str, **attributes: str) -> None:
        """People who are new in Entra."""
        for name in names:
            own = {"displayName": name.title(), "jobTitle": "Clerk", "mail": f"{name}@contoso.com"} | attributes
            self.people[name] = Person(name, f"{name}@contoso.com", attributes=own)
        self._moment()

    def entra(self, name: str, **changes: Any) -> None:
        """Something about a person changes in Entra."""
        self.people[name] = replace(self.people[name], **changes)
        self._moment()

    def group(self, name: str, *members: str, **changes: Any) -> None:
        """A group in Entra, as it is from now on."""
        self.groups[name] = Group(name, name.title(), frozenset(members), **changes)
        self._moment()

    def set(self, **changes: Any) -> None:
        """The store's settings change."""
        self.settings = replace(self.settings, **changes)
        self._moment()
        self._add("decisions", Decision(self.now, "settings"))

    def push(self, name: str, status: int = 200, method: Any = "PATCH", **changes: Any) -> None:
        """A push of a person as they are in Entra, but for ``changes``."""
        said = None if method == "DELETE" else replace(self.people[name], **changes)
        self._add("pushes", Push(self.tick(), name, method, status, said, f"r-{name}"))

    # --- What the bridge does right

    def provision(self, *names: str, **how: Any) -> None:
        """Make accounts for people, with the line and the link."""
        for name in names:
            self.apply("create", name, self._mapped(name), **how)

    def apply(self, kind: str, name: str, fields: dict[str, str] | None = None, **how: Any) -> Account | None:
        """Change a person's account, with line and link. ``fields``: all of them; ``line``, ``link`` False: without."""
        account, before = how.get("account") or self.has.get(name) or f"z-{name}-{len(self.accounts)}", None
        before = self.accounts.get(account)
        held = dict(before.fields) if before else {}
        wanted = held if fields is None else fields
        after = None if kind == "delete" else Account(account, kind != "deactivate", wanted)
        if kind == "update" and before:
            after = replace(before, fields=wanted)
        self._write("bridge", account, after, through=how.get("through", "cycle"))
        if how.get("line", True):
            names = sorted(held.keys() | wanted.keys()) if kind != "delete" else []
            shown = tuple(Difference(f, held.get(f), wanted.get(f)) for f in names if held.get(f) != wanted.get(f))
            self._add("lines", Line(self.tick(0.1), f"r-{name}", account, BY[kind], "Entra says so.", shown))
        if how.get("link", True):
            self.link(name, account if after else None)
        return after

    def shut_out(self, *names: str, **how: Any) -> None:
        """Deactivate accounts."""
        for name in names:
            self.apply("deactivate", name, **how)

    def link(self, name: str, account: str | None, object_id: str | None = "own") -> None:
        """The bridge writes whose an account is."""
        if account is None:
            self.has.pop(name, None)
        else:
            self.has[name] = account
        self._add("links", Link(self.now, f"r-{name}", name if object_id == "own" else object_id, account))

    def regroup(
        self, name: str, *members: str, by: Any = "bridge", title: str | None = None, line: bool = True
    ) -> None:
        """Zoho One's group takes just these people's accounts in."""
        before, ids = self.zoho_groups.get(name), frozenset(self.has.get(one, one) for one in members)
        after = ZohoGroup(name, title or name.title(), ids)
        self.zoho_groups[name] = after
        self._add("group_changes", Changed(self.tick(), by, before, after, "cycle" if by == "bridge" else ""))
        if by != "bridge":
            return
        self._add("group_links", GroupLink(self.now, f"g-{name}", name, name))
        held = before.members if before else frozenset()
        named = before.name if before else None
        fields = (Difference("displayName", named, after.name),) if named != after.name else ()
        joined, left = tuple(ids - held), tuple(held - ids)
        kind = "updated" if before else "created"
        if line:
            at = self.tick(0.1)
            self._add("lines", Line(at, f"g-{name}", name, kind, "Entra says so.", fields, joined, left, group=True))

    def cycle(self, full: bool = False, state: Any = "done") -> None:
        """A cycle, 40 minutes after what was before."""
        started = self.tick(40)
        kind: Any = "full cycle" if full else "cycle"
        run = Run(f"run-{len(self.seen.get('runs', []))}", kind, started, self.tick(), state)
        self._add("runs", run)

    # --- What others do

    def hand(self, account: str, **changes: Any) -> None:
        """An administrator of Zoho One changes an account; ``gone``: deletes it."""
        before = self.accounts.get(account)
        after = replace(before, **changes) if before and "gone" not in changes else None
        if before is None:
            after = Account(account, changes.get("active", True), changes["fields"])
        self._write("hand", account, after)

    def hold(self, *changes: Planned, name: str = "") -> str:
        """The guard holds a plan."""
        held = Held(name or f"plan-{len(self.seen.get('held', []))}", changes, (Move(self.tick(), "held", "cycle"),))
        self._add("held", held)
        return held.id

    def move(self, plan: str, state: Any, by: str = "admin") -> None:
        """A held plan changes its state."""
        for number, held in enumerate(self.seen["held"]):
            if held.id == plan:
                self.seen["held"][number] = replace(held, moves=(*held.moves, Move(self.tick(), state, by)))

    def decide(self, kind: Any, about: str = "") -> None:
        """An administrator asks for something."""
        self._add("decisions", Decision(self.tick(), kind, about))

    def fail(self, name: str, status: int, account: str | None = None, what: Any = "user") -> None:
        """A call of the bridge fails."""
        self._add("failed", Failed(self.tick(), what, account, name, status))

    def password(self, account: str, text: str, to: str | None = None) -> None:
        """A password is set, and mailed to this address."""
        if account:
            self._add("passwords", PasswordSet(self.tick(), account, text))
        if to:
            self._add("mails", PasswordMailed(self.tick(), (to,), "", text))

    def observed(self, quiet: bool = True, **more: Any) -> Observed:
        """What was seen, at the end."""
        told = {name: tuple(each) for name, each in self.seen.items()}
        quiet_since = self.now if quiet else None
        return Observed(
            self.tick(),
            accounts=dict(self.accounts),
            zoho_groups=dict(self.zoho_groups),
            **{**told, "quiet_since": quiet_since, **more},
        )

    def _mapped(self, name: str) -> dict[str, str]:
        person = self.people[name]
        told = {"displayName": person.attributes.get("displayName"), "title": person.attributes.get("jobTitle")}
        told["manager"] = self.has.get(person.manager or "")
        return {"userName": person.upn} | {name: text for name, text in told.items() if text}

    def mapped(self, name: str, **changes: str) -> dict[str, str]:
        """What a person's account should hold, but for ``changes``."""
        return self._mapped(name) | changes

    def _write(self, by: Any, account: str, after: Account | None, through: Any = "") -> None:
        before = self.accounts.get(account)
        if after is None:
            self.accounts.pop(account, None)
        else:
            self.accounts[account] = after
        self._add("changes", Changed(self.tick(), by, before, after, through))

    def _moment(self) -> None:
        self._add("moments", Moment(self.tick(), dict(self.people), dict(self.groups), self.settings))

    def _add(self, what: str, each: object) -> None:
        self.seen.setdefault(what, []).append(each)
