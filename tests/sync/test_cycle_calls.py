"""What a cycle costs: calls outside, whatever the number of people."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.entra.people import PEOPLE, make_people
from shared.calls import counted
from shared.rules.entra_connection import Scope
from shared.rules.run import Result, Run
from tests.sync.reconciled import Reconciled

MOST_CALLS = 11
GROUP = "00000000-0000-0000-0000-00000000000a"
ENABLED = [person.id for person in PEOPLE if person.account_enabled]
CHANGED, GROUPED = ENABLED[:12], ENABLED[12:]
PAGE = 30
"""People in a page of Graph's."""
ALL = 2 * PAGE + 1


@dataclass(frozen=True)
class Costs:
    """Calls by kind: of a cycle with no change, and of one with some."""

    no_change: dict[str, int]
    changes: dict[str, int]


def test_a_cycle_costs_calls_for_what_changed_and_not_for_who_is_there(reconciled: Reconciled) -> None:
    reconciled.entra.set(page_size=PAGE)
    reconciled.entra.act({"do": "put group", "id": GROUP, "members": GROUPED}, {"do": "assign group", "id": GROUP})
    reconciled.cycle()
    few = {scope: _costs(reconciled, scope, CHANGED[:6]) for scope in (Scope.ASSIGNED, Scope.ALL_USERS)}
    more = [person.model_dump(mode="json", by_alias=True) for person in make_people(ALL - len(PEOPLE))]
    reconciled.entra.act(*({"do": "add", "values": person} for person in more))
    assert reconciled.cycle().results == {Result.DONE: len(more)}
    many = {scope: _costs(reconciled, scope, CHANGED[6:]) for scope in (Scope.ASSIGNED, Scope.ALL_USERS)}
    for scope in Scope:
        assert sum(few[scope].no_change.values()) <= MOST_CALLS
        assert many[scope].no_change == few[scope].no_change
        assert many[scope].changes == few[scope].changes
        assert many[scope].changes["zoho"] == 6


def _costs(reconciled: Reconciled, scope: Scope, people: Sequence[str]) -> Costs:
    """Where everybody has been read once with this scope."""
    reconciled.change(entra=reconciled.entra.connection(scope=scope))
    reconciled.cycle()
    no_change, _ = _counted(reconciled)
    titles = ({"do": "change", "id": each, "values": {"jobTitle": scope.value}} for each in people[:4])
    switch = "disable" if scope is Scope.ASSIGNED else "enable"
    reconciled.entra.act(*titles, *({"do": switch, "id": each} for each in people[4:]))
    changes, run = _counted(reconciled)
    assert run.results == {Result.DONE: len(people)}
    return Costs(no_change, changes)


def _counted(reconciled: Reconciled) -> tuple[dict[str, int], Run]:
    with counted() as calls:
        run = reconciled.cycle()
    assert run.errors == ()
    return calls.taken(), run
