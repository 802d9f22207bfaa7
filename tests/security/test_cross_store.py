"""A store's token, pages and ids lead to that store alone."""

import json

from local.store import add_store
from shared.app.container import Bridge
from shared.rules.store import Store
from shared.scim.endpoint import HttpRequest, HttpResponse
from tests.conftest import ZohoOne
from tests.console.conftest import Pages
from tests.security.routes import ways

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def _asked(bridge: Bridge, store: str, token: str, method: str, path: str, body: object = None) -> HttpResponse:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}"}
    return bridge.sync_endpoint.handle(
        store, HttpRequest(method, f"https://bridge.example/scim/{store}{path}", headers, content)
    )


def test_no_id_of_one_store_is_one_in_another(
    bridge: Bridge, pages: Pages, store: Store, new_store_token: str, azurite: str, key: str, zoho_one: ZohoOne
) -> None:
    theirs = f"{store.id}-2"
    their_token = add_store(azurite, key, zoho_one.parts, theirs)
    person = {"userName": "ada@contoso.example", "active": True}
    ids = {}
    for kind, body in (("Users", person), ("Groups", {"displayName": "Staff"})):
        made = _asked(bridge, store.id, new_store_token, "POST", f"/{kind}", body)
        assert made.status == 201, made.body
        ids[kind] = str(json.loads(made.body)["id"])
    replace = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Eve"}]}
    for kind, own in ids.items():
        assert _asked(bridge, store.id, their_token, "GET", f"/{kind}/{own}").status == 401
        changes: dict[str, object] = {"GET": None, "PUT": person | {"displayName": "x"}, "PATCH": replace}
        for method, change in changes.items():
            assert _asked(bridge, theirs, their_token, method, f"/{kind}/{own}", change).status == 404, (kind, method)
        assert _asked(bridge, theirs, their_token, "DELETE", f"/{kind}/{own}").status == 404
        search = f"/{kind}?filter=id%20eq%20%22{own}%22"
        assert json.loads(_asked(bridge, theirs, their_token, "GET", search).body)["totalResults"] == 0
        assert _asked(bridge, store.id, new_store_token, "GET", f"/{kind}/{own}").status == 200
    values = {"store_id": theirs, "identity_id": ids["Users"], "group_id": ids["Groups"]}
    named = [way for way in ways(pages.app, values) if ids["Users"] in way.path or ids["Groups"] in way.path]
    assert len(named) >= 8
    for way in named:
        sent = pages.get if way.method == "GET" else pages.post
        answer = sent(way.path.removeprefix("/console"))
        assert answer.status_code in (404, 409), way
        assert "ada@contoso.example" not in answer.text
    members = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": ids["Users"]}]}]}
    group = json.loads(_asked(bridge, theirs, their_token, "POST", "/Groups", {"displayName": "Theirs"}).body)["id"]
    _asked(bridge, theirs, their_token, "PATCH", f"/Groups/{group}", members)
    assert zoho_one.members("Theirs") == []
