"""Small charts of runs: the position of each bar. The templates draw them as SVG, so no script is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.rules.run import Run, RunOutcome, RunState

HEIGHT = 96.0
BAR, GAP = 9.0, 3.0
SMALL_HEIGHT = 24.0
SMALL_BAR, SMALL_GAP = 4.0, 2.0
LEAST = 1.5
"""Least height of a bar whose value is not zero."""


@dataclass(frozen=True)
class Bar:
    """A segment of a bar; ``kind`` is a class of the style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Chart:
    """A chart as a template draws it."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    most: float
    """Value that the full height represents."""


type Parts = Sequence[tuple[str, float, str]]
"""Segments of one bar from the bottom up: kind, value, title."""


def _stacked(columns: Sequence[Parts], height: float, bar: float, gap: float) -> Chart:
    most = max((sum(value for _, value, _ in column) for column in columns), default=0.0)
    bars = list[Bar]()
    for number, column in enumerate(columns):
        top = height
        for kind, value, title in column:
            tall = max(value / most * height, LEAST) if most and value else 0.0
            top -= tall
            if tall:
                bars.append(Bar(number * (bar + gap), max(top, 0.0), bar, tall, kind, title))
    return Chart(max(len(columns) * (bar + gap), bar), height, tuple(bars), most)


_KINDS = {
    RunOutcome.FAILED: "bad",
    RunOutcome.WITH_ERRORS: "wait",
    RunOutcome.HELD: "wait",
    RunOutcome.OBSERVED: "off",
}
"""Colour of a run's bar, by its outcome."""


def sparkline(runs: Sequence[Run]) -> Chart:
    """A bar for each of the store's last runs, oldest first. Its height is the number of changes; without any, it
    is a stub.
    """
    columns = []
    for run in reversed(runs):
        changed = sum(run.changes.values())
        kind = _KINDS.get(run.outcome, "good" if changed else "off")
        title = f"{run.started:%Y-%m-%d %H:%M}: {run.outcome}, {changed} changes"
        columns.append([(kind, changed + 0.4, f"{title}, {run.failures} failed" if run.failures else title)])
    return _stacked(columns, SMALL_HEIGHT, SMALL_BAR, SMALL_GAP)


def changes_by_kind(runs: Sequence[Run]) -> Chart:
    """Changes of each run by kind, oldest run first. Failed changes are at the bottom, the others in proportion above.

    A run that was held, failed or observed is one segment: none of its changes, or not all of them, were made.
    """
    return _stacked([_by_kind(run) for run in reversed(runs)], HEIGHT, BAR, GAP)


def _by_kind(run: Run) -> Parts:
    at, total = f"{run.started:%m-%d %H:%M}", sum(run.changes.values())
    if run.state in (RunState.HELD, RunState.FAILED, RunState.OBSERVED):
        return [(_KINDS[run.outcome], float(total), f"{at}: {run.outcome}, {total} changes planned")]
    failed = min(run.failures, total)
    made = 1 - failed / total if total else 0.0
    kinds = [(kind, count * made, f"{at}: {count} {kind}") for kind, count in run.changes.items()]
    return [("bad", float(failed), f"{at}: {failed} failed"), *kinds]


def durations(runs: Sequence[Run]) -> Chart:
    """Durations of runs, in seconds."""
    return _one(runs, lambda run: run.duration.total_seconds() if run.duration else 0.0, "s")


def calls(runs: Sequence[Run]) -> Chart:
    """Number of calls to Entra, Zoho One and the tables in each run."""
    return _one(runs, lambda run: float(sum(run.calls.values())), "calls")


def errors(runs: Sequence[Run]) -> Chart:
    """Number of errors in each run: errors of the run and changes that failed."""
    return _one(runs, lambda run: float(len(run.errors) + run.more_errors + run.failures), "errors")


def _one(runs: Sequence[Run], value: Callable[[Run], float], unit: str) -> Chart:
    columns = [[("plain", value(run), f"{run.started:%m-%d %H:%M}: {value(run):g} {unit}")] for run in reversed(runs)]
    return _stacked(columns, HEIGHT, BAR, GAP)


CHARTS = {
    "sparkline": sparkline,
    "changes_by_kind": changes_by_kind,
    "durations": durations,
    "calls_chart": calls,
    "errors_chart": errors,
}
