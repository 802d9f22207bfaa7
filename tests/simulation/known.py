"""Faults of the bridge that histories have found and that are not cured yet: counted and told, but no news.

Each is what is wrong, with a seed that shows it, and how a checker's sentence about it looks. Whoever cures one takes
its line away.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

KNOWN: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "an approved adoption clears fields that the plan does not show, or makes a new account where the one that was "
        "to be adopted is gone by then (seeds 5015, 5010)": re.compile(r"\(g\) .* otherwise than shown"),
        "who is renamed in Entra, alias included, between Graph's first reading and the first push gets two accounts "
        "(seed 7 of commit d0a5080)": re.compile(r"\(d\) \S+ got account \S+ at .*, and had "),
        "a value that Entra has cleared stays where the link to the changes expired before it was read: a full listing "
        "leaves it out (seed 22; or: cycle, new job 2 11, links end)": re.compile(
            r"\(a\) .*: \w+ must be None, and is '"
        ),
        "an account that a hand deactivated and then deleted is not made again (seed 26)": re.compile(
            r"\(a\) .*: account must be '.*', and is None"
        ),
        "a group's or an adopted account's line that is written after a lost answer does not tell all of it (seeds 38, "
        "40)": re.compile(r"\(f\) the line “(updated|adopted)” .* says nothing of what changed"),
    }
)


def known(wrong: str) -> str | None:
    """The fault that a sentence is about, or None: it is news."""
    return next((fault for fault, pattern in KNOWN.items() if pattern.search(wrong)), None)
