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
    by_graph: bool
    """Whether it needs a store that reads Graph and gets no pushes, or gets them too."""


KNOWN = (
    Known(
        "a person who does not meet the criteria is active again after the next push: Entra's provisioning service "
        "sees an inactive account, says that they are active, and Graph has nothing new to say (wild; or, with both: "
        "push, cycle, criteria 2, new job 3)",
        re.compile(r"\(a\) \S+, account or group \S+: active must be 'false', and is 'true'"),
        frozenset({"criteria"}),
        by_graph=True,
    ),
)


def known(wrong: str, history: History) -> str | None:
    """The fault that a sentence is about, or None: it is news."""
    steps = {step.do for step in history.steps}
    for each in KNOWN:
        if each.sentence.fullmatch(wrong) and each.steps <= steps and (history.graph or not each.by_graph):
            return each.fault
    return None
