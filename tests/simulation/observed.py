"""What an observer sees of the world around the bridge: plain values that the simulation writes and the checkers read.

Nothing here is the bridge's own: the checkers that read it share no code with what they judge. Whoever runs the world
fills one ``Observed`` at the end of a history, after its quiet cycles. Instants are aware datetimes in UTC, by the
world's clock. Ids are texts, exactly as Entra, Zoho One and the bridge spell them; an attribute without a value is
absent from its mapping, never None or an empty text.

========================  ============================================================================
word                      means
========================  ============================================================================
object                    a person or group in Entra, by its object id (never used again)
person                    a row of the bridge's, by the bridge's id
account                   a user in Zoho One, by Zoho One's id (never used again)
the world                 Entra with its people and groups, and the store's settings, at one instant
========================  ============================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

type Values = Mapping[str, str]
"""Values by name. Of Entra: Graph's names (``jobTitle``); of Zoho One: the fields of docs/mapping.md (``title``)."""

# --- Entra -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """A user object in Entra."""

    id: str
    """The object id."""
    upn: str
    """The person's own userPrincipalName: without the object id before it that Entra writes in its recycle bin."""
    enabled: bool = True
    """accountEnabled."""
    gone: Literal["", "in bin", "purged"] = ""
    """Whether the object is in the recycle bin, or was deleted for good."""
    attributes: Values = field(default_factory=dict)
    """By Graph's names, directory extensions too; not ``userPrincipalName``, ``accountEnabled`` and ``manager``."""
    manager: str | None = None
    """The manager's object id, as Graph and Entra's pushes tell it."""
    assigned: bool = False
    """Directly to the enterprise application; by a group, see ``Group.assigned``."""
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A group in Entra."""

    id: str
    name: str
    """displayName."""
    members: frozenset[str] = frozenset()
    """Object ids of the direct members who are people, also of those in the recycle bin or disabled."""
    groups: frozenset[str] = frozenset()
    """Object ids of the direct members that are groups; the bridge, as Entra, does not look into them."""
    assigned: bool = False
    """To the enterprise application."""
    gone: bool = False
    """Deleted in Entra."""


# --- The store's settings --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """A hard-coded value."""

    value: str


@dataclass(frozen=True, slots=True)
class Direct:
    """The value of one attribute: Graph's name, ``userPrincipalName`` and ``manager`` included."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Upper:
    """``ToUpper([attribute])``."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Join:
    """``Join(separator, [one], [other], …)``: what has no value is left out."""

    separator: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coalesce:
    """``Coalesce([one], [other], …)``: the first that has a value."""

    attributes: tuple[str, ...]


type Source = Constant | Direct | Upper | Join | Coalesce


def written(source: Source) -> dict[str, str]:
    """The source as the mapping's file has it (docs/mapping.md)."""
    match source:
        case Constant(value):
            return {"kind": "hard-coded value", "value": value}
        case Direct(name) if name.startswith("extension_"):
            return {"kind": "custom attribute", "name": name}
        case Direct(name):
            return {"kind": "profile field", "field": name}
        case Upper(name):
            text = f"ToUpper([{name}])"
        case Join(separator, names):
            text = f"Join({', '.join([f'"{separator}"', *(f'[{name}]' for name in names)])})"
        case Coalesce(names):
            text = f"Coalesce({', '.join(f'[{name}]' for name in names)})"
    return {"kind": "expression", "expression": text}


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field of Zoho One is filled."""

    target: str
    """A field of Zoho One; ``manager`` takes ``Direct("manager")`` and holds the manager's account."""
    source: Source
    default: str | None = None
    """The value where the source has none."""
    only_at_creation: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the store's criteria; letter case does not count."""

    attribute: str
    operator: Literal["equals", "not equals", "contains", "starts with", "ends with", "is present", "is absent"]
    value: str = ""


