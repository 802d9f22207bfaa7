"""Nobody is lost on the way: what a page says where a sign-in fails, and forms that come too late."""

import re
from html import unescape
from io import BytesIO

import pytest
from werkzeug.test import TestResponse

from shared.console.kept_form import LONGEST
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.store import Store
from tests.conftest import Entra
from tests.console.conftest import SignIns
from tests.console.signing_in import ADMIN, OWNER, UNASSIGNED, Visitor, form_token_of, query_of, with_token


def _buttons(page: TestResponse) -> list[tuple[str, str]]:
    """The buttons of a page that says one thing: where they lead, and their words."""
    main = page.text.partition("<main")[2]
    found = re.findall(r'<a class="button[^"]*" href="([^"]+)">([^<]+)</a>', main)
    return [(unescape(address), words) for address, words in found]


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AADSTS50105", 403, "You are not assigned to the bridge"),
        ("AADSTS65001", 403, "Grant admin consent"),
        ("AADSTS90094", 403, "Grant admin consent"),
        ("AADSTS50011", 500, "add this page's address"),
        ("AADSTS70021", 500, "federated credential"),
        ("AADSTS700213", 500, "federated credential"),
        ("AADSTS53003", 403, "conditional access policy"),
        ("AADSTS50076", 403, "conditional access policy"),
        ("AADSTS65004", 403, "The sign-in was cancelled"),
        ("AADSTS50057", 403, "The account is blocked"),
        ("AADSTS7000222", 500, "BRIDGE_SIGN_IN_CLIENT_SECRET"),
        ("AADSTS700016", 500, "BRIDGE_SIGN_IN_CLIENT_ID"),
        ("AADSTS50020", 403, "not one of the organization's"),
        ("AADSTS12345", 403, "https://login.microsoftonline.com/error?code=12345"),
        ("AADSTS<script>", 403, "The sign-in was cancelled"),
        ("<script>", 403, "The sign-in was cancelled"),
    ],
)
def test_what_entra_refuses_is_said_in_plain_words(code: str, status: int, words: str, sign_ins: SignIns) -> None:
    sign_ins.entra.set(sign_in_error=code)
    visitor = sign_ins.visitor()
    refused = visitor.sign_in()
    assert refused.status_code == status
    assert words in unescape(refused.text)
    assert "<script>" not in refused.text
    assert "Simulated" not in refused.text
    assert [words for _, words in _buttons(refused)][-1:] == ["Sign in"]
    assert not visitor.session_cookie


