"""Nonsense in every entrance: no 5xx, no half write, and no more than a second of processor time.

`make test` sends a little, always the same; `make campaign` sends more for as long as it has time.
"""

import io
import json
import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.app.container import Bridge
from shared.console.bare_app import STATIC
from shared.console.form_token import HEADER, form_token
from shared.console.queued import collected
from shared.console.sign_in import LOCAL
from shared.rules.azure_user import AZURE_FIELDS, AzureUser, value_of
from shared.rules.expressions import EvaluationContext, EvaluationError, ExpressionError, compile_expression
from shared.rules.expressions.table import FUNCTIONS
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.store import Store
from shared.scim.work import MOST_TERMS
from tests.conftest import ZohoOne
from tests.console.conftest import Pages
from tests.security.routes import PUBLIC, ways
from tests.security.test_work import BULK, GROUP, LONGEST, PATCH, SEARCH, USER, Scene

EXAMPLES = settings().max_examples
shared_state = settings(
    max_examples=EXAMPLES if EXAMPLES > 60 else 20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""The examples of a test are sent to the same store, one after another."""

NAMES = (
    *("schemas", "userName", "displayName", "active", "emails", "value", "type", "primary", "name", "givenName", "id"),
    *(
        "roles",
        "members",
        "externalId",
        "title",
        "meta",
        "manager",
        "phoneNumbers",
        "addresses",
        "op",
        "path",
        "Operations",
    ),
    *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "$ref", "password", "groups", "x", ""),
)
PATHS = (
    *(
        "active",
        "displayName",
        "emails",
        'emails[type eq "work"].value',
        "name.givenName",
        "roles",
        "manager",
        "members",
    ),
    *('members[value eq "x"]', "urn:ietf:params:scim:schemas:core:2.0:User:title", "emails[", "].", "a.b.c", "", "id"),
    *('roles[primary eq "True"].value', 'addresses[type eq "work"].locality', "meta.version", "schemas", "groups"),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.sampled_from(["True", "false", "0", USER, GROUP, "a@b.example", "0" * 32, "\u0000", "\ud800"[:0], "' or 1=1"]),
)
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=12))
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Add", "replace", "Replace", "remove", "Remove", "move", "", 1])},
    optional={"path": st.one_of(st.sampled_from(PATHS), st.text(max_size=20), st.integers()), "value": TREES},
)
PATCHES = st.builds(
    lambda operations: {"schemas": [PATCH], "Operations": operations}, st.lists(OPERATION, max_size=4) | TREES
)
RESOURCES = st.builds(
    lambda schema, name, rest: {"schemas": [schema], name: "somebody@contoso.example"} | rest,
    st.sampled_from([USER, GROUP]),
    st.sampled_from(["userName", "displayName", "externalId"]),
    st.dictionaries(KEYS, TREES, max_size=5),
)
TOKENS = st.sampled_from(
    [
        *NAMES[:12],
        "eq",
        "ne",
        "co",
        "sw",
        "pr",
        "gt",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        '"x"',
        "true",
        "1",
        ".",
        '"',
    ]
)
FILTERS = st.lists(TOKENS, max_size=MOST_TERMS // 8).map(" ".join)
BODIES = st.one_of(
    PATCHES,
    RESOURCES,
    TREES,
    st.builds(lambda text: {"schemas": [SEARCH], "filter": text}, FILTERS),
    st.builds(
        lambda method, path, data: {
            "schemas": [BULK],
            "Operations": [{"method": method, "path": path, "bulkId": "1", "data": data}],
        },
        st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]),
        st.sampled_from(["/Users", "/Groups", "/Users/x", "", "/Bulk"]),
        RESOURCES | PATCHES | TREES,
    ),
)


def _raw(body: object) -> bytes:
    return json.dumps(body).encode()


CONTENTS = st.one_of(
    BODIES.map(_raw),
    st.binary(max_size=60),
    st.builds(lambda content, cut: content[:cut], BODIES.map(_raw), st.integers(0, 80)),
)


def test_the_sync_endpoint(bridge: Bridge, store_id: str, new_store_token: str) -> None:
    scene = Scene(bridge, store_id, new_store_token)
    places = (
        "/Users",
        f"/Users/{scene.person}",
        "/Groups",
        f"/Groups/{scene.group}",
        "/.search",
        "/Bulk",
        "/Me",
        "/Schemas",
    )

    @shared_state
    @given(
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
        st.sampled_from(places),
        st.dictionaries(st.sampled_from(["filter", "attributes", "count", "cursor", "sortBy"]), FILTERS, max_size=2),
        CONTENTS,
    )
    def nonsense(method: str, path: str, query: dict[str, str], content: bytes) -> None:
        if method == "DELETE" and scene.person in path:
            path = "/Users/x"  # it is there for the next example
        before = scene.send("GET", path)[0].body
        asked = "?" + "&".join(f"{name}={quote(text)}" for name, text in query.items())
        answer, seconds = scene.send(method, path, content, asked)
        assert answer.status < 500 or (answer.status, path) == (501, "/Me"), answer.body
        assert seconds < LONGEST
        json.loads(answer.body or b"{}")
        if answer.status >= 400 and path != "/Bulk":
            assert scene.send("GET", path)[0].body == before, "what is refused changes nothing"

    nonsense()


def _fields() -> list[str]:
    """Names of all fields of all forms."""
    texts = [file.read_text() for file in (STATIC.parent / "templates").rglob("*.html")]
    found = {name for text in texts for name in re.findall(r'name="([a-z_]+)"', text)}
    found |= {name for text in texts for name in re.findall(r'ui\.\w+\("([a-z_]+)"', text)}
    sources = "".join(Path(file).read_text() for file in STATIC.parent.glob("*.py"))
    return sorted(found | set(re.findall(r'form\.get\("([a-z_]+)"', sources)) - {"form_token"})


FORM_VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "1",
            "-1",
            "0",
            "1e9",
            "9" * 40,
            "on",
            "true",
            "None",
            "nan",
            "2026-11-28T00:00",
            "a\r\nb",
            "\u0000",
            "[]",
            "{}",
        ]
    ),
    st.sampled_from(
        ["https://one.zoho.com/scim", "http://127.0.0.1/", "us", "eu", "PATCH", "add-condition n", "remove n.0"]
    ),
)


def test_every_form(pages: Pages, store: Store, zoho_one: ZohoOne) -> None:
    values = {"store_id": store.id, "identity_id": "0" * 32, "group_id": "0" * 32, "reader": "user", "language": "en"}
    forms = [way for way in ways(pages.app, values | {"target": "title"}) if way.method == "POST"]
    forms = [way for way in forms if way.endpoint not in PUBLIC and not way.endpoint.startswith("sign_in.")]
    token = {HEADER: form_token(pages.parts.site.secret, LOCAL, LOCAL)}
    fields = st.one_of(
        st.sampled_from(_fields()), st.sampled_from(["n.match", "n.0.kind", "n.0.values", "n.0.0.match"])
    )
    assert len(forms) > 30
    assert len(_fields()) > 40

    @shared_state
    @given(st.sampled_from(forms), st.dictionaries(fields, FORM_VALUES, max_size=12), st.booleans())
    def nonsense(way: Any, form: dict[str, str], live: bool) -> None:
        before = pages.bridge.stores.read(store.id)
        headers = token | ({"HX-Request": "true"} if live else {})
        since = time.thread_time()
        with collected():
            answer = pages.client.post(way.path, data=form, headers=headers)
        assert time.thread_time() - since < LONGEST, way
        assert answer.status_code < 500 or answer.status_code == 503, (way, form)
        if answer.status_code >= 400:
            assert pages.bridge.stores.read(store.id) == before, (way, form)

    nonsense()


EXPRESSIONS = st.lists(
    st.one_of(
        st.sampled_from(
            [*FUNCTIONS, "(", ")", ",", "[", "]", '"', "&", "+", "=", "<>", "and", "not", "1", "-1", "true"]
        ),
        st.sampled_from(
            ["[mail]", "[displayName]", "[jobTitle]", '"x"', '"(a+)+$"', "[nobody]", '"yyyy-MM-dd"', "%x%"]
        ),
        st.text(max_size=6),
    ),
    max_size=24,
).map("".join)
PERSON = AzureUser.model_validate({"userPrincipalName": "a@b.example", "displayName": "a" * 200})


def _attribute(name: str) -> Any:
    return value_of(name)(PERSON) if name in AZURE_FIELDS else None


@shared_state
@given(EXPRESSIONS)
def test_an_expression(text: str) -> None:

    since = time.thread_time()
    try:
        context = EvaluationContext(datetime.now(UTC), random.Random(1), lambda _: False)
        compile_expression(text).evaluate(_attribute, context)
    except (ExpressionError, EvaluationError):
        pass
    assert time.thread_time() - since < LONGEST


def test_a_mapping_file(pages: Pages, store: Store) -> None:
    whole = json.loads(DEFAULT_MAPPING.model_dump_json())
    places = list(_places(whole))
    token = {HEADER: form_token(pages.parts.site.secret, LOCAL, LOCAL)}
    path = f"/console/stores/{store.id}/mapping/import"

    @shared_state
    @given(st.lists(st.tuples(st.sampled_from(places), TREES), max_size=3), CONTENTS, st.booleans())
    def nonsense(changes: list[tuple[tuple[Any, ...], object]], content: bytes, as_it_is: bool) -> None:

        changed = json.loads(json.dumps(whole))
        for place, value in changes:
            _put(changed, place, value)
        sent = content if as_it_is else json.dumps(changed).encode()
        since = time.thread_time()
        answer = pages.client.post(path, data={"file": (io.BytesIO(sent), "mapping.json")}, headers=token)
        assert time.thread_time() - since < LONGEST
        assert answer.status_code < 500, sent
        assert pages.get(f"/stores/{store.id}/mapping").status_code == 200
        assert pages.bridge.mappings.current(store.id).mapping == DEFAULT_MAPPING, "an import is a draft"

    nonsense()


def _places(tree: object, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [place for key, part in parts for place in [(*so_far, key), *_places(part, (*so_far, key))]]


def _put(tree: Any, place: tuple[Any, ...], value: object) -> None:
    for key in place[:-1]:
        try:
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            return
    try:
        tree[place[-1]] = value
    except (IndexError, TypeError):
        return
