"""What the bridge costs a month: `python -m tools.cost` prints the table of docs/cost.md.

Counted operations times prices. What a request costs is the table of docs/architecture.md, which a test counts on the
wire; what it takes beyond that, and what happens in a month, is written down here with its reason.
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
"""Of a cycle without a change, at the most: it does not depend on the number of people."""

DAYS = 30.4
MINUTES = round(DAYS * 24 * 60)
"""A month's."""
TIMERS = {"tick": 1}
"""Minutes between two firings."""
TIMER_CALLS = {"tick": 9}
"""Round trips of a firing: the tables, the stores, their leases and jobs, and what is due in one of them."""
FIRINGS = {name: MINUTES // minutes for name, minutes in TIMERS.items()}
"""A month's."""
CYCLES = round(DAYS * 24 * 60 / 40)
CHANGED, CAME, LEFT = 0.10, 0.02, 0.02
"""Shares of the people in a month: something changes that Zoho One holds; they join; they leave."""

MEMORY_GB = 2
LEAST_SECONDS = 1.0
"""Flex Consumption bills at least a second: https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs."""
REQUEST_SECONDS = 1.0
"""Of a push, most of it waiting for Zoho One. An instance takes httpConcurrency (16) of them at once, which share its
seconds; what Entra sends alone shares with nobody, so this is the most."""
CYCLE_SECONDS = 3.0
CHANGE_SECONDS = 0.5 / 16
"""For each change of a cycle, sixteen at once."""

PERSON_BYTES = 14_000
"""Rows of one person, keys and some history included: measured on `python -m local serve --people 100`."""
LINE_BYTES = 700
"""Billed for a log line with what the platform adds to it."""
PUSH_LINES, CALL_LINES, TIMER_LINES, CYCLE_LINES = 3, 1, 3, 4
"""The bridge's own, and the host's lines of beginning and end."""

COMPARED_PAGE = 100
"""People on a page of Zoho One's, in the full cycle of each day."""
ROWS_A_PAGE = 1000
"""Of Table Storage."""
ALERTS = 9
QUEUES, POLL_SECONDS = 2, 2
"""host.json: an instance that is awake looks into each queue so often."""
DAILY_CAP_GB = 1
"""logDailyCapGb of the template."""
SECRET_READS = 4 * 31
"""Of a handful of references, read once a day and at a restart."""


@dataclass(frozen=True)
class Item:
    """One line of the bill."""

    what: str
    dollars: float


def month(people: int, prices: Mapping[str, float]) -> Iterator[Item]:
    """The items of a month with so many people, without options."""
    changed, came, left = (math.ceil(people * share) for share in (CHANGED, CAME, LEFT))
    # Entra looks before it writes; and each of these is seen by the cycle too, which finds nothing left to do.
    requests = {"GET": changed + came + left, "POST": came, "PATCH": changed + left}
    executions = sum(requests.values()) + sum(FIRINGS.values()) + CYCLES
    pages = math.ceil(people / COMPARED_PAGE) * round(DAYS)
    seconds = sum(requests.values()) * REQUEST_SECONDS + sum(FIRINGS.values()) * LEAST_SECONDS + CYCLES * CYCLE_SECONDS
    seconds += (changed + came + left) * CHANGE_SECONDS + pages * LEAST_SECONDS
    yield Item("Functions: time", _beyond(seconds * MEMORY_GB, "gb_seconds", prices))
    yield Item("Functions: executions", _beyond(executions, "executions", prices))
    calls = sum(TABLE_CALLS[method] * count for method, count in requests.items()) + CYCLES * CYCLE_CALLS
    calls += sum(count * TIMER_CALLS[name] for name, count in FIRINGS.items())
    calls += math.ceil(people * 8 / ROWS_A_PAGE) * round(DAYS) + executions  # and the host's own leases
    yield Item("Storage: operations", calls * prices["storage_operation"])
    yield Item("Storage: tables", people * PERSON_BYTES / 1e9 * prices["storage_gb"])
    lines = sum(requests.values()) * PUSH_LINES + (changed + came + left) * CALL_LINES
    lines += sum(FIRINGS.values()) * TIMER_LINES + CYCLES * CYCLE_LINES + pages * CALL_LINES
    yield Item("Logs", _beyond(lines * LINE_BYTES / 1e9, "log_gb", prices))
    yield Item("Alert rules", ALERTS * prices["alert_rule"])
    yield Item("Key Vault", SECRET_READS * prices["secret_read"])


def first_sync(people: int, prices: Mapping[str, float]) -> float:
    """What taking everybody over for the first time costs once, as if no free grant were left."""
    time = 2 * people * REQUEST_SECONDS * MEMORY_GB * prices["gb_seconds"] + 2 * people * prices["executions"]
    lines = people * (2 * PUSH_LINES + CALL_LINES)
    operations = people * (TABLE_CALLS["GET"] + TABLE_CALLS["POST"] + 2)
    return time + operations * prices["storage_operation"] + lines * LINE_BYTES / 1e9 * prices["log_gb"]


def options(prices: Mapping[str, float]) -> Iterator[Item]:
    """What a choice adds to each month, whatever the number of people."""
    second = DAYS * 24 * 3600
    yield Item("`privateNetwork`", 4 * prices["private_endpoint"] + 4 * prices["dns_zone"])
    yield Item("`outboundAddress`", prices["nat_gateway"] + prices["public_address"])
    ready = second * MEMORY_GB * prices["always_ready_gb_second"]
    yield Item("each of `alwaysReadyInstances`", ready)


def surprises(prices: Mapping[str, float]) -> Iterator[Item]:
    """The most that two lines can grow to, which do not depend on people."""
    logs = _beyond(DAYS * DAILY_CAP_GB, "log_gb", prices)
    yield Item("logs that reach their daily cap every day", logs)
    looks = DAYS * 24 * 3600 / POLL_SECONDS * QUEUES
    yield Item("queues that an instance looks into all month long", looks * prices["storage_operation"])


def _beyond(amount: float, price: str, prices: Mapping[str, float]) -> float:
    """What is above a month's free grant."""
    return max(0.0, amount - prices[f"{price}_free"]) * prices[price]


def report() -> str:
    """The tables in Markdown."""
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
