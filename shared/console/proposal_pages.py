"""Proposals: people who wait because an account that Zoho One has may be theirs, and what is decided on them."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from flask import Blueprint, request

from shared.admin.account_choices import CannotDecide
from shared.admin.decision_file import decide
from shared.console.context import View, admin, as_file, go, page, parts, the_store
from shared.rules.account_csv import BadDecisions, proposals_csv, read_decisions
from shared.rules.former import Adoption
from shared.rules.matching import PairDecision, PairVerdict
from shared.rules.proposal import Proposal, sides
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.tables.identity_rows import is_id

blueprint = Blueprint("proposals", __name__, url_prefix="/console/stores/<store_id>/proposals")

SHOWN = 20
"""Proposals on a page."""
COUNTED = 5_000
"""Proposals counted by rule: five round trips at most."""
DECISIONS = 100
"""Decisions that are not applied yet, in a list."""


class Line(NamedTuple):
    """A field on both sides."""

    field: ZohoField
    account: str | None
    person: str | None


class Candidate(NamedTuple):
    """One account that is proposed for a person."""

    adoption: Adoption
    lines: Sequence[Line]
    decision: PairDecision | None


class Shown(NamedTuple):
    """One proposal."""

    proposal: Proposal
    candidates: Sequence[Candidate]


@blueprint.get("")
def listed(store_id: str) -> View:
    return _page(the_store(store_id))


def _page(store: Store, status: int = 200, fault: str = "", told: Sequence[str] = ()) -> View:
    """Proposals in the order of the people's ids. Ten round trips at most, and one for each person shown."""
    accounts, after = parts().accounts, request.args.get("after", "")
    found = accounts.proposals.page(store.id, SHOWN + 1, after=after if is_id(after) else "")
    count, rules = accounts.proposals.counts(store.id, COUNTED)
    return page(
        "console/proposals.html",
        status,
        store=store,
        shown=[_shown(store.id, each) for each in found[:SHOWN]],
        after=after,
        next=found[SHOWN - 1].change.identity if len(found) > SHOWN else None,
        count=(count, count < COUNTED),
        rules=sorted(rules.items()),
        decided=list(islice(accounts.choices.decisions.pairs(store.id), DECISIONS)),
        reading=accounts.unmanaged.reading(store),
        fault=fault,
        told=told,
    )


def _shown(store_id: str, proposal: Proposal) -> Shown:
    decided = {each.account: each for each in _decided(store_id, proposal)}
    return Shown(
        proposal,
        [
            Candidate(each, [Line(*line) for line in sides(each)], decided.get(each.account))
            for each in proposal.accounts
        ],
    )


def _decided(store_id: str, proposal: Proposal) -> list[PairDecision]:
    return parts().accounts.choices.decisions.of_person(store_id, proposal.change.identity)


@blueprint.post("/decide")
def decide_one(store_id: str) -> View:
    """Accept or reject one pair, or take back what was decided on it."""
    store, choices, form = the_store(store_id), parts().accounts.choices, request.form
    person, account, by = form.get("person", ""), form.get("account", ""), str(admin())
    try:
        match form.get("what"):
            case "accept":
                choices.accept(store_id, person, account, by)
            case "reject":
                choices.reject(store_id, person, account, by)
            case "undo":
                choices.undo(store_id, person, account)
            case _:
                return _page(store, 422, "Choose accept, reject or undo.")
    except CannotDecide as refusal:
        return _page(store, 409, f"{refusal}.")
    return go(".listed", store_id=store_id, after=form.get("after", ""))


@blueprint.post("/decide-all")
def decide_all(store_id: str) -> View:
    """Accept or reject every proposal of one rule that names one account."""
    store, form = the_store(store_id), request.form
    verdicts = {"accept": PairVerdict.ACCEPTED, "reject": PairVerdict.REJECTED}
    verdict = verdicts.get(form.get("what", ""))
    if verdict is None:
        return _page(store, 422, "Choose accept or reject.")
    done, left = parts().accounts.choices.decide_all(store_id, form.get("rule", ""), verdict, str(admin()))
    told = [f"{done} proposal{'' if done == 1 else 's'} {verdict}; the next cycle applies that."]
    if left:
        told.append(f"{left} left: they name several accounts, or are chosen for others. Decide them one by one.")
    return _page(store, told=told)


@blueprint.post("/file")
def from_file(store_id: str) -> View:
    """Decide by the downloaded file, filled in."""
    store, sent = the_store(store_id), request.files.get("file")
    try:
        rows = read_decisions(sent.read().decode("utf-8-sig") if sent else "")
    except UnicodeDecodeError:
        return _page(store, 422, "The file is not UTF-8 text: save it as “CSV UTF-8”.")
    except BadDecisions as wrong:
        return _page(store, 422, f"{wrong}.")
    done = decide(parts().accounts.choices, store_id, rows, str(admin()))
    refused = [f"Line {each.asked.line}: {each.refused}" for each in done if each.refused]
    told = [f"{len(done) - len(refused)} of {len(done)} filled-in rows decided; the next cycle applies that.", *refused]
    return _page(store, told=told)


@blueprint.get("/proposals.csv")
def download(store_id: str) -> View:
    """Everything that is proposed, with a column to fill in."""
    the_store(store_id)

    def everything() -> Iterator[tuple[Proposal, list[PairDecision]]]:
        decided = dict[str, list[PairDecision]]()
        for pair in parts().accounts.choices.decisions.pairs(store_id):
            decided.setdefault(pair.person, []).append(pair)
        for each in parts().accounts.proposals.all(store_id):
            yield each, decided.get(each.change.identity, [])

    return as_file(proposals_csv(everything()), f"proposals-{store_id}.csv")
