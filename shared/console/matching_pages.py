"""Matching: by which rules an account that Zoho One already has is a person's."""

import re
from collections.abc import Mapping

from flask import Blueprint

from shared.admin.store_settings import Section
from shared.console.context import View, go_saved, page, parts, the_store
from shared.console.settings_form import Misplaced, sent_form
from shared.rules.matching import Matching, MatchingRule, MatchOutcome
from shared.rules.store import Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField

blueprint = Blueprint("matching", __name__, url_prefix="/console/stores/<store_id>/matching")

BOXES = ("place", "field", "expression", "outcome")
"""Boxes of a rule, as ``rule-2.field`` names them."""

type Row = dict[str, str]


@blueprint.route("", methods=["GET", "POST"], endpoint="page")
def matching(store_id: str) -> View:
    sent = sent_form(the_store(store_id), Section.MATCHING, _given)
    if sent.saved:
        return go_saved(".page", store_id=store_id)
    rows = _rows(sent.typed) if sent.typed else [_row(place, rule) for place, rule in _placed(sent.store.matching)]
    used = {field for field, facts in ZOHO_FIELDS.items() if not facts.extension} | sent.store.zoho.paths.keys()
    values = sent.values | {"faults": _by_rule(sent.faults, rows)}
    return page(
        "console/matching.html",
        sent.status,
        **values,
        rows=[*rows, _row(len(rows) + 1, None)],
        fields=[(field, ZOHO_FIELDS[field].label) for field in ZohoField if field in used],
        outcomes=((MatchOutcome.ADOPT, "adopts it"), (MatchOutcome.PROPOSE, "proposes it")),
        proposals=bool(parts().accounts.proposals.page(store_id, 1)),
    )


def _placed(matching: Matching) -> list[tuple[int, MatchingRule]]:
    return list(enumerate(matching.rules, 1))


def _row(place: int, rule: MatchingRule | None) -> Row:
    if rule is None:
        return {"place": str(place), "field": "", "expression": "", "outcome": MatchOutcome.PROPOSE}
    return {"place": str(place), "field": rule.field, "expression": rule.expression or "", "outcome": rule.outcome}


def _rows(form: Mapping[str, str]) -> list[Row]:
    """The rules as typed, in the order of their places; one without a field is left out."""
    numbers = sorted({int(found[1]) for name in form if (found := re.fullmatch(r"rule-(\d{1,3})\.field", name))})
    rows = [{box: form.get(f"rule-{number}.{box}", "") for box in BOXES} for number in numbers]
    return sorted((row for row in rows if row["field"]), key=_place)


def _place(row: Row) -> int:
    return int(row["place"]) if row["place"].isascii() and row["place"].isdigit() else 1_000


def _given(form: dict[str, str], now: Store) -> Mapping[str, object]:
    rules = [
        {"field": row["field"], "expression": row["expression"] or None, "outcome": row["outcome"]}
        for row in _rows(form)
    ]
    given = Matching.model_validate({"rules": rules})
    for place, rule in enumerate(given.rules):
        if unknown := rule.unknown_names(now.custom_names):
            raise Misplaced(f"rules.{place}.expression", "; ".join(unknown))
    return {"matching": given}


def _by_rule(faults: Mapping[str, str], rows: list[Row]) -> dict[str, str]:
    """Errors by the box that they are about."""
    found = dict[str, str]()
    for name, reason in faults.items():
        path = re.fullmatch(r"rules\.(\d+)(?:\.(\w+))?", name)
        known = path is not None and int(path[1]) < len(rows) and path[2] in BOXES
        found[f"rule-{int(path[1]) + 1}.{path[2]}" if path is not None and known else ""] = reason
    return found
