"""Cures of the bridge, each taken back by itself: the simulation has to notice.

`python -m tests.simulation --mutation NAME` plays histories until one fails, and says how many it took. A mutation that
names what is not there any more is an error: it has to follow the code.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple


class Mutation(NamedTuple):
    """One function of the app, and what stands in its place."""

    place: str
    """Its module and name, as ``module:Class.method``."""
    made: Callable[[Callable[..., Any]], Callable[..., Any]]
    """The new function from the old."""
    says: str
    """What is no longer done."""


def _gives(value: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return lambda _: lambda *_, **__: value


def _certain(old: Callable[..., Any]) -> Callable[..., Any]:
    def settle(self: Any, store: Any, stored: Any, *, certain: bool, planned: Any = None) -> Any:
        return old(self, store, stored, certain=True, planned=planned)

    return settle


def _any_success(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda answer: answer.status_code < 300


def _first_of_the_name(old: Callable[..., Any]) -> Callable[..., Any]:
    def match(identities: Any, store: str, object_id: str, see: Any = None, *, all_listed: bool = True) -> Any:
        if see is not None:
            holder = identities.holder_of(store, see().user_principal_name)
            if holder is not None:
                return holder
        return old(identities, store, object_id, see, all_listed=all_listed)

    return match


MUTATIONS: Mapping[str, Mutation] = MappingProxyType(
    {
        "guard forgets": Mutation(
            "shared.rules.recent_deprovisionings:RecentDeprovisionings.within",
            _gives(0),
            "deprovisionings of the last 40 minutes count with those of now",
        ),
        "guard asleep": Mutation(
            "shared.rules.recent_deprovisionings:RecentDeprovisionings.breach",
            _gives(None),
            "a push that would pass a limit is held",
        ),
        "discards forgotten": Mutation(
            "shared.tables.recent_deprovisionings:DeprovisioningCounts.discard",
            _gives(None),
            "a deprovisioning that was discarded is held again",
        ),
        "marks forget": Mutation(
            "shared.rules.identity:PendingChange.sent_before",
            _gives(()),
            "what was sent is remembered until its answer is known",
        ),
        "never looks": Mutation(
            "shared.sync.apply.person_settlement:PersonSettlement.settle",
            _certain,
            "a call that is repeated looks first what the one before has done",
        ),
        "no heartbeat": Mutation(
            "shared.tables.heartbeat:Heartbeat._run", _gives(None), "the lease of work that goes on is renewed"
        ),
        "no leases": Mutation(
            "shared.rules.pending:Managed.leased_until", _gives(None), "one writer at a time for one person"
        ),
        "no etags": Mutation(
            "shared.tables.record_table:_unchanged",
            _gives({}),
            "a row is written as it was read or not",
        ),
        "any success": Mutation(
            "shared.zoho.success_answers:says_done", _any_success, "a success is read before it is believed"
        ),
        "name is identity": Mutation(
            "shared.sync.source.match:match", _first_of_the_name, "an object id is a person, not a name"
        ),
        "bin is a rename": Mutation(
            "shared.rules.recycle_bin:object_in_bin", _gives(None), "the name in the recycle bin is no new name"
        ),
        "groups stay behind": Mutation(
            "shared.sync.apply.memberships:Memberships.due", _gives(None), "a person's groups follow the account"
        ),
        "cut off is over": Mutation(
            "shared.sync.cycle_note:CycleNote.abandoned_since",
            _gives(None),
            "a cycle whose process died is gone on with",
        ),
        "rules not recomputed": Mutation(
            "shared.sync.source.recompute:Recompute.after_arrivals",
            _gives([]),
            "a manager's new account reaches the reports",
        ),
        "by hand overlooked": Mutation(
            "shared.rules.account_seen:noted",
            lambda _: lambda *of: of[2].model_copy(update={"deactivated_by": None}),
            "an account that somebody deactivated in Zoho One is left alone",
        ),
    }
)


def take_back(name: str) -> None:
    """Take one cure back, in every module that has imported it."""
    mutation = MUTATIONS[name]
    module_name, _, path = mutation.place.partition(":")
    holder: Any = import_module(module_name)
    *classes, function = path.split(".")
    for part in classes:
        holder = getattr(holder, part)
    old = vars(holder)[function]
    new = mutation.made(old)
    setattr(holder, function, new)
    if not classes:
        for module in [each for key, each in sys.modules.items() if key.startswith("shared.")]:
            if vars(module).get(function) is old:
                setattr(module, function, new)
    print(f"taken back: {mutation.says}", flush=True)