def test_who_is_not_assigned_and_who_presses_cancel(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    refused = visitor.sign_in(UNASSIGNED)
    assert "You are not assigned to the bridge" in refused.text
    (portal, _), (again, _) = _buttons(refused)
    assert portal.startswith("https://entra.microsoft.com/#view/")
    assert again == "/console/sign-in?choose=1"
    cancelled = visitor.get(visitor.chosen(visitor.asked(), None))
    assert "The sign-in was cancelled" in cancelled.text


def test_entra_out_of_reach_is_a_page(sign_ins: SignIns, entra: Entra) -> None:
    entra.fail("/{tenant}/v2.0/.well-known/openid-configuration", status=503)
    visitor = sign_ins.visitor()
    way = visitor.get("/console/").headers["Location"]
    for _ in range(2):
        silent = visitor.get(way)
        assert silent.status_code == 503
        assert "Entra cannot be reached" in silent.text
        assert len(_buttons(silent)) == 1
    at_entra = sign_ins.visitor()
    answer = at_entra.chosen(at_entra.asked())
    entra.fail("/{tenant}/oauth2/v2.0/token", drop="before")
    assert at_entra.get(answer).status_code == 503


def test_two_tabs_the_back_button_a_late_answer_and_no_cookies(sign_ins: SignIns) -> None:
    visitor = sign_ins.visitor()
    tabs = [visitor.chosen(visitor.asked(to)) for to in ("/console/", "/console/status")]
    assert [visitor.get(answer).headers["Location"] for answer in tabs] == ["/console/", "/console/status"]
    late = sign_ins.visitor()
    answer = late.chosen(late.asked())
    sign_ins.clock.forward(minutes=11)
    without = sign_ins.visitor()
    other_answer = without.chosen(without.asked())
    without.client = without.app.test_client()
    for page, words in (
        (visitor.get(tabs[0]), "This sign-in is over"),
        (late.get(answer), "This sign-in is over"),
        (without.get(other_answer), "This browser did not begin the sign-in"),
    ):
        assert page.status_code == 400
        assert words in page.text
        assert _buttons(page) == [("/console/sign-in?to=/console/", "Sign in")]


def _ended(sign_ins: SignIns, person: str = OWNER) -> tuple[Visitor, str]:
    """A browser whose session has ended, and the form token of a page that is open in it still."""
    visitor = sign_ins.visitor()
    visitor.sign_in(person)
    token = visitor.token()
    sign_ins.clock.forward(minutes=61)
    return visitor, token


def _fields(page: TestResponse) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and its fields."""
    form = page.text.partition("<main")[2].partition("<form")[2].partition("</form>")[0]
    action = re.search(r'action="([^"]+)"', form)
    assert action
    inputs = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
    return unescape(action[1]), {name: unescape(value) for name, value in inputs}


def test_a_form_sent_after_the_session_ended_is_kept_shown_and_sent_when_told_to(
    sign_ins: SignIns, store: Store
) -> None:
    visitor, address = sign_ins.visitor(), f"/console/stores/{store.id}/name?setup=1"
    visitor.sign_in()
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', visitor.get(address).text.partition("<main")[2]))
    sign_ins.clock.forward(minutes=61)
    form |= {"name": 'Contoso "ü" <b>\r\n', "data_center": store.zoho.data_center, "client_secret": "sesame"}
    kept = visitor.post(address, form)
    assert kept.status_code == 401
    assert "Your session has ended" in kept.text
    ((way, words),) = _buttons(kept)
    assert words == "Sign in"
    back = visitor.get(visitor.chosen(visitor.begun(way)))
    shown = visitor.get(back.headers["Location"])
    assert shown.status_code == 200
    assert "nothing was done" in shown.text
    assert "<dd>sesame" not in shown.text
    action, fields = _fields(shown)
    assert action == address
    assert (fields["name"], fields["client_secret"]) == ('Contoso "ü" <b>\r\n', "sesame")
    assert sign_ins.bridge.stores.get(store.id) == store, "nothing is done unasked"
    assert visitor.post(action, fields).status_code == 303
    renamed = sign_ins.bridge.stores.read(store.id)
    assert renamed
    assert renamed.name == 'Contoso "ü" <b>'


def test_a_kept_form_is_shown_to_who_sent_it_and_for_an_hour(sign_ins: SignIns, store: Store) -> None:
    visitor, token = _ended(sign_ins)
    kept = visitor.post(f"/console/stores/{store.id}/stop", with_token(token))
    address = query_of(_buttons(kept)[0][0])["to"]
    eve = sign_ins.visitor()
    assert eve.get(address).status_code == 302
    eve.sign_in(ADMIN)
    assert eve.get(address).status_code == 404
    assert eve.get(address[:-1]).status_code == 404
    visitor.sign_in()
    assert visitor.get(address).status_code == 200
    sign_ins.clock.forward(minutes=45)
    assert visitor.get(address).status_code == 200
    sign_ins.clock.forward(minutes=16)
    assert visitor.get(address).status_code == 404


def test_a_form_of_nobodys_page_is_not_kept(sign_ins: SignIns, store: Store, table_calls: list[str]) -> None:
    visitor, token = _ended(sign_ins)
    table_calls.clear()
    for form, headers in (
        (with_token(""), {}),
        (with_token(f"a.{OWNER}.{'0' * 64}"), {}),
        (with_token(token), {"Sec-Fetch-Site": "cross-site"}),
    ):
        refused = visitor.post(f"/console/stores/{store.id}/stop", form, **headers)
        assert refused.status_code == 401
        assert _buttons(refused) == [("/console/sign-in?to=/console/", "Sign in")]
    assert table_calls == []


def test_a_form_that_is_too_long_says_so(sign_ins: SignIns, store: Store) -> None:
    visitor, token = _ended(sign_ins)
    address = f"/console/stores/{store.id}/mapping/import"
    long = visitor.post(address, with_token(token, text="x" * LONGEST))
    assert long.status_code == 401
    assert "too long to be kept" in long.text
    longest = visitor.post(address, with_token(token, text="ü" * (LONGEST // 2)))
    assert "The form is kept for an hour" in longest.text
    shown = visitor.get(visitor.chosen(visitor.begun(_buttons(longest)[0][0]))).headers["Location"]
    assert _fields(visitor.get(shown))[1]["text"] == "ü" * (LONGEST // 2)


def test_a_file_that_was_sent_is_a_field_of_the_kept_form(sign_ins: SignIns, store: Store) -> None:
    visitor, token = _ended(sign_ins)
    file = (BytesIO(DEFAULT_MAPPING.model_dump_json().encode()), "mapping.json")
    kept = visitor.client.post(
        f"/console/stores/{store.id}/mapping/import",
        data=with_token(token, file=file),
        base_url="https://bridge.example",
        content_type="multipart/form-data",
    )
    back = visitor.get(visitor.chosen(visitor.begun(_buttons(kept)[0][0])))
    action, fields = _fields(visitor.get(back.headers["Location"]))
    assert visitor.post(action, fields).status_code == 303, "the mapping is the draft now"


def test_a_form_of_a_former_session_is_shown_again_at_once(sign_ins: SignIns, store: Store) -> None:
    visitor, token = _ended(sign_ins)
    visitor.sign_in()
    again = visitor.post(f"/console/stores/{store.id}/stop", with_token(token))
    assert again.status_code == 409
    action, fields = _fields(again)
    found = sign_ins.bridge.stores.read(store.id)
    assert found
    assert found.is_started
    assert visitor.post(action, fields).status_code == 303


def test_a_piece_of_a_page_loses_nothing_that_was_typed(sign_ins: SignIns, store: Store) -> None:
    visitor, token = _ended(sign_ins)
    address = f"/console/stores/{store.id}/mapping/fields/title/try"
    live = {"HX-Request": "true", "HX-Current-URL": f"https://bridge.example/console/stores/{store.id}/mapping?a=1"}
    for _ in range(2):
        piece = visitor.post(address, with_token(token), **live)
        assert "HX-Redirect" not in piece.headers
        assert "<html" not in piece.text
        assert "Nothing typed on this page is lost" in piece.text
        visitor.sign_in()  # in another tab: the open page is of the former session still


def test_a_form_while_entra_does_not_answer_is_not_lost_either(sign_ins: SignIns, store: Store) -> None:
    visitor = sign_ins.visitor()
    visitor.sign_in()
    token = visitor.token()
    sign_ins.entra.fail("/{tenant}/oauth2/v2.0/token", status=503, times=1)
    sign_ins.clock.forward(minutes=59, seconds=30)
    assert visitor.get("/console/stores/new").status_code == 200
    sign_ins.clock.forward(minutes=1)
    kept = visitor.post(f"/console/stores/{store.id}/stop", with_token(token))
    assert kept.status_code == 503
    assert "Entra cannot be reached" in kept.text
    ((address, words),) = _buttons(kept)
    assert words == "Try again"
    other = sign_ins.elsewhere(visitor)
    action, fields = _fields(other.get(address))
    assert other.post(action, fields).status_code == 303
    assert form_token_of(other.get("/console/stores/new"))
