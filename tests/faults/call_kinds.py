"""What a call outside is about: a name that is the same in each run, though ids, times and their order are not.

A row is named by the kind that its key begins with, a transaction by all kinds of rows that it writes, a call of an API
by its path without ids. A kill test kills once before and once after each of these, and never by a call's number.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import settings

from local.host.gate import Call, Moment

EVERYWHERE = settings.get_current_profile_name() == "campaign"
"""Whether every kind is killed at: in `make campaign`."""

_OPERATION = re.compile(r"^(POST|PUT|PATCH|MERGE|DELETE) https?://\S+/([a-z]+)\b(.*?)(?=^--)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"""RowKey(?:='|": ?"| (?:ge|gt|eq) ')([a-z-]+)(?=[:'"])""")
_ID = re.compile(r"(?<=[/'])([0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{20,}|\d{6,})(?=[/']|$)")
_TOLD = ("active", "members", "displayName", "password", "manager")
"""Attributes by which changes in Zoho One are told apart."""


@dataclass(frozen=True)
class At:
    """One moment of a process: before or after a call of a kind, which was the how manieth of its kind."""

    kind: str
    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"killed {self.moment} {self.kind} #{self.number}"


def kind_of(call: Call) -> str:
    """Gate, method, and what it is about."""
    url = urlsplit(unquote(call.path))
    about = _of_tables if call.gate == "tables" else _of_api
    return f"{call.gate} {call.method} {about(call, url.path, url.query)}"


def moments(seen: Iterable[str], *, everywhere: bool = EVERYWHERE) -> list[At]:
    """Before and after each kind of call of a process that nobody killed; of several, the one in the middle.

    In short: after each that writes something. A read leaves no trace, so any other kill leaves what one of these does.
    """
    ats = [
        At(kind, (count - 1) // 2, moment) for kind, count in Counter(seen).items() for moment in ("before", "after")
    ]
    return ats if everywhere else [at for at in ats if at.moment == "after" and is_write(at.kind)]


def is_write(kind: str) -> bool:
    """Whether calls of the kind change something at the other end."""
    return kind.split()[1] != "GET"


def _of_tables(call: Call, path: str, query: str) -> str:
    name = path.rpartition("/")[2]
    if name == "$batch":
        body = call.body.decode(errors="replace").replace("\r\n", "\n")
        writes = {f"{verb} {_row(unquote(rest))}" for verb, _, rest in _OPERATION.findall(body)}
        tables = {table for _, table, _ in _OPERATION.findall(body)}
        return f"$batch {' '.join(sorted(tables))}: {', '.join(sorted(writes))}"
    table = name.partition("(")[0]
    return f"{table} {_row(path + query + call.body.decode(errors='replace'))}".strip()


def _row(text: str) -> str:
    found = _ROW.search(text)
    return found[1] if found else ""


def _of_api(call: Call, path: str, query: str) -> str:
    """The path; with it what the call looks for, or what it changes."""
    path = _ID.sub("{id}", path)
    asked = parse_qs(query)
    if "filter" in asked:
        path += f"?filter={asked['filter'][0].split()[0]}"
    elif tokens := {"$skiptoken", "$deltatoken"} & asked.keys():
        path += f"?{min(tokens)}"
    if path.endswith("/$batch"):
        path += " " + _ID.sub("{id}", urlsplit(json.loads(call.body)["requests"][0]["url"]).path)
    if path.endswith("/oauth/v2/token"):
        path += " " + parse_qs(query or call.body.decode())["grant_type"][0]
    if call.method == "PATCH":
        changed = [name for name in _TOLD if f'"{name}' in call.body.decode()]
        path += f" {', '.join(changed)}" if changed else ""
    return path
