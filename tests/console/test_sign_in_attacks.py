"""What somebody who is not let in may try at the sign-in; each line of the table in docs/security.md has its test."""

import json
import re
from datetime import timedelta
from typing import Any

import jwt
import pytest

from local.entra.graph_sign_in import SigningKey
from local.parts import app_settings
from local.processes import ROOT
from local.store import new_key
from shared.app.container import Bridge
from shared.console.own_address import own_address
from shared.settings import Settings
from tests.conftest import ZohoOne
from tests.console.conftest import SignIns
from tests.console.signing_in import ADMIN, CALLBACK, ORIGIN, OWNER, Visitor, query_of, with_token

PAGE = "/console/stores/new"


def _is_out(visitor: Visitor) -> bool:
    return visitor.get(PAGE).status_code == 302


def test_fixation_a_session_that_was_there_before_is_never_the_new_one(sign_ins: SignIns) -> None:
    eve, victim = sign_ins.visitor(), sign_ins.visitor()
    eve.sign_in(ADMIN)
    victim.session_cookie = planted = eve.session_cookie
    victim.sign_in(OWNER)
    assert victim.session_cookie.partition(".")[0] != planted.partition(".")[0]
    assert _is_out(eve), "the planted one has ended"
    victim.session_cookie = "a" * 43 + ".1." + "0" * 64
    victim.sign_in(OWNER)
    assert not victim.session_cookie.startswith("aaa")