type Leaving = Literal["nothing", "deactivate", "delete"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The guard's limits. Percentages are 0 to 100."""

    leavings_count: int = 10
    leavings_percent: float = 10.0
    """Passed by more than the count which are also more than the percentage."""
    share_percent: float | None = 50.0
    """None: no such limit."""
    share_of_at_least: int = 3
    leavings_most: int | None = 200
    """None: no such limit."""
    groups_count: int = 3
    groups_percent: float = 10.0
    groups_share: float = 50.0
    groups_most: int = 50
    members_count: int = 50
    members_percent: float = 50.0
    creations: int | None = None
    """None: no limit."""
    one_field_count: int = 50
    one_field_percent: float = 50.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The store's settings."""

    rules: tuple[Rule, ...]
    feeds: frozenset[Literal["push", "graph"]] = frozenset({"graph"})
    scope: Literal["all", "assigned"] = "assigned"
    started: bool = True
    """Provisioning is started, and not paused."""
    criteria: tuple[Condition, ...] = ()
    """Empty: everybody in scope."""
    match: Literal["all", "any"] = "all"
    follows_activation: bool = True
    """Status sync for activated users is "Change in Zoho One"."""
    on_deactivated: Leaving = "deactivate"
    on_unassigned: Leaving = "deactivate"
    on_deleted: Leaving = "deactivate"
    restore_by_hand: bool = False
    drift: Literal["repair", "report only"] = "repair"
    adoptions: Literal["hold", "always adopt", "never"] = "hold"
    limits: Limits = Limits()
    groups_synced: bool = True
    group_prefix: str = ""
    group_deleted: Literal["nothing", "delete"] = "nothing"
    exact_members: bool = False
    passwords: Literal["nobody", "user", "admin"] = "nobody"
    """Who gets a new account's one-time password."""
    verified_domains: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()
    """Addresses, for ``passwords`` "admin"."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The world from an instant until the next moment. One for each change of Entra or of the settings."""

    at: datetime
    people: Mapping[str, Person]
    """Every object that ever was, by object id; purged ones stay, marked so."""
    groups: Mapping[str, Group]
    """By object id; deleted ones stay, marked so."""
    settings: Settings


@dataclass(frozen=True, slots=True)
class Push:
    """A request of Entra's provisioning service that the bridge answered."""

    at: datetime
    """When it was answered."""
    object: str
    """The object id of the person or group that it is about."""
    method: Literal["POST", "PATCH", "PUT", "DELETE"]
    status: int
    """What was answered."""
    said: Person | Group | None
    """What the request, with all accepted before it, says of the object; None for a DELETE.

    ``enabled`` is ``active``, ``upn`` the own name; ``gone`` and ``assigned`` are not a push's to tell.
    """
    person: str | None = None
    """The bridge's id in the answer or the path: for a POST the only witness of whom the row is about."""


# --- Zoho One --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A user in Zoho One."""

    id: str
    active: bool
    fields: Values
    """``userName`` and every other field that has a value; of the groups, nothing."""


@dataclass(frozen=True, slots=True)
class ZohoGroup:
    """A group in Zoho One."""

    id: str
    name: str
    members: frozenset[str] = frozenset()
    """Account ids."""
    external_id: str | None = None


type By = Literal["bridge", "hand", "zoho"]
"""Who: a call of the bridge, an administrator of Zoho One, or Zoho One itself (a deleted account leaves its groups)."""


@dataclass(frozen=True, slots=True)
class Changed[T: (Account, ZohoGroup)]:
    """One write that took effect in Zoho One, also one that changed nothing (``before == after``)."""

    at: datetime
    """When it took effect, which is not when, or whether, the bridge heard of it."""
    by: By
    before: T | None
    """None: it was created."""
    after: T | None
    """None: it was deleted."""
    through: Literal["", "push", "cycle", "on demand", "other"] = ""
    """What the bridge was doing; "other": a timer or a job. Empty for a hand."""

    @property
    def id(self) -> str:
        """The id of the account or group."""
        there = self.before or self.after
        assert there is not None  # a write is about something
        return there.id


@dataclass(frozen=True, slots=True)
class Failed:
    """A call of the bridge about one user or group that was not answered with success, as it was meant.

    Also one that a process died before: it had been written down, and never came.
    """

    at: datetime
    what: Literal["user", "group"]
    account: str | None
    """The account or group that was to be changed or read; None for a creation, or a search by name."""
    name: str
    """The userName, or the group's name, that the call asked for; empty where it named none."""
    status: int
    """What the bridge was answered; 0: nothing, because the answer was lost or late, or the process died."""
    carried_out: bool = False
    """It was done all the same, at once or later."""


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A password that Zoho One took for an account."""

    at: datetime
    account: str
    password: str


@dataclass(frozen=True, slots=True)
class PasswordMailed:
    """A mail with a one-time password that a mail server took."""

    at: datetime
    to: tuple[str, ...]
    """Addresses."""
    user_name: str
    """The userName that the mail names."""
    password: str


# --- The bridge, from outside ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """What a transaction of the bridge's wrote: from now on, this is the person's account. One for each change."""

    at: datetime
    person: str
    object: str | None
    """The object id that the bridge knows of the person; None: pushed only."""
    account: str | None
    """None: the person has none, or is not managed any longer."""


@dataclass(frozen=True, slots=True)
class GroupLink:
    """The same for a group."""

    at: datetime
    group: str
    object: str | None
    account: str | None
    """The group's id in Zoho One."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field before and after; None is absent."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of history, in the order in which they were written: every one ever, those dropped since included."""

    at: datetime
    person: str
    """The bridge's id of the person or group."""
    account: str | None
    """Zoho One's id that the row had before or after the same transaction."""
    kind: str
    """As stored: "created", "updated", "deactivated", "recorded" …"""
    reason: str
    fields: tuple[Difference, ...] = ()
    joined: tuple[str, ...] = ()
    """Of a group: accounts (not people) that joined, as far as known."""
    left: tuple[str, ...] = ()
    """Of a group: accounts that left."""
    group: bool = False


type Kind = Literal["create", "adopt", "update", "deactivate", "reactivate", "delete", "propose", "nothing"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One change as a plan shows it."""

    kind: Kind
    person: str
    """The bridge's id of the person or group."""
    fields: tuple[Difference, ...] = ()
    reason: str = ""
    adopts: str | None = None
    """The account of somebody else, or of an earlier object, that the plan says is adopted."""
    group: bool = False
    joining: int = 0
    """Of a group: number of members."""
    leaving: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state of a held plan, as stored."""

    at: datetime
    state: Literal["held", "approved", "applying", "applied", "discarded", "overtaken"]
    by: str
    """The administrator, or "cycle"."""


@dataclass(frozen=True, slots=True)
class Held:
    """A plan that the guard held."""

    id: str
    changes: tuple[Planned, ...]
    """What it showed: people, then groups; without what was left alone."""
    moves: tuple[Move, ...]
    """Oldest first; the first is "held"."""


@dataclass(frozen=True, slots=True)
class Run:
    """A cycle, or a provisioning on demand."""

    id: str
    kind: Literal["cycle", "full cycle", "on demand"]
    started: datetime
    ended: datetime | None
    state: Literal["running", "done", "held", "failed"]
    errors: tuple[str, ...] = ()
    left_alone: tuple[Planned, ...] = ()
    """What a policy left out of its plan, each with its reason."""
    not_done: tuple[str, ...] = ()
    """The bridge's ids of people and groups whose planned change failed, was parked or was not tried."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an administrator asked for, when it was done."""

    at: datetime
    kind: Literal[
        "approved",
        "discarded",
        "allowed",  # a group's removal or deletion, for 24 hours
        "unmanaged",  # by hand
        "settings",
        "started",
        "stopped",
        "restored",  # a backup was put back
        "added again",  # the store was deleted and added again
        "password",  # a new one-time password was asked for
        "other",
    ]
    about: str = ""
    """The id of the plan, person or group; for "allowed", the bridge's id of the group."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Two workers of the bridge that were at one thing at the same time, both alive."""

    at: datetime
    """When the second came."""
    what: str
    """ "user <id or name>", "group <id or name>" where both were writing it to Zoho One, "lease <name>" where one took
    what the other held."""


@dataclass(frozen=True, slots=True)
class TableRefusal:
    """A write that the tables refused for its size, or for the number of its operations."""

    at: datetime
    table: str
    what: str
    """The limit, and by how much it was passed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, for a reader: the log of the history."""

    at: datetime
    actor: str
    """ "entra", "push", "worker 2", "admin", "hand", "fault" …"""
    action: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Observed:
    """A history at its end. Each tuple is in the order of its instants."""

    now: datetime
    moments: tuple[Moment, ...]
    """At least one; the last is the world of now."""
    accounts: Mapping[str, Account]
    """Zoho One's users of now, by id."""
    zoho_groups: Mapping[str, ZohoGroup]
    """Zoho One's groups of now, by id."""
    changes: tuple[Changed[Account], ...] = ()
    """Every write of an account that took effect, from the first on: nothing was there before."""
    group_changes: tuple[Changed[ZohoGroup], ...] = ()
    links: tuple[Link, ...] = ()
    group_links: tuple[GroupLink, ...] = ()
    lines: tuple[Line, ...] = ()
    pushes: tuple[Push, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    """Objects by the bridge's ids of the people that Entra's provisioning service has found them under."""
    failed: tuple[Failed, ...] = ()
    passwords: tuple[PasswordSet, ...] = ()
    mails: tuple[PasswordMailed, ...] = ()
    runs: tuple[Run, ...] = ()
    """By start."""
    held: tuple[Held, ...] = ()
    decisions: tuple[Decision, ...] = ()
    table_refusals: tuple[TableRefusal, ...] = ()
    at_once: tuple[AtOnce, ...] = ()
    events: tuple[Event, ...] = ()
    quiet_since: datetime | None = None
    """From then on nothing but cycles happened: no fault, no change, no push; None: checkers of the end say nothing."""
    interval: timedelta = timedelta(minutes=40)
    """Between two cycles."""
