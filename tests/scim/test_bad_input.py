"""Bad input gets a clear SCIM error, never a 5xx, and changes nothing."""

import json
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.app.container import Bridge
from shared.rules.guests import mapped_name
from shared.rules.mapping.mapping import ExpressionSource, Mapping, Rule
from shared.rules.secret_token import token_hash
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.scim.endpoint import HttpRequest, HttpResponse
from shared.tables.service import connect
from tests.conftest import Endpoint, ZohoOne

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCIM = {"Content-Type": "application/scim+json"}

# what is sent: method, path, headers, body -> status, scimType, words of the detail
REFUSALS = [
    ("POST", "/Users", SCIM, b'{"userName"', 400, "invalidSyntax", "Invalid JSON"),
    ("POST", "/Users", SCIM, b"[]", 400, "invalidSyntax", ""),
    ("POST", "/Users", SCIM | {"Content-Length": "0"}, b"", 400, "invalidSyntax", ""),
    ("POST", "/Users", SCIM, b"\xff\xfe", 400, "invalidSyntax", ""),
    ("POST", "/Users", SCIM, b"{}", 400, "invalidValue", "userName"),
    ("POST", "/Users", SCIM, b'{"userName": 7}', 400, "invalidValue", "userName"),
    ("POST", "/Users", SCIM, b'{"userName": ""}', 400, "invalidValue", "userName"),
    ("POST", "/Users", SCIM, b'{"userName": "  "}', 400, "invalidValue", "userName"),
    ("POST", "/Users", SCIM, b'{"userName": "a", "active": "perhaps"}', 400, "invalidValue", "active"),
    ("POST", "/Users", {"Content-Type": "text/xml"}, b"<user/>", 415, None, "application/scim+json"),
    ("POST", "/Users", SCIM, b'{"userName": "' + b"x" * (1024 * 1024) + b'"}', 413, None, "1024 KiB"),
    ("POST", "/Users", SCIM, b'{"userName": "' + b"x" * 70_000 + b'"}', 413, None, "40,000"),
    ("POST", "/Users", SCIM, b"[" * 100_000, 400, "invalidSyntax", ""),
    ("GET", '/Users?filter=userName xx "a"', {}, b"", 400, "invalidFilter", "column 10"),
    ("GET", '/Users?filter=userName eq "a', {}, b"", 400, "invalidFilter", "column"),
    ("GET", '/Users?filter=shoeSize eq "a"', {}, b"", 400, "invalidFilter", "shoeSize"),
    ("GET", "/Users?sortBy=shoeSize", {}, b"", 400, "invalidPath", "shoeSize"),
    ("GET", "/Users?count=many", {}, b"", 400, "invalidValue", "count"),
    ("GET", "/Users?cursor=AAAA", {}, b"", 400, "invalidCursor", ""),
    ("GET", "/Users/../../secrets", {}, b"", 404, None, ""),
    ("GET", "/Users/no-such-id", {}, b"", 404, None, "no-such-id"),
    ("GET", "/Users/%00%2F%23", {}, b"", 404, None, ""),
    ("GET", "/Shoes", {}, b"", 404, None, "Shoes"),
    ("DELETE", "/Users", {}, b"", 405, None, "method"),
    ("DELETE", "/Users/no-such-id", {}, b"", 404, None, ""),
    (
        "PATCH",
        "/Users/no-such-id",
        SCIM,
        b'{"Operations": [{"op": "add", "path": "title", "value": "x"}]}',
        404,
        None,
        "",
    ),
    ("PUT", "/Users/no-such-id", SCIM, b'{"userName": "a"}', 404, None, ""),
]


