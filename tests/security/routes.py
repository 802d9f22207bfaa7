"""Every address and method of the pages, read from the routes themselves: a new page is in the suite by itself."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import Rule

from shared.console.sign_in_pages import OPEN

PUBLIC = frozenset({"static", "status.health", *OPEN})
"""Endpoints that answer anybody."""
OWNERS = frozenset({"stores.delete", "sign_in.listed", "sign_in.end", "sign_in.end_all", "people.new_password"})
"""Endpoints that are an owner's, whatever is sent."""
OWNERS_FORMS = frozenset({"mail_template.page"})
"""Endpoints of which the form is an owner's."""


@dataclass(frozen=True)
class Way:
    """One method at one address."""

    endpoint: str
    method: str
    path: str


def ways(app: Flask, values: Mapping[str, str]) -> Iterator[Way]:
    """All of them. ``values``: for the variable parts; what is not named is ``x``, or 1."""
    for rule in app.url_map.iter_rules():
        yield from ways_of(rule, values)


def ways_of(rule: Rule, values: Mapping[str, str]) -> Iterator[Way]:
    """The methods of one route."""
    given = {"filename": "style.css"} | dict(values)
    path = re.sub(r"<int:\w+>", "1", rule.rule)
    path = re.sub(r"<(?:path:)?(\w+)>", lambda found: given.get(found[1], "x"), path)
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        yield Way(rule.endpoint, method, path)
