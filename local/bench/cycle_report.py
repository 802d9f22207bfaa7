"""The figures of cycles for a reader."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from local.bench.cycle_figures import Changes, CycleFigures, FirstSync, NoChange, verdicts


def print_cycle_report(figures: CycleFigures, console: Console) -> None:
    """Print tables, and sentences for single figures."""
    latency = f"each call of Graph's and Zoho One's takes {figures.latency_ms:g} ms or more"
    if figures.no_change:
        console.print(_no_change(figures.no_change, f"Cycles with no change; {latency}"))
    if figures.changes:
        console.print(_changes(figures.changes, "Cycles with changes, each in a new process that signs in first"))
    if (full := figures.full_cycle) is not None:
        console.print(
            f"A full cycle over {full.people:,} people: {full.seconds:.0f} s ({_steps(full.steps)}), "
            f"{_calls(full.calls)}, at most {full.peak_mib:.0f} MiB. Other programs took {full.others_share:.0%} of "
            "this machine's processors meanwhile"
        )
    if (first := figures.first_sync) is not None:
        console.print(_first_sync(first))
    if (plan := figures.plan_size) is not None:
        console.print(
            f"The plan of {plan.people:,} creations, without the tables: {plan.seconds:.1f} s, {plan.plan_mib:.0f} "
            f"MiB, at most {plan.peak_mib:.0f} MiB while it is made"
        )
    if (there := figures.existing_accounts) is not None:
        console.print(
            f"Reading {there.accounts:,} accounts that Zoho One has already, and the first plan of {there.people:,} "
            f"people: {there.seconds:.1f} s of processor time, {_calls(there.calls)}, at most {there.peak_mib:.0f} MiB"
        )
    for one in verdicts(figures):
        console.print(f"{one.wanted}: {one.found}. {one.verdict}")


def _no_change(measured: Sequence[NoChange], title: str) -> Table:
    table = _table(title, "Scope", "People", "Calls", "Graph", "Tables", "Zoho", "Seconds", "Others")
    for each in measured:
        table.add_row(each.scope, f"{each.people:,}", *_counted(each.calls), *_timed(each.seconds, each.others_share))
    return table


def _changes(measured: Sequence[Changes], title: str) -> Table:
    table = _table(title, "Changes", "People", "Calls", "Graph", "Tables", "Zoho", "Seconds", "Others")
    for each in measured:
        times = _timed(each.seconds, each.others_share)
        table.add_row(str(each.changes), f"{each.people:,}", *_counted(each.calls), *times)
    return table


def _first_sync(first: FirstSync) -> str:
    shares = ", ".join(f"{name} {share:.2f}" for name, share in first.cpu_shares.items())
    return (
        f"First sync of {first.people:,} people, {first.at_once} calls of Zoho One at the same time: "
        f"{first.seconds:.0f} s ({_steps(first.steps)}), {_calls(first.calls)}, at most {first.peak_mib:.0f} MiB\n"
        f"  Taken to Zoho One: {first.per_second:.0f} people/s of {first.ideal:.0f}. Processors kept busy: {shares}; "
        f"other programs {first.others_share:.0%} of the machine"
    )


def _table(title: str, name: str, *headers: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=0)
    table.add_column(name, no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right")
    return table


def _counted(calls: Mapping[str, int]) -> list[str]:
    return [str(sum(calls.values())), *(str(calls.get(kind, 0)) for kind in ("graph", "tables", "zoho"))]


def _timed(seconds: float, others_share: float) -> list[str]:
    return [f"{seconds:.2f}", f"{others_share:.0%}"]


def _steps(steps: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())


def _calls(calls: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} calls to {kind}" for kind, count in sorted(calls.items()))
