"""The figures of groups for a reader."""

from rich import box
from rich.console import Console
from rich.table import Table

from local.bench.group_figures import GROWN, GroupFigures


def print_group_report(figures: GroupFigures, console: Console) -> None:
    """Print a table, and its conclusions as sentences."""
    title = "Members of a group, added and removed. Azurite finds a row by its key; Zoho One answers at once"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=0)
    for header in ("\nMembers", "\nChange", "\nms", "CPU ms:\nhost", "\nAzurite", "Table\ncalls", "Zoho\ncalls"):
        table.add_column(header, justify="right")
    for cost in figures.costs:
        table.add_row(
            f"{cost.members:,}",
            f"{cost.change} {cost.count}",
            f"{cost.ms:.0f}",
            f"{cost.host_cpu_ms:.0f}",
            f"{cost.azurite_cpu_ms:.0f}",
            str(cost.table_calls),
            str(cost.zoho_calls),
        )
    console.print(table)
    for growth in figures.growth:
        console.print(
            f"{growth.change} {growth.count}: {growth.calls} calls more in the largest group, and {growth.ratio:.2f} "
            f"times the host's processor time (wanted: none, and at most {GROWN:g}). {growth.verdict}"
        )