def test_an_answer_counts_once(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    answer = visitor.chosen(visitor.asked())
    flow = [cookie for cookie in (visitor.client._cookies or {}).values() if "sign-in" in cookie.key]
    assert visitor.get(answer).status_code == 302
    again = sign_ins.visitor()
    for cookie in flow:
        again.client.set_cookie(cookie.key, cookie.value, domain="bridge.example", secure=True)
    replayed = again.get(answer)
    assert replayed.status_code == 400
    assert "This sign-in is over" in replayed.text
    assert not again.session_cookie


def test_a_stolen_code_is_worth_nothing_in_another_sign_in(sign_ins: SignIns) -> None:
    victim, eve = sign_ins.visitor(), sign_ins.visitor()
    stolen = query_of(victim.chosen(victim.asked()))["code"]
    state = query_of(eve.asked())["state"]
    refused = eve.get(f"/console/sign-in/callback?code={stolen}&state={state}")
    assert refused.status_code == 400
    assert "does not belong to your sign-in" in refused.text
    assert not eve.session_cookie


def test_a_state_that_is_missing_made_up_or_another_tabs(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    first, second = visitor.asked(), visitor.asked("/console/status")
    one, two = (query_of(visitor.chosen(at_entra)) for at_entra in (first, second))
    for query, words in (
        (f"code={one['code']}", "does not belong to your sign-in"),
        (f"code={one['code']}&state=", "This browser did not begin the sign-in"),
        (f"code={one['code']}&state={'x' * 5000}", "This browser did not begin the sign-in"),
        (f"code={one['code']}&state={one['state'][:8]}{'x' * 14}", "does not belong to your sign-in"),
        (f"code={one['code']}&state={two['state']}", "does not belong to your sign-in"),
        (f"state={two['state']}", "This sign-in is over"),
        ("", "does not belong to your sign-in"),
    ):
        refused = visitor.get(f"/console/sign-in/callback?{query}")
        assert refused.status_code == 400
        assert words in refused.text, query
        assert not visitor.session_cookie


def test_another_sites_page_signs_nobody_in_with_its_own_account(sign_ins: SignIns) -> None:
    eve, victim = sign_ins.visitor(), sign_ins.visitor()
    hers = eve.chosen(eve.asked(), ADMIN)
    victim.asked()
    refused = victim.get(hers, **{"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 400
    assert "This browser did not begin the sign-in" in refused.text
    assert not victim.session_cookie


def test_another_sites_page_signs_nobody_out(sign_ins: SignIns) -> None:
    victim, eve = sign_ins.visitor(), sign_ins.visitor()
    victim.sign_in(OWNER)
    eve.sign_in(ADMIN)
    for form, headers in (
        ({}, {}),
        (with_token(eve.token()), {}),
        (with_token(victim.token()), {"Sec-Fetch-Site": "cross-site"}),
        (with_token(victim.token()), {"Sec-Fetch-Site": "same-site"}),
    ):
        assert victim.post("/console/sign-out", form, **headers).status_code == 403
    assert victim.get("/console/sign-out").status_code == 405
    assert not _is_out(victim)


WRONG_CLAIMS: tuple[dict[str, Any], ...] = (
    {"tid": "99999999-9999-4999-8999-999999999999"},
    {"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"},
    {"tid": None},
    {"iss": "https://login.microsoftonline.com/99999999-9999-4999-8999-999999999999/v2.0"},
    {"iss": None},
    {"aud": "00000003-0000-0000-c000-000000000000"},
    {"aud": None},
    {"oid": None},
    {"oid": "eve"},
    {"idtyp": "app"},
    {"nonce": "Y1v7Jf1oS7Tt2Kk1"},
    {"nonce": None},
    {"exp": 1},
    {"exp": None},
    {"nbf": 2**33},
    {"roles": "Organization.Owner"},
)
"""One that is null is left out of the token."""


def test_a_token_that_was_not_made_for_this_sign_in(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    for claims in WRONG_CLAIMS:
        sign_ins.entra.set(id_token=claims)
        refused = visitor.sign_in()
        assert refused.status_code in (400, 403), claims
        assert "cannot sign in here" in refused.text or "does not belong to your sign-in" in refused.text
        assert not visitor.session_cookie, claims


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_is_not_signed_by_entra(algorithm: str, sign_ins: SignIns) -> None:
    sign_ins.entra.set(id_token_algorithm=algorithm)
    visitor = sign_ins.visitor()
    assert "cannot sign in here" in visitor.sign_in().text
    assert not visitor.session_cookie


def test_a_token_that_another_key_signed(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    published = SigningKey().published()
    answers: list[object] = [{"keys": [published]}, {"keys": []}, {"keys": "none"}, []]
    for keys in answers:
        sign_ins.entra.fail("/{tenant}/discovery/v2.0/keys", status=200, body=json.dumps(keys))
        refused = visitor.sign_in()
        assert refused.status_code in (403, 503)
        assert not visitor.session_cookie
    assert visitor.sign_in().status_code == 302


@pytest.mark.parametrize("part", range(3))
def test_an_altered_cookie(part: int, sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in()
    parts = visitor.session_cookie.split(".")
    for made in (parts[part][:-1], parts[part] + "0", parts[part][::-1], "", "ü", "9" * 20, "%00"):
        altered = [*parts]
        altered[part] = made
        if altered != parts:
            eve = sign_ins.visitor()
            eve.session_cookie = ".".join(altered)
            assert _is_out(eve), made


def test_a_stolen_cookie_ends_with_the_session(sign_ins: SignIns) -> None:
    victim = sign_ins.visitor()
    victim.sign_in()
    thief = sign_ins.elsewhere(victim)
    assert not _is_out(thief)
    assert victim.post("/console/sign-out", with_token(victim.token())).status_code == 303
    assert _is_out(thief)


OUTSIDE = (
    *("https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil"),
    *("/%09/evil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "/\n/evil.example", "?//evil"),
    *("javascript:alert(1)", "data:text/html,x", "//evil.example/console", "/console@evil.example", "/console.evil"),
    *(
        "/consoles",
        "/console\\..\\..\\evil",
        "/console/\r\nSet-Cookie: a=b",
        "/console/\x00",
        "/console#//evil.example",
    ),
    *("https://bridge.example@evil.example", "https://bridge.example.evil.example/console", "console/", "", "/"),
    *(
        "/scim/contoso/Users",
        "/oauth/callback?code=x",
        "/.auth/login",
        "/admin/host",
        "/console\uff0fevil",
        "\uff0fconsole/",
    ),
    *("/console/sign-in", "/console/sign-in?to=/console/", "/console/sign-in/callback?code=x", "/console/sign-out"),
)


def test_no_address_but_our_own_comes_after_the_sign_in(sign_ins: SignIns) -> None:
    assert [to for to in OUTSIDE if own_address(to) != "/console/"] == []
    visitor = sign_ins.visitor()
    for to in ("//evil.example", "/console\\..\\..\\evil", "/console/\r\nSet-Cookie: a=b"):
        begun = visitor.client.get("/console/sign-in", query_string={"to": to}, base_url=ORIGIN)
        back = visitor.get(visitor.chosen(begun.headers["Location"]))
        assert (back.status_code, back.headers["Location"]) == (302, "/console/")


def test_our_own_do(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    for to in ("/console", "/console/", "/console/stores/a?typed=%C3%BC&x=1", "/oauth/start?store=a"):
        begun = visitor.client.get("/console/sign-in", query_string={"to": to}, base_url=ORIGIN)
        assert visitor.get(visitor.chosen(begun.headers["Location"])).headers["Location"] == to


def test_a_session_row_of_one_deployment_is_none_in_another(sign_ins: SignIns, azurite: str, zoho_one: ZohoOne) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in()
    another = Bridge(Settings.model_validate(app_settings(azurite, new_key(), zoho_one.parts)))
    # Both have the one table here, as if every row had been copied; and the same app registration.
    there = SignIns(another, sign_ins.entra, sign_ins.clock, sign_ins.settings).visitor()
    there.session_cookie = visitor.session_cookie
    assert _is_out(there), "the cookie is signed with another key"
    session_id = visitor.session_cookie.partition(".")[0]
    table, sessions = sign_ins.bridge.table("sessions"), another.sign_in.sessions
    row = table.get_entity("session", sign_ins.bridge.sign_in.sessions.key(session_id))
    table.upsert_entity({**row, "RowKey": sessions.key(session_id)})
    assert sessions.find(session_id) is None, "the row is sealed with another key"
    for settings in (
        {"BRIDGE_SIGN_IN_CLIENT_ID": "99999999-9999-4999-8999-999999999999"},
        {"BRIDGE_SIGN_IN_TENANT_ID": "99999999-9999-4999-8999-999999999999"},
    ):
        other_app = sign_ins.visitor(**settings)
        other_app.session_cookie = visitor.session_cookie
        assert _is_out(other_app), "the session names its app"


def test_a_row_is_worth_nothing_under_another_key_or_in_another_partition(sign_ins: SignIns) -> None:
    owner, eve = sign_ins.visitor(), sign_ins.visitor()
    owner.sign_in(OWNER)
    eve.sign_in(ADMIN)
    table, sessions = sign_ins.bridge.table("sessions"), sign_ins.bridge.sign_in.sessions
    keys = [sessions.key(visitor.session_cookie.partition(".")[0]) for visitor in (owner, eve)]
    table.upsert_entity({**table.get_entity("session", keys[0]), "RowKey": keys[1]})
    assert _is_out(eve)
    assert not _is_out(owner)
    row = table.get_entity("session", keys[0])
    table.upsert_entity({**row, "ends": (sign_ins.clock() + timedelta(days=9)).isoformat()})
    sign_ins.clock.forward(minutes=59)
    assert not _is_out(owner)
    for _ in range(9):
        sign_ins.clock.forward(minutes=50)
        owner.get(PAGE)
    assert _is_out(owner), "who writes the table makes no session longer"


def test_a_form_counts_in_its_own_session_only(sign_ins: SignIns) -> None:
    owner, eve = sign_ins.visitor(), sign_ins.visitor()
    owner.sign_in(OWNER)
    eve.sign_in(ADMIN)
    foreign = owner.post("/console/signed-in/end", with_token(eve.token()))
    assert (foreign.status_code, "This page was open for too long" in foreign.text) == (403, True)
    former = owner.token()
    owner.sign_in(OWNER)
    assert owner.post("/console/signed-in/end", with_token(former)).status_code == 409
    assert not _is_out(eve)
    token = owner.token()
    for made in (token[:-1], token + "0", token.partition(".")[2], token.replace(OWNER, ADMIN), "..", "ü.ü.ü"):
        assert owner.post("/console/signed-in/end", with_token(made)).status_code == 403
    assert owner.post("/console/sign-out", with_token(token)).status_code == 303
    ended = owner.post("/console/signed-in/end", with_token(token))
    assert ended.status_code == 401
    assert not _is_out(eve), "nor after the sign-out"


def test_nothing_reads_a_header_that_the_platform_would_have_to_guard() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for folder in ("shared", "functions", "local")
        for file in (ROOT / folder).rglob("*.py")
        if "node_modules" not in file.parts
        for number, line in enumerate(file.read_text().splitlines(), 1)
        # Table Storage's own protocol has such names.
        if re.search(r"x-ms-(?!version|error-code)|/\.auth/|WEBSITE_AUTH", line, re.IGNORECASE)
    ]
    assert not found


def test_a_redirect_address_that_is_not_registered_is_entras_to_refuse(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    sign_ins.entra.set(redirect_uris=["https://another.example/console/sign-in/callback"])
    at_entra = visitor.asked()
    assert query_of(at_entra)["redirect_uri"] == CALLBACK
    shown = visitor.web.post(at_entra, data={"person": OWNER}, allow_redirects=False, timeout=10)
    assert (shown.status_code, "AADSTS50011" in shown.text) == (400, True)


def test_an_app_cannot_be_played(sign_ins: SignIns) -> None:
    ready, web = sign_ins.entra.ready, sign_ins.entra.session
    url = f"{ready['login']}/{ready['tenant_id']}/oauth2/v2.0/token"
    header = {"X-IDENTITY-HEADER": ready["identity_header"]}

    def identity(resource: str, client_id: str) -> str:
        query = {"api-version": "2019-08-01", "resource": resource, "client_id": client_id}
        return str(web.get(ready["identity_endpoint"], params=query, headers=header).json()["access_token"])

    own, exchange = ready["sign_in_identity"], "api://AzureADTokenExchange"
    made_up = jwt.encode({"sub": "x", "aud": exchange}, "a key of nobody's that is long enough", "HS256", {"kid": "x"})
    form = {"grant_type": "authorization_code", "client_id": ready["sign_in_client_id"], "code": "x"}
    for proof, code in (
        ({"client_secret": "guessed"}, "AADSTS7000215"),
        ({"client_assertion": identity(exchange, own)}, "AADSTS70008"),
        ({"client_assertion": identity(exchange, "another")}, "AADSTS700213"),
        ({"client_assertion": identity(f"{exchange}USGov", own)}, "AADSTS700212"),
        ({"client_assertion": made_up}, "AADSTS700027"),
    ):
        if "client_assertion" in proof:
            proof |= {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
        answer = web.post(url, data=form | proof).json()
        assert code in answer["error_description"]
