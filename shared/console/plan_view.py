"""A plan on a page: the changes of each kind, and all of them as a file."""

from collections.abc import Mapping, Sequence

from flask import Response

from shared.directory.csv_text import as_csv
from shared.directory.cycle_plan import ORDER, Plan, PlannedChange
from shared.directory.guard import Breach
from shared.directory.plan import ChangeKind
from shared.directory.plan_report import as_json

type ByKind = list[tuple[ChangeKind, list[PlannedChange], int]]


def by_kind(shown: Plan, counts: Mapping[ChangeKind, int]) -> ByKind:
    """The changes of each kind in their order: those that are shown, and how many there are."""
    return [
        (kind, [change for change in shown.changes if change.kind is kind], counts[kind])
        for kind in ORDER
        if counts.get(kind)
    ]


def download(plan: Plan, breaches: Sequence[Breach], plan_id: str, form: str) -> Response:
    """A plan whole, as a file, CSV or JSON."""
    if form == "json":
        text, kind = as_json(plan, breaches), "application/json"
    else:
        rows = [("no", *_row(change)) for change in plan.changes]
        rows += [("yes", *_row(change)) for change in plan.suppressed]
        text = as_csv(("left alone", "kind", "name", "user name", "reason", "fields", "identity"), rows)
        kind = "text/csv"
    name = f"plan-{plan_id}.{'json' if form == 'json' else 'csv'}"
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _row(change: PlannedChange) -> tuple[str, ...]:
    fields = "; ".join(f"{part.field}: {part.before or '–'} → {part.after or '–'}" for part in change.fields)
    return (change.kind, change.name, change.user_name, change.reason, fields, change.identity)
