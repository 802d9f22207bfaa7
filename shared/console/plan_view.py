"""A plan on a page: the changes of each kind, and all of them as a file."""

from collections.abc import Mapping, Sequence

from shared.console.context import View, as_file
from shared.rules.change import ChangeKind
from shared.rules.csv_text import as_csv
from shared.rules.former import Adoption
from shared.rules.guard import Breach
from shared.rules.plan import ORDER, Plan, PlannedChange
from shared.rules.plan_report import as_json
from shared.rules.zoho_user import ZohoField

COLUMNS = (
    *("what", "kind", "name", "user name", "reason", "fields", "members joining", "members leaving", "identity"),
    "accounts",
)
"""Columns of a change in a file."""

type ByKind = list[tuple[ChangeKind, list[PlannedChange], int]]


def by_kind(shown: Plan, counts: Mapping[ChangeKind, int]) -> ByKind:
    """The changes of each kind in order: those that are shown, and their total."""
    return [
        (kind, [change for change in shown.changes if change.kind is kind], counts[kind])
        for kind in ORDER
        if counts.get(kind)
    ]


def download(plan: Plan, breaches: Sequence[Breach], plan_id: str, form: str) -> View:
    """Download a whole plan as CSV or JSON."""
    if form == "json":
        return as_file(as_json(plan, breaches), f"plan-{plan_id}.json")
    rows = [("no", *row_of(change)) for change in (*plan.changes, *plan.groups)]
    rows += [("yes", *row_of(change)) for change in plan.suppressed]
    return as_file(as_csv(("left alone", *COLUMNS), rows), f"plan-{plan_id}.csv")


def row_of(change: PlannedChange) -> tuple[str, ...]:
    """A change in a file, by COLUMNS."""
    fields = "; ".join(f"{part.field}: {part.before or '–'} → {part.after or '–'}" for part in change.fields)
    members = change.members
    told = (str(members.joining), str(members.leaving)) if members else ("", "")
    what = "group" if members else "person"
    found = "; ".join(map(_shown, (*change.proposes, *([change.adopts] if change.adopts else []))))
    return (what, change.kind, change.name, change.user_name, change.reason, fields, *told, change.identity, found)


def _shown(adoption: Adoption) -> str:
    """An account that is adopted or proposed: its userName, id and work address."""
    held = adoption.holds.fields if adoption.holds else {}
    address = f" <{held[ZohoField.EMAIL]}>" if ZohoField.EMAIL in held else ""
    return f"{held.get(ZohoField.USER_NAME, adoption.name)}{address} ({adoption.account})"
