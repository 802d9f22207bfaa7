"""What judges a history, by what was promised and by what was observed: one function for each of (a) to (i).

Each yields its violations, a sentence each with the instants. Nothing is imported from the bridge.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from tests.simulation.accounting import accounted
from tests.simulation.approvals import as_shown
from tests.simulation.facts import Facts
from tests.simulation.limits import why_held, within_limits
from tests.simulation.observed import Account, Changed, Observed, Person, Push
from tests.simulation.openness import PARKED_AFTER, PARKED_FOR, is_refusal, unexplained
from tests.simulation.reference import ACCEPTED, REFUSED, differences
from tests.simulation.shut_out import Span, shut_out
from tests.simulation.whose import nobody_else_is_touched, one_account_each

CYCLES = 2
"""Cycles within which somebody whom Entra shut out has to be shut out of Zoho One."""


def converged(facts: Facts) -> Iterator[str]:
    """(a) After quiet cycles Zoho One equals the reference, but for what is open with a reason that was observed."""
    if facts.seen.quiet_since is None:
        return
    for views in differences(facts):
        yield from map(str, unexplained(facts, views))
    held = facts.held_now
    if held is not None and why_held(facts, held) is None:
        yield f"The plan {held.id} is held since {held.moves[0].at}, and passes no limit"


def nobody_stays_in(facts: Facts) -> Iterator[str]:
    """(b) Nobody is active whom Entra and the rules shut out longer ago than two cycles.

    Cycles that were held count as none, nor do those in which Zoho One refused just this, or did not answer to it.
    """
    spans = shut_out(facts)
    for account, owners in facts.owners.items():
        ends = [*(owner.at for owner in owners[1:]), facts.seen.now]
        for owner, end in zip(owners, ends, strict=True):
            if not facts.is_told_of(owner.person):
                continue
            before: Span | None = None
            known = owner.at
            for span in spans.get(owner.object or "", []):
                if before is None or _is_seen(facts, owner.object, before, span):
                    known = max(span.since, owner.at)
                before, until = span, end if span.until is None else min(end, span.until)
                if any(_lets_in(facts, push, span.since) for push in facts.pushes.get(owner.object or "", [])):
                    continue  # a push that came late
                yield from _stays(facts, account, owner.object, known, max(span.since, owner.at), until)


def _is_seen(facts: Facts, owner: str | None, before: Span, after: Span) -> bool:
    """Whether anything could tell the bridge that its owner was let in between two times of being shut out."""
    begins = before.until or after.since
    pushed = any(begins <= push.at <= after.since for push in facts.pushes.get(owner or "", []))
    runs = (run for run in facts.seen.runs if run.started <= after.since)
    return pushed or any(run.ended is None or run.ended >= begins for run in runs)


def _stays(
    facts: Facts, account: str, owner: str | None, known: datetime, since: datetime, until: datetime
) -> Iterator[str]:
    """Whether an account is active through two cycles within the time in which its owner is shut out.

    ``known``: since when they are shut out by all that the bridge could see.
    """
    for made, begins, ends in _active(facts, account):
        start, end = max(begins, since), min(ends, until)
        if made.by == "hand" and begins >= known:
            if facts.moment_at(end).settings.drift != "repair":
                continue
            start = next((run.started for run in facts.full_cycles if run.started >= start), end)
        counted = list(_cycles(facts, account, start, end))
        if len(counted) >= CYCLES:
            through = ", ".join(map(str, counted[:CYCLES]))
            active = f"account {account} was active until {end}, through the cycles of {through}"
            yield f"{owner} was shut out at {since}, and {active}"


def _cycles(facts: Facts, account: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """The cycles in a time that could have shut an account out: when each started."""
    failed = [each for each in facts.failed.get(account, []) if since <= each.at <= until]
    refused = [each.at for each in failed if is_refusal(each.status)]
    for run in facts.cycles:
        if run.ended is None or run.started < since or run.ended > until:
            continue
        if any(run.started <= each.at <= run.ended for each in failed):
            continue
        earlier = [at for at in refused if at <= run.started]
        if len(earlier) < PARKED_AFTER or run.started >= earlier[-1] + PARKED_FOR:
            yield run.started


def _lets_in(facts: Facts, push: Push, since: datetime) -> bool:
    """Whether a push may have let somebody in: one that was answered 5xx may count, unless Graph is read."""
    by_graph = "graph" in facts.moment_at(push.at).settings.feeds
    counts = push.status in ACCEPTED if by_graph else push.status not in REFUSED
    return push.at >= since and counts and isinstance(push.said, Person) and push.said.enabled


def _active(facts: Facts, account: str) -> Iterator[tuple[Changed[Account], datetime, datetime]]:
    """The times in which an account was active, each with the change that made it so."""
    made: Changed[Account] | None = None
    for change in facts.changes.get(account, []):
        is_active = change.after is not None and change.after.active
        if is_active and made is None:
            made = change
        elif made is not None and not is_active:
            yield made, made.at, change.at
            made = None
    if made is not None:
        yield made, made.at, facts.seen.now


def rows_fit(facts: Facts) -> Iterator[str]:
    """(h) Rows stay below Azure's limits: the tables of the simulation refuse what passes them."""
    for refusal in facts.seen.table_refusals:
        yield f"A write to {refusal.table} at {refusal.at} was refused: {refusal.what}"


def one_at_a_time(facts: Facts) -> Iterator[str]:
    """(i) One worker at a time writes an account or a group, and nobody takes a lease from a worker that is alive."""
    for each in facts.seen.at_once:
        yield f"Two workers were at {each.what} at {each.at}"


CHECKERS: Mapping[str, Callable[[Facts], Iterator[str]]] = MappingProxyType(
    {
        "a": converged,
        "b": nobody_stays_in,
        "c": within_limits,
        "d": one_account_each,
        "e": nobody_else_is_touched,
        "f": accounted,
        "g": as_shown,
        "h": rows_fit,
        "i": one_at_a_time,
    }
)


def violations(observed: Observed) -> Sequence[str]:
    """Every violation in a history, each with the letter of its checker before it."""
    facts = Facts(observed)
    return [f"({letter}) {sentence}" for letter, check in CHECKERS.items() for sentence in check(facts)]
