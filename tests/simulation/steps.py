"""The steps of a history: data, each of which can be done wherever those before it have led."""

from dataclasses import dataclass, replace
from random import Random

from tests.simulation.outside import DEATHS, Fault


@dataclass(frozen=True)
class Step:
    """One thing that happens, and the time after it.

    ``a``, ``b``: whom it is about, by the numbers of those who are there. ``faults``: what becomes of the outside calls
    from then until the next step, by their number.
    """

    do: str
    a: int = 0
    b: int = 0
    wait: float = 1.0
    """Seconds until the next step."""
    seed: int = 0
    slow: float = 1.0
    """How many times the usual time outside calls take."""
    faults: tuple[tuple[int, Fault], ...] = ()
    zoho_faults: tuple[tuple[int, Fault], ...] = ()
    """The same of the calls to Zoho One, counted by themselves: one call in ten is one, and most faults miss them."""

    def __str__(self) -> str:
        faults = "".join(f", call {number} {fault}" for number, fault in self.faults)
        faults += "".join(f", Zoho One's call {number} {fault}" for number, fault in self.zoho_faults)
        slow = f", calls {self.slow:g} times as slow" if self.slow != 1 else ""
        return f"{self.do} {self.a} {self.b}, then {self.wait:g} s{slow}{faults}"


@dataclass(frozen=True)
class History:
    """What happens in one world, and how it begins."""

    seed: int
    steps: tuple[Step, ...]
    push: bool
    graph: bool
    everybody: bool
    """Whether the scope is all users."""
    people: int = 8
    processes: int = 2
    strict: bool = False
    """Whether the guard holds more than two departures, instead of the limits that a store begins with."""
    accounts: int = 0
    """Number of accounts that Zoho One has before the store is added."""
    approves: bool = True
    """What becomes of the plan that is held at the end."""

    def with_steps(self, steps: tuple[Step, ...]) -> "History":
        """The same with other steps."""
        return replace(self, steps=steps)


ENTRA = {
    "hire": 6, "hire a guest": 1, "rename": 4, "disable": 4, "enable": 4, "recycle": 4, "restore": 3, "purge": 2,
    "create again": 3, "hand the name on": 2, "new job": 6, "new manager": 3,
    "unassign": 3, "assign": 4,
    "new group": 3, "add member": 6, "remove member": 4, "rename group": 2, "nest group": 1,
    "assign group": 4, "unassign group": 2, "delete group": 1,
}  # fmt: skip
"""What happens in Entra, and how often beside the others."""
BRIDGE = {"push": 14, "push one": 3, "tick": 8, "cycle": 8, "full cycle": 3}
ADMIN = {
    "approve": 3, "discard": 2, "stop": 1, "start": 3, "pause": 1, "provision": 3, "provision group": 1,
    "plan": 1, "mapping": 2, "rules": 1, "unmanage": 1, "entra tokens end": 1, "zoho tokens end": 1,
    "links end": 1,
}  # fmt: skip
HAND = {"hand title": 2, "hand deactivate": 1, "hand delete": 1, "hand activate": 1, "hand group": 1}
WEIGHTS = ENTRA | BRIDGE | ADMIN | HAND
CROWDS = {"many leave": 3}
"""Beside these in histories with crowds (``--crowds``): they still find faults that are not cured."""
WILD = CROWDS | {"criteria": 1, "other pages": 2, "revoke": 1, "reconnect": 2}
"""Beside these in wild histories (``--wild``), in which more calls to Zoho One fail, too. Without the flag a seed plays
what it always played.
"""

WAITS = {0.0: 6, 0.02: 4, 0.3: 4, 1.0: 4, 5.0: 4, 30.0: 4, 61.0: 3, 130.0: 3, 700.0: 2, 2460.0: 6, 90_000.0: 1}
"""Seconds between two steps, and how often beside the others."""
FAULTS = tuple(fault for fault in Fault if fault not in DEATHS)


def drawn(seed: int, length: int = 60, *, faults: bool = True, crowds: bool = False, wild: bool = False) -> History:
    """The history of a seed."""
    chance = Random(seed)
    feeds = chance.choice(("push", "graph", "both", "both"))
    drawn_from = WEIGHTS | (WILD if wild else CROWDS if crowds else {})
    names, weights = list(drawn_from), list(drawn_from.values())
    steps = [_step(chance, chance.choices(names, weights)[0], faults, wild=wild) for _ in range(length)]
    return History(
        seed=seed,
        steps=tuple(steps),
        push=feeds != "graph",
        graph=feeds != "push",
        everybody=chance.random() < 0.2,
        processes=chance.choice((1, 2, 2, 3)),
        approves=chance.random() < 0.7,
        strict=chance.random() < 0.4,
        accounts=Random(f"accounts {seed}").choice((0, 0, 0, 6)),
    )


def _step(chance: Random, do: str, faults: bool, *, wild: bool) -> Step:
    planned = list[tuple[int, Fault]]()
    if faults and chance.random() < 0.25:
        for _ in range(chance.choice((1, 1, 2, 4))):
            fault = chance.choice(DEATHS) if chance.random() < 0.5 else chance.choice(FAULTS)
            planned.append((chance.choice((1, 2, 3, 5, 8, 13, 21, 34)) + chance.randrange(6), fault))
    return Step(
        do,
        chance.randrange(1000),
        chance.randrange(1000),
        chance.choices(list(WAITS), list(WAITS.values()))[0],
        chance.randrange(2**30),
        chance.choice((1.0,) * 8 + (60.0, 400.0)) if faults else 1.0,
        tuple(sorted(dict(planned).items())),
        _zoho_faults(chance) if faults and wild else (),
    )


def _zoho_faults(chance: Random) -> tuple[tuple[int, Fault], ...]:
    if chance.random() >= 0.12:
        return ()
    found = {chance.choice((1, 1, 2, 3, 5, 8)): chance.choice(tuple(Fault)) for _ in range(chance.choice((1, 1, 2)))}
    return tuple(sorted(found.items()))
