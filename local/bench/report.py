"""The figures for a reader."""

import statistics

from rich import box
from rich.console import Console
from rich.table import Table

from local.bench.azurite_modes import Mode
from local.bench.figures import KEPT, PAGE_MS, Figures, Rate, kept_rates
from local.bench.mapping import BUDGET_US

MODES = {
    Mode.AS_IT_IS: "Azurite as it is: to find one row it looks at every row of the store",
    Mode.BY_KEY: "Azurite finding a row by its key, as Azure Table Storage does",
}


def print_report(figures: Figures, console: Console) -> None:
    """Print tables, and sentences for single figures."""
    for mode, title in MODES.items():
        console.print(_rates([rate for rate in figures.rates if rate.azurite is mode], title))
    console.print(_point_reads(figures))
    console.print(_pages(figures))
    for kept in kept_rates(figures.rates):
        console.print(
            f"GET by filter on {kept.connections} connections, Azurite {kept.azurite}: {kept.most:,} people keep "
            f"{kept.ratio:.0%} of the rate of {kept.fewest:,} (wanted: {KEPT:.0%}). {kept.verdict}"
        )
    starts = ", ".join(f"{seconds:.2f}" for seconds in figures.first_answer_seconds)
    others = max((rate.others_share for rate in figures.rates), default=0.0)
    generator = max((rate.cpu_ms.generator for rate in figures.rates), default=0.0)
    console.print(
        f"Mapping one person by 25 rules, 10 of them expressions: {figures.mapping_us:.0f} µs (wanted: under "
        f"{BUDGET_US:.0f}). {'PASS' if figures.mapping_us < BUDGET_US else 'MISSED'}\n"
        f"From the start of the host process to its first answer: {statistics.median(figures.first_answer_seconds):.2f}"
        f" s (median of {starts})\n"
        f"Other programs took up to {others:.0%} of this machine's processors during a run\n"
        f"Peak memory of the host process: {figures.peak_memory_mib:.0f} MiB\n"
        f"The load generator, a process of its own, takes at most {generator:.2f} ms of CPU a request, and sends at "
        f"least {figures.trivial_route_per_second:,.0f} requests/s to a route that runs no function"
    )


def _rates(rates: list[Rate], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=0)
    table.add_column("\nRequest", no_wrap=True)
    for header in ("\nPeople", "\nConn.", "\nReq/s", "\np50 ms", "\np99 ms", "Table\ncalls"):
        table.add_column(header, justify="right")
    for header in ("CPU ms:\nhost", "\nAzurite", "\nZoho"):
        table.add_column(header, justify="right")
    for rate in rates:
        table.add_row(
            rate.case + (f" [red]{rate.refused} refused[/]" if rate.refused else ""),
            f"{rate.people:,}",
            str(rate.connections),
            f"{rate.per_second:.0f}",
            f"{rate.p50_ms:.0f}",
            f"{rate.p99_ms:.0f}",
            f"{rate.table_calls:g}",
            f"{rate.cpu_ms.host:.1f}",
            f"{rate.cpu_ms.azurite:.1f}",
            f"{rate.cpu_ms.zoho_one:.1f}",
        )
    return table


def _point_reads(figures: Figures) -> Table:
    title = "One row read from Azurite with the SDK, with nothing else going on"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=0)
    for header in (
        "\nPeople",
        "\nAzurite",
        "\nRead ms",
        "of it\nAzurite CPU",
        "GET through\nbridge ms",
        "\nShare",
    ):
        table.add_column(header, justify="right")
    for read in figures.point_reads:
        table.add_row(
            f"{read.people:,}",
            str(read.azurite),
            f"{read.sdk_ms:.1f}",
            f"{read.azurite_cpu_ms:.1f}",
            f"{read.get_ms:.1f}",
            f"{read.share:.0%}",
        )
    return table


def _pages(figures: Figures) -> Table:
    """Return the slowest pages of the console at each number of people, and whether any exceeds its limit."""
    table = Table(title=f"The console's pages (wanted: under {PAGE_MS:.0f} ms)", title_justify="left", box=box.SIMPLE)
    for header in ("People", "Azurite", "Slowest page", "ms", "Median of all, ms", ""):
        table.add_column(header)
    for people, mode in dict.fromkeys((page.people, page.azurite) for page in figures.pages):
        pages = [page for page in figures.pages if (page.people, page.azurite) == (people, mode)]
        slowest = max(pages, key=lambda page: page.ms)
        table.add_row(
            f"{people:,}",
            str(mode),
            slowest.page,
            f"{slowest.ms:.0f}",
            f"{statistics.median(page.ms for page in pages):.0f}",
            "PASS" if slowest.ms < PAGE_MS else "MISSED",
        )
    return table
