"""Small charts of runs: where each bar stands. The templates draw them as SVG, so that no script is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.rules.plan import ORDER
from shared.rules.run import Result, Run, RunState

HEIGHT = 96.0
BAR, GAP = 9.0, 3.0
SMALL_HEIGHT = 24.0
SMALL_BAR, SMALL_GAP = 4.0, 2.0
LEAST = 1.5
"""A value that is not nothing is seen."""


@dataclass(frozen=True)
class Bar:
    """A part of a bar; ``kind`` is a class of the stylesheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True)
class Chart:
    """What a template draws."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    most: float
    """The value that the full height stands for."""


type Parts = Sequence[tuple[str, float, str]]
"""Of one bar from the ground up: kind, value, title."""


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


def sparkline(runs: Sequence[Run]) -> Chart:
    """The last runs of a store, oldest first: a bar each, as tall as what it changed, with a foot where nothing did."""
    columns = []
    for run in reversed(runs):
        changed = sum(run.changes.values())
        kind = {RunState.FAILED: "bad", RunState.HELD: "wait"}.get(run.state, "good" if changed else "off")
        columns.append([(kind, changed + 0.4, f"{run.started:%Y-%m-%d %H:%M}: {run.state}, {changed} changes")])
    return _stacked(columns, SMALL_HEIGHT, SMALL_BAR, SMALL_GAP)


def changes_by_kind(runs: Sequence[Run]) -> Chart:
    """What runs planned, by kind of change, oldest first."""
    columns = [
        [
            (kind, float(run.changes.get(kind, 0)), f"{run.started:%m-%d %H:%M}: {run.changes.get(kind, 0)} {kind}")
            for kind in ORDER
        ]
        for run in reversed(runs)
    ]
    return _stacked(columns, HEIGHT, BAR, GAP)


def durations(runs: Sequence[Run]) -> Chart:
    """How long runs took, in seconds."""
    return _one(runs, lambda run: run.duration.total_seconds() if run.duration else 0.0, "s")


def calls(runs: Sequence[Run]) -> Chart:
    """How many calls runs made outside."""
    return _one(runs, lambda run: float(sum(run.calls.values())), "calls")


def errors(runs: Sequence[Run]) -> Chart:
    """What went wrong: errors of the run, and changes that failed."""
    return _one(
        runs, lambda run: float(len(run.errors) + run.more_errors + run.results.get(Result.FAILED, 0)), "errors"
    )


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
