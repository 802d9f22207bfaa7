"""The bridge's cost per month: `python -m tools.cost` prints the table of docs/cost.md.

Counted operations times prices. The calls of a request are the table of docs/architecture.md, which a test counts on
the wire; further consumption, and the events of a month, are listed here with their reasons.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.processes import ROOT

SIZES = (1_000, 10_000, 100_000)

TABLE_CALLS = {"GET": 1, "POST": 2, "PATCH": 3, "DELETE": 4}
"""Round trips of a request that changes what Zoho One holds."""
CYCLE_CALLS = 10
"""Calls of a cycle without a change, at most: independent of the number of people."""

DAYS = 30.4
MINUTES = round(DAYS * 24 * 60)
"""Minutes in a month."""
TIMERS = {"tick": 1}
"""Minutes between two ticks."""
TIMER_CALLS = {"tick": 9}
"""Round trips of a tick: the tables, the stores, their leases and jobs, and what is due in one of them."""
FIRINGS = {name: MINUTES // minutes for name, minutes in TIMERS.items()}
"""Ticks in a month."""
CYCLES = round(DAYS * 24 * 60 / 40)
CHANGED, CAME, LEFT = 0.10, 0.02, 0.02
"""Monthly shares of people: those with a change in Zoho One, those who join, those who leave."""

MEMORY_GB = 2
LEAST_SECONDS = 1.0
"""Flex Consumption bills at least a second:
https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs.
"""
REQUEST_SECONDS = 1.0
"""Duration of a push, mostly waiting for Zoho One. An instance processes httpConcurrency (16) of them at once,
which share its seconds; a single one from Entra does not share, so this is the maximum.
"""
CYCLE_SECONDS = 3.0
CHANGE_SECONDS = 0.5 / 16
"""Duration of each change of a cycle, sixteen at once."""

PERSON_BYTES = 14_000
"""Rows of one person, including keys and some history: measured on `python -m local serve --people 100`."""
LINE_BYTES = 700
"""Billed size of a log line, including what the platform adds to it."""
PUSH_LINES, CALL_LINES, TIMER_LINES, CYCLE_LINES = 3, 1, 3, 4
"""Log lines: the bridge's own, and the host's for start and end."""

COMPARED_PAGE = 100
"""People per page of Zoho One's list, in the daily full cycle."""
ROWS_A_PAGE = 1000
"""Rows per page of Table Storage."""
ALERTS = 9
QUEUES, POLL_SECONDS = 2, 2
"""host.json: the interval at which a running instance polls each queue."""
DAILY_CAP_GB = 1
"""logDailyCapGb of the template."""
SECRET_READS = 4 * 31
"""Monthly reads of a handful of references, each read once a day and at a restart."""


@dataclass(frozen=True)
class Item:
    """One line of the bill."""

    what: str
    dollars: float


def month(people: int, prices: Mapping[str, float]) -> Iterator[Item]:
    """Yield the items of a month for this number of people, without options."""
    changed, came, left = (math.ceil(people * share) for share in (CHANGED, CAME, LEFT))
    # Entra reads before it writes; and the cycle sees each of these changes too, and finds nothing left to do.
    requests = {"GET": changed + came + left, "POST": came, "PATCH": changed + left}
    executions = sum(requests.values()) + sum(FIRINGS.values()) + CYCLES
    pages = math.ceil(people / COMPARED_PAGE) * round(DAYS)
    seconds = sum(requests.values()) * REQUEST_SECONDS + sum(FIRINGS.values()) * LEAST_SECONDS + CYCLES * CYCLE_SECONDS
    seconds += (changed + came + left) * CHANGE_SECONDS + pages * LEAST_SECONDS
    yield Item("Functions: time", _beyond(seconds * MEMORY_GB, "gb_seconds", prices))
    yield Item("Functions: executions", _beyond(executions, "executions", prices))
    calls = sum(TABLE_CALLS[method] * count for method, count in requests.items()) + CYCLES * CYCLE_CALLS
    calls += sum(count * TIMER_CALLS[name] for name, count in FIRINGS.items())
    calls += math.ceil(people * 8 / ROWS_A_PAGE) * round(DAYS) + executions  # including the host's own leases
    yield Item("Storage: operations", calls * prices["storage_operation"])
    yield Item("Storage: tables", people * PERSON_BYTES / 1e9 * prices["storage_gb"])
    lines = sum(requests.values()) * PUSH_LINES + (changed + came + left) * CALL_LINES
    lines += sum(FIRINGS.values()) * TIMER_LINES + CYCLES * CYCLE_LINES + pages * CALL_LINES
    yield Item("Logs", _beyond(lines * LINE_BYTES / 1e9, "log_gb", prices))
    yield Item("Alert rules", ALERTS * prices["alert_rule"])
    yield Item("Key Vault", SECRET_READS * prices["secret_read"])


