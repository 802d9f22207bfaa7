"""Why a difference between Zoho One and the reference is legitimate: each reason is a fact of the history.

What the bridge says of itself is no reason, but for a plan that it holds; that it holds it with reason, a checker of
its own looks at. Reasons are looked for only where something differs.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from tests.simulation.facts import Facts, folded
from tests.simulation.observed import Account, Changed, Direct, ZohoGroup
from tests.simulation.reference import Difference, fields

PARKED_AFTER = 5
"""Refusals in a row after which something is tried once a day (docs/reconciler.md)."""
PARKED_FOR = timedelta(hours=26.4)
"""A day and a tenth: not all who are parked come at once."""
NO_REFUSALS = frozenset({0, 401, 403, 404, 408, 429})
"""Statuses below 500 that say nothing of what was asked for."""


def unexplained(facts: Facts, views: list[list[Difference]]) -> list[Difference]:
    """The differences of one object without a reason, by its first view; none where one of its views has none."""
    left = [[each for each in view if why_open(facts, each) is None] for view in views]
    return left[0] if left and all(left) else []


def why_open(facts: Facts, differs: Difference) -> str | None:
    """Why one difference is legitimate, a sentence; None: it is a fault."""
    return next((why for reason in REASONS if (why := reason(facts, differs)) is not None), None)


def is_refusal(status: int) -> bool:
    """Whether Zoho One refused what was asked for, so that asking again is in vain."""
    return status < 500 and status not in NO_REFUSALS


def _stopped(facts: Facts, _: Difference) -> str | None:
    return None if facts.last.settings.started else "Provisioning is stopped."


def _held(facts: Facts, differs: Difference) -> str | None:
    held, about = facts.held_now, differs.about
    own = {*facts.persons_of.get(about, ()), facts.bridge_group_of.get(about), about.replace("-", "")}
    if held is None or not any(change.person in own for change in held.changes):
        return None
    return f"The plan {held.id} waits for a decision since {held.moves[0].at}."


def _by_hand(facts: Facts, differs: Difference) -> str | None:
    """Somebody made it so in Zoho One, and nothing has looked at it since, or the store leaves it."""
    settings, made = facts.last.settings, _made_by(facts, differs)
    if made is None or made.by == "bridge":
        return None
    if differs.what == "active" and differs.wanted == "true":
        return None if settings.restore_by_hand and _looked(facts, made) else f"A hand deactivated it at {made.at}."
    if made.before is None and not differs.what.startswith("member"):
        return None  # it was so when it was adopted, and had to be set then
    if differs.what.startswith("member") and differs.found == "in" and not settings.exact_members:
        return f"A hand put the member in at {made.at}; the store does not want exact members."
    if differs.wanted is None and isinstance(made.after, Account):
        return f"A hand set {differs.what} at {made.at}, which the bridge never sets."
    if not _looked(facts, made):
        return f"A hand changed it at {made.at}; no full cycle that sets it back has been done since."
    return None


def _looked(facts: Facts, made: Changed[Account] | Changed[ZohoGroup]) -> bool:
    repairs = facts.last.settings.drift == "repair"
    return repairs and any(run.started > made.at for run in facts.full_cycles)


def _made_by(facts: Facts, differs: Difference) -> Changed[Account] | Changed[ZohoGroup] | None:
    """The change that made the value what it is."""
    if differs.about in facts.last.groups:
        known = differs.account or facts.group_of.get(differs.about, "")
        return _last(facts.group_changes.get(known, []), differs)
    known = differs.account or facts.account_of.get(differs.about, "")
    changes = facts.changes.get(known, [])
    made_like_this = changes[0] if changes and differs.what == "active" else None
    return _last(changes, differs) or made_like_this


def _last[T: (Account, ZohoGroup)](changes: list[Changed[T]], differs: Difference) -> Changed[T] | None:
    return next((each for each in reversed(changes) if _part(each.before, differs) != _part(each.after, differs)), None)


def _part(there: Account | ZohoGroup | None, differs: Difference) -> object:
    what = differs.what
    if there is None or what in ("account", "deletion"):
        return there is not None
    if isinstance(there, ZohoGroup):
        return there.name if what == "name" else what.removeprefix("member ") in there.members
    return there.active if what == "active" else there.fields.get(what)


def _left_alone(facts: Facts, differs: Difference) -> str | None:
    """An account that is left inactive keeps its values as well."""
    account = facts.seen.accounts.get(differs.account or "")
    if account is None or account.active or differs.what == "deletion":
        return None
    settings = facts.last.settings
    if differs.what == "active" and settings.follows_activation:
        return None
    if not settings.follows_activation:
        return "Nothing is done for activated users: an account that was deactivated stays so."
    changes = facts.changes[account.id]
    made = _last(changes, Difference(differs.about, account.id, "active", None, None)) or changes[0]  # made like this
    by_hand = made.by == "hand" and not settings.restore_by_hand
    return f"A hand deactivated the account at {made.at}; it is left alone." if by_hand else None


def _member_before(facts: Facts, differs: Difference) -> str | None:
    """A member was in the group when it was adopted: whom the bridge did not add stays."""
    made, since = _made_by(facts, differs), facts.group_since.get(differs.account or "")
    if not differs.what.startswith("member ") or differs.found != "in" or made is None or since is None:
        return None
    if (
        made.at >= since
        or facts.group_changes[differs.account or ""][0].at >= since
        or facts.last.settings.exact_members
    ):
        return None
    return f"The member was in the group when it was adopted at {since}."


def _member_by_hand(facts: Facts, differs: Difference) -> str | None:
    """A hand changed whether a member's account is active: nothing has seen it yet, or it is left alone."""
    if not differs.what.startswith("member "):
        return None
    account = differs.what.removeprefix("member ")
    there = facts.seen.accounts.get(account)
    if differs.found == "in" and there and there.active and facts.owner_at(account, facts.seen.now).person is None:
        return "Nobody manages the member's account any more; it stays as it is, in its groups too."
    made = _last(facts.changes.get(account, []), Difference("", account, "active", None, None))
    if made is None or made.by != "hand":
        return None
    if differs.found == "in" and not facts.seen.accounts[account].active:
        return f"A hand deactivated the member's account at {made.at}; it is left alone, in its groups too."
    return None if _looked(facts, made) else f"A hand changed the member's account at {made.at}, which nothing saw."