def _send(bridge: Bridge, store: Store, method: str, target: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    path, _, query = target.partition("?")
    url = f"https://bridge.example/scim/{store.id}{path}?{quote(query, safe='=&')}"
    return bridge.sync_endpoint.handle(store.id, HttpRequest(method, url, headers, body))


@pytest.fixture
def open_store(bridge: Bridge, store: Store) -> Store:
    """The store, with a token the tests know."""
    known = store.model_copy(update={"token_hashes": (token_hash("known"),)})
    bridge.stores.put(known)
    return known


AUTHORIZED = {"Authorization": "Bearer known"}


@pytest.mark.parametrize(("method", "target", "headers", "body", "status", "scim_type", "words"), REFUSALS)
def test_a_refusal_is_a_scim_error_that_says_why(
    bridge: Bridge,
    open_store: Store,
    zoho_one: ZohoOne,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    scim_type: str | None,
    words: str,
) -> None:
    answer = _send(bridge, open_store, method, target, body, AUTHORIZED | headers)
    error = json.loads(answer.body)
    assert answer.status == status, error
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert error["status"] == str(status)
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert error.get("scimType") == scim_type
    assert words in error["detail"]
    assert "Traceback" not in error["detail"]
    assert zoho_one.calls() == {}


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "Basic known", "bearerknown", "Bearer known known"]
)
def test_a_wrong_or_missing_token_is_401(bridge: Bridge, open_store: Store, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for target in ("/Users", "/ServiceProviderConfig", "/Users/x"):
        answer = _send(bridge, open_store, "GET", target, b"", headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert json.loads(answer.body)["status"] == "401"


@pytest.mark.parametrize("unknown", ["unknown", "../x", "UPPER", "a" * 400, "%23", "ünïcode", "a/b", ""])
def test_an_unknown_store_is_answered_like_one_whose_token_is_missing(
    bridge: Bridge, open_store: Store, unknown: str
) -> None:
    """Or anybody could find out which stores there are."""
    answers = []
    for name in (open_store.id, unknown):
        for headers in ({}, {"authorization": "Bearer made-up"}):
            request = HttpRequest("GET", f"https://b.example/scim/{name}/Users", headers)
            answer = bridge.sync_endpoint.handle(name, request)
            answers.append((answer.status, answer.body, {**answer.headers, "X-Request-Id": ""}))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 401
    assert answers[0][2]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("host", ["[::1", "[x]", "a\u2100b"])
def test_a_malformed_host_header_is_400(bridge: Bridge, open_store: Store, method: str, host: str) -> None:
    url = f"https://{host}/scim/{open_store.id}/Users"
    answer = bridge.sync_endpoint.handle(
        open_store.id, HttpRequest(method, url, AUTHORIZED | SCIM, b'{"userName": "a"}')
    )
    assert answer.status == 400
    assert "malformed" in json.loads(answer.body)["detail"]


def test_a_saved_mapping_that_is_not_valid_any_more_is_503_with_the_reason(bridge: Bridge, open_store: Store) -> None:
    source = ExpressionSource(expression="ToUpper([givenNam")
    mapping = Mapping(rules=(Rule(target=ZohoField.USER_NAME, source=source),))
    bridge.mappings.save(open_store.id, mapping, based_on=0, by="an older app", at=datetime.now(UTC), why="")
    answer = _send(bridge, open_store, "POST", "/Users", b'{"userName": "a@contoso.example"}', AUTHORIZED | SCIM)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "600")
    detail = json.loads(answer.body)["detail"]
    assert "attribute mapping" in detail
    assert open_store.id in detail


# -- whatever is sent -----------------------------------------------------

TEXTS = st.text(max_size=30) | st.sampled_from(
    ["", "a@contoso.example", "👩‍🚀", "\u202eabc", "\u0000", "x" * 1000, "/#?\\%"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ATTRIBUTES = st.sampled_from(
    "userName active displayName title name emails phoneNumbers addresses externalId roles manager id meta schemas "
    f"password groups x509Certificates unknown {ENTERPRISE}".split()
)
PATHS = (
    ATTRIBUTES
    | TEXTS
    | st.sampled_from(["name.givenName", 'emails[type eq "work"].value', 'emails[type eq "work"]', "emails[", "name.x"])
    | st.sampled_from([f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:department"])
    | st.sampled_from(['addresses[type eq "work" and primary eq true].locality', 'roles[not (value eq "x")].value'])
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "Add", "copy"]) | TEXTS},
    optional={"path": PATHS | st.none(), "value": VALUES | st.dictionaries(PATHS, VALUES, max_size=3)},
)
PATCHES = st.fixed_dictionaries(
    {"schemas": st.just([PATCH]) | VALUES, "Operations": st.lists(OPERATIONS, max_size=4) | VALUES}
)
RESOURCES = st.dictionaries(ATTRIBUTES | TEXTS, VALUES, max_size=5) | st.fixed_dictionaries(
    {"userName": TEXTS},
    optional={"active": VALUES, "emails": VALUES, "name": VALUES, "title": TEXTS, ENTERPRISE: VALUES},
)
COMPARISONS = st.builds(
    "{} {} {}".format,
    PATHS,
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "xx"]),
    st.sampled_from(["true", "null", "7", "-1.5e300", '"a"', '"2011-05-13T04:42:34Z"', '"']) | TEXTS.map(json.dumps),
)
FILTERS = st.recursive(
    COMPARISONS | st.text(max_size=20),
    lambda inner: (
        st.builds("({}) and {}".format, inner, inner)
        | st.builds("{} or {}".format, inner, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("emails[{}]".format, inner)
    ),
    max_leaves=4,
)

CAMPAIGN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
"""Each example starts from what the last one left: a store that has seen much."""


@pytest.fixture
def inhabited(bridge: Bridge, open_store: Store) -> tuple[Store, str]:
    """A store with one person, and his id."""
    person = (
        b'{"userName": "ada@contoso.example", "title": "Analyst", "emails": [{"type": "work", "value": "a@b.example"}]}'
    )
    created = _send(bridge, open_store, "POST", "/Users", person, AUTHORIZED | SCIM)
    assert created.status == 201
    return open_store, json.loads(created.body)["id"]


def _rows(azurite: str, store: Store) -> dict[str, object]:
    """Everything in the store's partition but its history."""
    table = connect(azurite).get_table_client("identities")
    found = table.query_entities("PartitionKey eq @store", parameters={"store": store.id})
    return {row["RowKey"]: dict(row) for row in found if not row["RowKey"].startswith("event:")}


def _check(
    azurite: str, bridge: Bridge, zoho_one: ZohoOne, store: Store, method: str, target: str, body: bytes
) -> None:
    rows, accounts = _rows(azurite, store), zoho_one.users()
    answer = _send(bridge, store, method, target, body, AUTHORIZED | SCIM)
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        assert json.loads(answer.body)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert (_rows(azurite, store), zoho_one.users()) == (rows, accounts), answer.body


@CAMPAIGN
@given(text=FILTERS)
def test_no_filter_gives_a_5xx(inhabited: tuple[Store, str], bridge: Bridge, text: str) -> None:
    store, _ = inhabited
    url = f"https://bridge.example/scim/{store.id}/Users?{urlencode({'filter': text}, errors='surrogatepass')}"
    answer = bridge.sync_endpoint.handle(store.id, HttpRequest("GET", url, AUTHORIZED))
    assert answer.status in (200, 400), answer.body


@CAMPAIGN
@given(patch=PATCHES)
def test_no_patch_gives_a_5xx_or_half_a_write(
    inhabited: tuple[Store, str], bridge: Bridge, zoho_one: ZohoOne, azurite: str, patch: object
) -> None:
    store, user_id = inhabited
    body = json.dumps(patch).encode()
    _check(azurite, bridge, zoho_one, store, "PATCH", f"/Users/{user_id}", body)


@CAMPAIGN
@given(resource=RESOURCES, method=st.sampled_from(["POST", "PUT"]))
def test_no_resource_gives_a_5xx_or_half_a_write(
    inhabited: tuple[Store, str], bridge: Bridge, zoho_one: ZohoOne, azurite: str, resource: object, method: str
) -> None:
    store, user_id = inhabited
    target = "/Users" if method == "POST" else f"/Users/{user_id}"
    _check(azurite, bridge, zoho_one, store, method, target, json.dumps(resource).encode())


NAMES = ["a/b#c?d\\e%f@x.example", "mia_gmail.example#EXT#@contoso.example", "👩‍🚀𠮷@x.example", "فاطمة@x.example"]
NAMES += ["n" * 1000, "ｆｕｌｌ", "O'Brien; drop table", "a\tb", "ß", "İstanbul"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_works_as_a_key(endpoint: Endpoint, zoho_one: ZohoOne, name: str) -> None:
    created = endpoint.request("POST", "/Users", json={"userName": name, "externalId": name})
    assert created.status_code == 201, created.text
    for attribute in ("userName", "externalId"):
        text = f"{attribute} eq {json.dumps(name)}"
        found = endpoint.request("GET", "/Users", query={"filter": text}).json()
        assert [user["id"] for user in found["Resources"]] == [created.json()["id"]]
        assert found["Resources"][0]["userName"] == name
    assert [user["userName"] for user in zoho_one.users()] == [mapped_name(name)]
    assert endpoint.request("DELETE", f"/Users/{created.json()['id']}").status_code == 204
