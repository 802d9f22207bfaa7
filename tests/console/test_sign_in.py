"""Signing in at the simulated Entra, staying signed in, and not staying so."""

import logging
from urllib.parse import urlsplit

import pytest

from local.entra.people import PEOPLE
from shared.rules.store import Store
from tests.conftest import Entra
from tests.console.conftest import SignIns
from tests.console.signing_in import ADMIN, OWNER, WITHOUT_ROLE, query_of, with_token


@pytest.fixture
def identity(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """The managed identity of the machine, as App Service has it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", entra.ready["identity_endpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", entra.ready["identity_header"])


def test_from_a_page_to_entra_and_back_to_the_page(sign_ins: SignIns, store: Store) -> None:
    visitor, page = sign_ins.visitor(), f"/console/stores/{store.id}/people?typed=a"
    at_entra = visitor.asked(page)
    query = query_of(at_entra)
    assert query["code_challenge_method"] == "S256"
    assert set(query["scope"].split()) == {"openid", "profile", "offline_access"}
    assert len(query["state"]) >= 16
    assert len(query["nonce"]) >= 16
    back = visitor.get(visitor.chosen(at_entra))
    assert back.status_code == 302
    assert back.headers["Location"] == page
    (session,) = back.headers.getlist("Set-Cookie")
    assert session.startswith("__Host-bridge-session=")
    assert session.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure"), "until the browser is closed"
    shown = visitor.get(page)
    assert shown.status_code == 200
    assert "Katya Lindqvist, Owner" in shown.text
    assert visitor.session_cookie.partition(".")[0] not in shown.text


def test_the_managed_identity_stands_for_the_app(sign_ins: SignIns, identity: None) -> None:
    by_identity = {
        "BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID": sign_ins.entra.ready["sign_in_identity"],
        "BRIDGE_SIGN_IN_CLIENT_SECRET": "",
    }
    visitor = sign_ins.visitor(**by_identity)
    assert visitor.sign_in().status_code == 302
    sign_ins.clock.forward(minutes=55)
    assert visitor.get("/console/stores/new").status_code == 200
    sign_ins.entra.set(federated_subject="another")
    assert "Entra does not accept the bridge" in sign_ins.visitor(**by_identity).sign_in().text
    sign_ins.entra.fail("/msi/token", status=400)
    assert "The bridge&#39;s managed identity does not answer" in sign_ins.visitor(**by_identity).sign_in().text


def test_entra_changes_its_keys(sign_ins: SignIns) -> None:
    assert sign_ins.visitor().sign_in().status_code == 302
    sign_ins.entra.forget("keys")
    visitor = sign_ins.visitor()
    assert visitor.sign_in().status_code == 302
    sign_ins.entra.forget("keys")
    sign_ins.clock.forward(minutes=55)
    assert visitor.get("/console/stores/new").status_code == 200, "looked at again with the new key"


def test_a_session_is_one_more_read_of_a_table_and_once_an_hour_a_write(
    sign_ins: SignIns, table_calls: list[str], store: Store
) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in()
    page = "/console/stores/new"  # reads no table itself
    table_calls.clear()
    for minutes in (0, 5, 20, 24):
        sign_ins.clock.forward(minutes=minutes)
        assert visitor.get(page).status_code == 200
    assert table_calls == ["GET"] * 4
    table_calls.clear()
    sign_ins.clock.forward(minutes=2)
    assert visitor.get(page).status_code == 200
    assert table_calls == ["GET", "PUT"], "the hourly look at the roles is kept"
    table_calls.clear()
    assert visitor.get(page).status_code == 200
    assert table_calls == ["GET"]
    table_calls.clear()
    stranger = sign_ins.visitor()
    stranger.session_cookie = "made.1.up"
    assert stranger.get(page).status_code == 302
    assert table_calls == [], "a stranger costs nothing"


def test_a_session_ends_an_hour_after_its_last_use_and_eight_after_its_beginning(sign_ins: SignIns) -> None:
    visitor, page = sign_ins.visitor(), "/console/stores/new"
    visitor.sign_in()
    for _ in range(9):
        sign_ins.clock.forward(minutes=50)
        assert visitor.get(page).status_code == 200
    sign_ins.clock.forward(minutes=31)
    assert visitor.get(page).status_code == 302, "eight hours are over"
    visitor.sign_in()
    old = visitor.session_cookie
    sign_ins.clock.forward(minutes=40)
    assert visitor.get(page).status_code == 200
    assert visitor.session_cookie != old
    sign_ins.clock.forward(minutes=40)
    copied = sign_ins.visitor()
    copied.session_cookie = old
    assert copied.get(page).status_code == 302, "a copy that was not used for an hour"
    assert visitor.get(page).status_code == 200, "and it ends itself alone"
    sign_ins.clock.forward(minutes=61)
    assert visitor.get(page).status_code == 302


def test_a_role_that_is_still_there_is_looked_at_unseen(sign_ins: SignIns, store: Store) -> None:
    visitor, page = sign_ins.visitor(), f"/console/stores/{store.id}"
    visitor.sign_in(ADMIN)
    token = visitor.token()
    for minutes in (45, 45, 45):
        sign_ins.clock.forward(minutes=minutes)
        assert visitor.get(page).status_code == 200
    assert visitor.post(f"{page}/stop", with_token(token)).status_code == 303, "an old page's form counts still"
    assert visitor.get(f"{page}/delete").status_code == 403
    sign_ins.entra.set(app_roles={ADMIN: ["Organization.Owner"]})
    sign_ins.clock.forward(minutes=51)
    assert visitor.get(f"{page}/delete").status_code == 200, "a role that was given counts within the hour, too"


@pytest.mark.parametrize("taken", ["role", "assignment", "account", "policy"])
def test_a_role_taken_away_ends_within_the_hour(taken: str, sign_ins: SignIns) -> None:
    visitor, page = sign_ins.visitor(), "/console/stores/new"
    visitor.sign_in(ADMIN)
    changes: dict[str, dict[str, object]] = {
        "role": {"app_roles": {ADMIN: []}},
        "assignment": {"app_roles": {OWNER: ["Organization.Owner"]}},
        "policy": {"sign_in_error": "AADSTS53003"},
    }
    if taken == "account":
        sign_ins.entra.act({"do": "disable", "id": ADMIN})
    else:
        sign_ins.entra.set(**changes[taken])
    sign_ins.clock.forward(minutes=49)
    assert visitor.get(page).status_code == 200
    sign_ins.clock.forward(minutes=11)
    out = visitor.get(page)
    assert out.status_code == (403 if taken == "role" else 302)
    assert sign_ins.elsewhere(visitor).get(page).status_code == 302, "in every process"


def test_somebody_who_became_another_is_signed_out(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in(ADMIN)
    sign_ins.entra.set(id_token={"oid": OWNER})
    sign_ins.clock.forward(minutes=51)
    assert visitor.get("/console/stores/new").status_code == 302


def test_a_fault_of_entras_is_not_noticed_for_ten_minutes_and_then_lets_nobody_in(sign_ins: SignIns) -> None:
    visitor, page = sign_ins.visitor(), "/console/stores/new"
    visitor.sign_in()
    sign_ins.entra.fail("/{tenant}/oauth2/v2.0/token", status=503, times=50)
    sign_ins.clock.forward(minutes=51)
    before = sign_ins.entra.sign_ins()
    for _ in range(3):
        assert visitor.get(page).status_code == 200
    assert sign_ins.entra.sign_ins() == before + 1, "it is not asked again at once"
    sign_ins.clock.forward(minutes=9)
    silent = visitor.get(page)
    assert silent.status_code == 503
    assert "Entra cannot be reached" in silent.text
    sign_ins.entra.forget("faults")
    assert sign_ins.elsewhere(visitor).get(page).status_code == 200, "the session goes on when Entra does"


def test_the_bridges_own_fault_signs_nobody_out(sign_ins: SignIns) -> None:
    visitor, page = sign_ins.visitor(), "/console/stores/new"
    visitor.sign_in()
    sign_ins.entra.set(client_secret="another")
    sign_ins.clock.forward(minutes=51)
    assert visitor.get(page).status_code == 200
    sign_ins.clock.forward(minutes=9)
    shut = visitor.get(page)
    assert shut.status_code == 500
    assert "BRIDGE_SIGN_IN_CLIENT_SECRET" in shut.text
    sign_ins.entra.set(client_secret=sign_ins.entra.ready["client_secret"])
    assert visitor.get(page).status_code == 200


def test_without_a_refresh_token_entra_is_asked_by_a_sign_in_after_an_hour(sign_ins: SignIns) -> None:
    sign_ins.entra.set(offline_access=False)
    visitor, page = sign_ins.visitor(), "/console/stores/new"
    visitor.sign_in()
    sign_ins.clock.forward(minutes=30)
    assert visitor.get(page).status_code == 200
    sign_ins.clock.forward(minutes=25)
    assert visitor.get(page).status_code == 200
    sign_ins.clock.forward(minutes=6)
    assert visitor.get(page).status_code == 302


def test_a_sign_out_ends_the_session_in_every_process_and_not_another_ones(sign_ins: SignIns) -> None:
    visitor, other = sign_ins.visitor(), sign_ins.visitor()
    visitor.sign_in()
    other.sign_in(ADMIN)
    elsewhere = sign_ins.elsewhere(visitor)
    assert elsewhere.get("/console/stores/new").status_code == 200
    out = visitor.post("/console/sign-out", with_token(visitor.token()))
    assert (out.status_code, out.headers["Location"]) == (303, "/console/signed-out")
    assert "__Host-bridge-session=; Path=/; Max-Age=0" in out.headers["Set-Cookie"]
    for browser in (visitor, elsewhere):
        assert browser.get("/console/stores/new").status_code == 302
        again = browser.post("/console/sign-out", with_token("old"))
        assert (again.status_code, again.headers["Location"]) == (303, "/console/signed-out"), "who is out is out"
    assert other.get("/console/stores/new").status_code == 200
    assert "You are signed out" in visitor.get("/console/signed-out").text
    begun = visitor.begun("/console/sign-in?choose=1")
    assert query_of(begun)["prompt"] == "select_account", "or Entra would sign the same person in again at once"


def test_an_owner_sees_who_is_signed_in_and_ends_one_or_all(sign_ins: SignIns) -> None:
    owner, admin, third = sign_ins.visitor(), sign_ins.visitor(), sign_ins.visitor()
    for visitor, person in ((owner, OWNER), (admin, ADMIN), (third, ADMIN)):
        visitor.sign_in(person)
    page = "/console/signed-in"
    assert admin.get(page).status_code == 403
    assert admin.post("/console/signed-in/end", with_token(admin.token())).status_code == 403
    listed = owner.get(page)
    assert "Siobhán O&#39;Brien" in listed.text
    assert "this session" in listed.text
    sessions = sign_ins.bridge.sign_in.sessions
    (key, *_) = [found.key for found in sessions.all() if found.session.admin_id == ADMIN]
    assert owner.post(f"{page}/{key}/end", with_token(owner.token())).status_code == 303
    assert owner.post(f"{page}/{'0' * 10}/end", with_token(owner.token())).status_code == 404
    open_still = [visitor.get("/console/stores/new").status_code for visitor in (owner, admin, third)]
    assert sorted(open_still) == [200, 200, 302]
    assert owner.post("/console/signed-in/end", with_token(owner.token())).status_code == 303
    for visitor in (owner, admin, third):
        assert visitor.get("/console/stores/new").status_code == 302
    assert sessions.all() == []


def test_rows_whose_time_is_over_are_deleted_at_the_next_sign_in(sign_ins: SignIns) -> None:
    table = sign_ins.bridge.table("sessions")
    visitor = sign_ins.visitor()
    visitor.sign_in()
    for _ in range(3):
        visitor.get("/console/sign-in")
    sign_ins.clock.forward(hours=9)
    assert len(list(table.list_entities())) >= 4
    visitor.sign_in()
    assert len(list(table.list_entities())) == 1


def test_nothing_of_a_session_can_be_read_in_the_table(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in()
    visitor.get("/console/sign-in")
    rows = str([dict(row) for row in sign_ins.bridge.table("sessions").list_entities()])
    session_id = visitor.session_cookie.partition(".")[0]
    for secret in (session_id, OWNER, "Katya", "code_verifier", "nonce", "refresh"):
        assert secret not in rows


def test_the_pages_of_consent_know_the_same_session(sign_ins: SignIns, store: Store) -> None:
    visitor = sign_ins.visitor()
    address = f"/oauth/start?store={store.id}"
    led = visitor.get(address)
    assert led.status_code == 302
    back = visitor.get(visitor.chosen(visitor.begun(led.headers["Location"])))
    assert back.headers["Location"] == address
    asked = visitor.get(address)
    assert asked.status_code == 302
    assert urlsplit(asked.headers["Location"]).path.endswith("/oauth/v2/auth")
    state = query_of(asked.headers["Location"])["state"]
    name, _, value = asked.headers["Set-Cookie"].partition(";")[0].partition("=")
    other = sign_ins.visitor()
    other.sign_in(ADMIN)
    other.client.set_cookie(name, value, domain="bridge.example", path="/oauth", secure=True)
    assert "another browser or another admin" in other.get(f"/oauth/callback?state={state}&code=c").text


@pytest.fixture(autouse=True)
def _no_rows_of_others(sign_ins: SignIns) -> None:
    table = sign_ins.bridge.table("sessions")
    for row in table.list_entities(select=["PartitionKey", "RowKey"]):
        table.delete_entity(row["PartitionKey"], row["RowKey"])


def test_a_guest_comes_in_with_a_role_and_without_one_does_not(sign_ins: SignIns) -> None:
    guest = next(person.id for person in PEOPLE if "#EXT#" in person.user_principal_name)
    sign_ins.entra.set(app_roles={guest: []})
    assert sign_ins.visitor().sign_in(guest).status_code == 403
    sign_ins.entra.set(app_roles={guest: ["Organization.Admin"]})
    assert sign_ins.visitor().sign_in(guest).status_code == 302


def test_somebody_without_a_role_is_told_which_there_are_and_where(sign_ins: SignIns) -> None:
    object_id = "5f2c1a7e-0d43-4c58-9b1e-6a2f7d3c8e90"
    visitor = sign_ins.visitor(BRIDGE_SIGN_IN_ENTERPRISE_APP_ID=object_id)
    refused = visitor.sign_in(WITHOUT_ROLE)
    assert refused.status_code == 403
    for words in ("Organization.Owner", "Organization.Admin", "Users and groups", f"/Users/objectId/{object_id}/"):
        assert words in refused.text
    assert not visitor.session_cookie


def test_a_sign_in_leaves_nobodys_name_code_or_token_in_the_log(
    sign_ins: SignIns, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    visitor = sign_ins.visitor()
    answer = visitor.chosen(visitor.asked())
    visitor.get(answer)
    visitor.sign_in(WITHOUT_ROLE)
    sign_ins.entra.set(client_secret="another")
    visitor.sign_in()
    assert "sign-in: Entra does not accept the bridge's credential" in caplog.text
    for private in (OWNER, "Katya", "katya", query_of(answer)["code"], query_of(answer)["state"], "another"):
        assert private not in caplog.text