def _refused(facts: Facts, differs: Difference) -> str | None:
    """Zoho One refused it last: in the quiet cycles, or so often that it is parked."""
    key = differs.account or folded(differs.wanted or "")
    failed, seen = facts.failed.get(key, []), facts.seen
    changes = facts.changes.get(key) or facts.group_changes.get(key) or []
    worked = max((change.at for change in changes if change.by == "bridge"), default=None)
    refused = [each for each in failed if is_refusal(each.status) and (worked is None or each.at > worked)]
    if not refused or refused[-1] is not failed[-1]:
        return None
    last = refused[-1].at
    if seen.quiet_since is not None and last >= seen.quiet_since:
        return f"Zoho One refused it at {last}, when no fault was about."
    if len(refused) >= PARKED_AFTER and seen.now - last < PARKED_FOR and facts.entra_changed(differs.about) < last:
        return f"Zoho One refused it {len(refused)} times, last at {last}: it is parked."
    return None


def _name_of_another(facts: Facts, differs: Difference) -> str | None:
    """Zoho One knows each name once, and the account of that name is somebody else's."""
    if differs.what not in ("account", "userName", "name"):
        return None
    wanted, settings = folded(differs.wanted or ""), facts.last.settings
    if differs.about in facts.last.groups:
        others = (each for each in facts.seen.zoho_groups.values() if folded(each.name) == wanted)
        owner = next((facts.group_owner.get(each.id) for each in others), None)
        return f"Zoho One's group of this name is that of {owner}." if owner not in (None, differs.about) else None
    account = facts.by_name.get(wanted)
    owner = facts.last_owner(account.id) if account else None
    if account is None or owner in (None, differs.about):
        return None
    if facts.account_of.get(owner or "") == account.id and not facts.last.people[owner or ""].gone:
        return f"The account of this name is that of {owner}, who is in Entra."
    if settings.adoptions == "never":
        return f"The account of this name is that of {owner}, and the store never lets it be adopted."
    return None


def _unmanaged(facts: Facts, differs: Difference) -> str | None:
    """An administrator took the account out of the bridge's care, or Entra has said nothing new of the person since."""
    asked = {each.about: each.at for each in facts.seen.decisions if each.kind == "unmanaged"}
    owners = facts.owners.get(differs.account or "", [])
    if owners and owners[-1].person is None:
        last = next((owner.person for owner in reversed(owners) if owner.person), None)
        return f"An administrator unmanaged the account at {asked[last]}." if last in asked else None
    at = max((asked[person] for person in facts.persons_of.get(differs.about, ()) if person in asked), default=None)
    if at is None or differs.about in facts.account_of or facts.entra_changed(differs.about) > at:
        return None
    return f"An administrator unmanaged the person at {at}."


def _forgotten(facts: Facts, differs: Difference) -> str | None:
    """A restored backup, or a store that was added again, does not know whom the store managed in between."""
    if differs.what != "active" or differs.wanted != "false" or differs.about in facts.account_of:
        return None
    owned = max((each.at for each in facts.owners.get(differs.account or "", []) if each.person), default=None)
    again = (each.at for each in facts.seen.decisions if each.kind in ("restored", "added again"))
    at = next((each for each in again if owned is not None and each >= owned), None)
    return f"The store was put back or added again at {at}, and has not met the person since." if at else None


def _manager_gone(facts: Facts, differs: Difference) -> str | None:
    """The manager has no account that is managed any more; Entra has not said yet who follows."""
    person = facts.last.people.get(differs.about)
    sources = {rule.target: rule.source for rule in facts.last.settings.rules}
    if person is None or sources.get(differs.what) != Direct("manager") or differs.wanted is not None:
        return None
    was = facts.last_owner(differs.found or "")
    return f"The manager {was} has no account any more." if was is not None and was == person.manager else None


def _only_at_creation(facts: Facts, differs: Difference) -> str | None:
    """A value that must not change later: it is one that the rule gave at some instant."""
    rules = [rule for rule in facts.last.settings.rules if rule.target == differs.what and rule.only_at_creation]
    if not rules or differs.about not in facts.last.people:
        return None
    return "It is set at creation only." if differs.found in set(_given(facts, differs)) else None


def _given(facts: Facts, differs: Difference) -> Iterator[str | None]:
    for moment in facts.seen.moments:
        if (person := moment.people.get(differs.about)) is not None:
            yield (fields(person, moment.settings, facts.account_of.get(person.manager or "")) or {}).get(differs.what)


REASONS: tuple[Callable[[Facts, Difference], str | None], ...] = (
    _stopped,
    _held,
    _by_hand,
    _left_alone,
    _member_before,
    _member_by_hand,
    _refused,
    _name_of_another,
    _unmanaged,
    _forgotten,
    _manager_gone,
    _only_at_creation,
)
"""All that there are, in the order in which they are asked."""
