"""Faults of the bridge that histories have found and that are not cured yet: counted and told, but no news.

Each is what is wrong, with a seed that shows it, how a checker's sentence about it looks, and what the history must
have in it for that. Whoever cures one takes its entry away.
"""

import re
from typing import NamedTuple

from tests.simulation.steps import History


class Known(NamedTuple):
    """A fault that is not cured."""

    fault: str
    sentence: re.Pattern[str]
    steps: frozenset[str]
    """Steps without which it does not come about."""
    push: bool
    graph: bool
    """The feeds of the store in which it comes about."""


KNOWN = (
    Known(
        "a person whom Graph's reading saw, and whom the criteria shut out before the bridge knew them, gets an active "
        "account by the next push, and Graph has nothing new to say of them. The verification of pushes asks by object "
        "id alone, and a row that a push made has none: it has to ask by user principal name (wild, 300: criteria, "
        "then both feeds)",
        re.compile(r"\(a\) \S+, account or group \S+: active must be 'false', and is 'true'"),
        frozenset({"criteria"}),
        push=True,
        graph=True,
    ),
    Known(
        "somebody who was unmanaged, and whose account a hand deleted then, gets no account again: after that the "
        "store hears no push of them, though Entra's service has them in scope; whether the service, the bridge or the "
        "reference is wrong is not known yet (50108)",
        re.compile(r"\(a\) \S+, no account or group: account must be '\S+@\S+', and is None"),
        frozenset({"unmanage", "hand delete"}),
        push=True,
        graph=False,
    ),
)


def known(wrong: str, history: History) -> str | None:
    """The fault that a sentence is about, or None: it is news."""
    steps = {step.do for step in history.steps}
    for each in KNOWN:
        feeds = (each.push, each.graph) == (history.push, history.graph)
        if feeds and each.steps <= steps and each.sentence.fullmatch(wrong):
            return each.fault
    return None
