"""The queries of the alerts and of the workbook, in Azure Monitor's language KQL."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.processes import ROOT

BICEP = ROOT / "infra/bicep"


def queries() -> dict[str, str]:
    """Every query by its name: the alert's file, or the workbook's part."""
    alerts = {file.stem: file.read_text() for file in sorted((BICEP / "queries").glob("*.kql"))}
    workbook = json.loads((BICEP / "workbook.json").read_text())
    return alerts | {f"workbook/{item['name']}": item["content"]["query"] for item in _queried(workbook["items"])}


def _queried(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (item for item in items if "query" in item["content"])


def line_patterns(query: str) -> Iterator[re.Pattern[str]]:
    """What its ``parse`` operators take apart, as expressions: their texts, with the shortest fit between them.

    https://learn.microsoft.com/kusto/query/parse-operator
    """
    for pattern in re.findall(r"\| parse Message with (.+)", query):
        parts = re.findall(r'"([^"]*)"|(\w+)(?::(\w+))?|(\*)', pattern)
        yield re.compile("".join(_expression(*part) for part in parts) + "$")


def _expression(text: str, column: str, kind: str, star: str) -> str:
    if column:
        return rf"(?P<{column}>{_KINDS.get(kind, '.*?')})"
    return ".*?" if star else re.escape(text)


_KINDS = {"int": r"-?\d+", "real": r"-?\d+(?:\.\d+)?"}
