"""Names of people, groups and stores are text on every page and in every export."""

import csv
import io
import json

import pytest

from shared.app.container import Bridge
from shared.rules.store import Store
from tests.conftest import Endpoint
from tests.console.conftest import Pages
from tests.security.routes import PUBLIC, ways

HOSTILE = (
    "=cmd|'/c calc'!A1<script>alert(1)</script>{{ 1234*4321 }}{% for x in y %}\u202egnp.exe",
    "@SUM(1+1)\"><img src=x onerror=alert(1)>'-alert(1)-'</title><script>alert(1)</script>javascript:alert(1)",
    "-1+--><svg/onload=alert(1)>${1234*4321}<%= 1234*4321 %> a\u2028b\u0085c",
)
RAW = ("<script>alert", "<img src=x", "<svg/onload", "</title><script", 'href="javascript:')


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_everywhere(pages: Pages, bridge: Bridge, store: Store, endpoint: Endpoint, name: str) -> None:
    bridge.stores.change(store.id, lambda now: now.model_copy(update={"name": name}))
    person = {
        "userName": "eve@contoso.example",
        "displayName": name,
        "title": name,
        "name": {"givenName": name, "familyName": name},
        "active": True,
    }
    made = endpoint.request("POST", "/Users", json=person)
    assert made.status_code == 201, made.text
    group = endpoint.request("POST", "/Groups", json={"displayName": name, "members": [{"value": made.json()["id"]}]})
    assert group.status_code == 201, group.text
    bridge.ignored.note(store.id, [name])
    known = {"store_id": store.id, "identity_id": made.json()["id"], "group_id": group.json()["id"]}
    shown = 0
    for form in ("csv", "json"):
        values = known | {"target": "title", "reader": "user", "language": "en", "form": form}
        for way in ways(pages.app, values):
            if way.method != "GET" or way.endpoint in PUBLIC or (form == "json" and ".json" not in way.path):
                continue
            answer = pages.client.get(f"{way.path}?typed={name}&saved={name}&to={name}")
            assert answer.status_code < 500, way
            if answer.mimetype == "text/html":
                assert not any(raw in answer.text for raw in RAW), way
                assert "5332114" not in answer.text, way
            elif answer.mimetype == "text/csv":
                for row in csv.reader(io.StringIO(answer.text)):
                    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row), way
            elif answer.mimetype == "application/json":
                json.loads(answer.text)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            shown += name in answer.text or "&lt;" in answer.text
    assert shown