def first_sync(people: int, prices: Mapping[str, float]) -> float:
    """Return the one-time cost of the first sync of everybody, without any free grant."""
    time = 2 * people * REQUEST_SECONDS * MEMORY_GB * prices["gb_seconds"] + 2 * people * prices["executions"]
    lines = people * (2 * PUSH_LINES + CALL_LINES)
    operations = people * (TABLE_CALLS["GET"] + TABLE_CALLS["POST"] + 2)
    return time + operations * prices["storage_operation"] + lines * LINE_BYTES / 1e9 * prices["log_gb"]


def options(prices: Mapping[str, float]) -> Iterator[Item]:
    """Yield the monthly cost of each option, whatever the number of people."""
    second = DAYS * 24 * 3600
    yield Item("`privateNetwork`", 4 * prices["private_endpoint"] + 4 * prices["dns_zone"])
    yield Item("`outboundAddress`", prices["nat_gateway"] + prices["public_address"])
    ready = second * MEMORY_GB * prices["always_ready_gb_second"]
    yield Item("each of `alwaysReadyInstances`", ready)


def surprises(prices: Mapping[str, float]) -> Iterator[Item]:
    """Yield the maximum of two items that do not depend on people."""
    logs = _beyond(DAYS * DAILY_CAP_GB, "log_gb", prices)
    yield Item("logs that reach their daily cap every day", logs)
    looks = DAYS * 24 * 3600 / POLL_SECONDS * QUEUES
    yield Item("queues that an instance looks into all month long", looks * prices["storage_operation"])


def _beyond(amount: float, price: str, prices: Mapping[str, float]) -> float:
    """Return the amount above a month's free grant, priced."""
    return max(0.0, amount - prices[f"{price}_free"]) * prices[price]


def report() -> str:
    """Return the tables in Markdown."""
    prices = json.loads((ROOT / "infra/prices.json").read_text())
    months = [list(month(people, prices)) for people in SIZES]
    lines = [f"| a month, in dollars | {' | '.join(f'{people:,} people' for people in SIZES)} |"]
    lines.append(f"| --- |{' ---: |' * len(SIZES)}")
    lines += [_row(items[0].what, [item.dollars for item in items]) for items in zip(*months, strict=True)]
    lines.append(_row("**together**", [sum(item.dollars for item in items) for items in months]))
    lines.append(_row("once: everybody's first sync", [first_sync(people, prices) for people in SIZES]))
    lines += ["", "| what a choice adds to each month | dollars |", "| --- | ---: |"]
    lines += [f"| {item.what} | {item.dollars:.2f} |" for item in options(prices)]
    lines += ["", "| what a month can cost beyond that, at the most | dollars |", "| --- | ---: |"]
    lines += [f"| {item.what} | {item.dollars:.2f} |" for item in surprises(prices)]
    return "\n".join(lines)


def _row(what: str, dollars: list[float]) -> str:
    return f"| {what} | {' | '.join(f'{each:.2f}' for each in dollars)} |"


def main() -> None:
    print(report())


if __name__ == "__main__":
    main()
