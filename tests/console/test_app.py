"""Who gets in, what a form needs, and that every failure is a page."""

import re
from dataclasses import replace

import pytest

from shared.app.console import open_console
from shared.app.container import Bridge
from shared.console.context import EXTENSION
from shared.console.form_token import FIELD
from shared.rules.store import Store
from shared.tables.errors import TablesBusy
from shared.tables.stores import Stores
from tests.conftest import ZohoOne
from tests.console.conftest import AZURE, Pages, pages_of


def test_pages_let_nothing_in_from_elsewhere_and_are_not_kept(pages: Pages, store: Store) -> None:
    page = pages.get(f"/stores/{store.id}")
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page.text)
    assert not re.search(r'(src|href|action)="(?!/)', page.text.replace('href="#main"', "")), "only paths of our own"
    static = re.search(r'href="(/console/static/[^"]+\.css)"', page.text)
    assert static
    with pages.client.get(static[1]) as kept:
        assert kept.status_code == 200
        assert "max-age=31536000" in kept.headers["Cache-Control"]


def test_a_mail_in_a_frame_has_styles_and_can_do_nothing(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/settings/templates/user/en/mail.html"
    saved = pages.get(path)
    assert saved.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in saved.headers["Content-Security-Policy"]
    assert "Kp7#mXw4Te9%cRna</code>" in saved.text
    body = "<script>alert(1)</script>\r\n\r\n{{ password }}\r\n{{ sign_in_url }}"
    typed = pages.post(path, subject="Welcome", body=body).text
    assert "&lt;script&gt;" in typed
    assert "<script" not in typed
    assert "The body does not show the password" in pages.post(path, subject="Welcome", body="<b>").text


def test_the_overview_names_what_entra_sends_and_nothing_uses(pages: Pages, bridge: Bridge, store: Store) -> None:
    path = f"/stores/{store.id}"
    assert "not used" not in pages.get(path).text
    bridge.ignored.note(store.id, ["shoeSize"])
    shown = pages.get(path).text
    assert "Sent by Entra, not used" in shown
    assert '<td class="mono">shoeSize</td><td>1</td>' in shown


@pytest.mark.parametrize("token", ["", "made-up", "ü"])
def test_a_form_without_its_token_changes_nothing(token: str, pages: Pages, store: Store) -> None:
    refused = pages.client.post(f"/console/stores/{store.id}/stop", data={FIELD: token})
    assert refused.status_code == 403
    assert "This page was open for too long" in refused.text
    found = pages.parts.stores.table.read(store.id)
    assert found is not None
    assert found.is_started


def test_a_form_of_another_admin_or_another_site_changes_nothing(pages: Pages, store: Store) -> None:
    assert pages.post(f"/stores/{store.id}/stop", "eve").status_code == 403
    token = re.search(r'name="form_token" value="([^"]+)"', pages.get(f"/stores/{store.id}").text)
    assert token
    for site in ("cross-site", "same-site"):
        headers = {"Sec-Fetch-Site": site}
        sent = pages.client.post(f"/console/stores/{store.id}/stop", data={FIELD: token[1]}, headers=headers)
        assert sent.status_code == 403
    sent = pages.client.post(f"/console/stores/{store.id}/stop", data={FIELD: token[1]})
    assert sent.status_code == 303


def test_an_admin_may_do_all_but_delete(pages: Pages, store: Store) -> None:
    pages.signed_in("Organization.Admin")
    assert pages.get(f"/stores/{store.id}").status_code == 200
    assert pages.post(f"/stores/{store.id}/stop").status_code == 303
    assert pages.get(f"/stores/{store.id}/delete").status_code == 403
    refused = pages.post(f"/stores/{store.id}/delete", typed=store.name)
    assert refused.status_code == 403
    assert "Only an owner may do this" in refused.text
    assert pages.parts.stores.table.read(store.id) is not None


@pytest.mark.parametrize(
    ("platform", "status"),
    [
        ({}, 503),
        ({"WEBSITE_SITE_NAME": "bridge"}, 503),
        (AZURE, 302),
        ({"BRIDGE_LOCAL_ADMIN": "Reader"}, 403),
        ({"BRIDGE_LOCAL_ADMIN": "Organization.Admin"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/", "/stores/new", "/status", "/stores/nobody"])
def test_every_page_asks_who_it_is(platform: dict[str, str], status: int, path: str, pages: Pages) -> None:
    pages.served_by(**platform)
    page = pages.get(path)
    assert page.status_code == (404 if status == 200 and path.endswith("nobody") else status)
    if status == 302:
        assert page.headers["Location"] == f"/console/sign-in?to=/console{path}"


def test_an_expired_session_takes_the_whole_browser_to_the_sign_in(pages: Pages, store: Store) -> None:
    pages.served_by(**AZURE)
    at = f"http://localhost/console/stores/{store.id}/people?typed=a"
    piece = pages.get(f"/stores/{store.id}/people", **{"HX-Request": "true", "HX-Current-URL": at})
    assert piece.status_code == 401
    assert piece.headers["HX-Redirect"] == f"/console/sign-in?to=/console/stores/{store.id}/people?typed%3Da"


def test_unknown_pages_stores_people_and_runs_are_404_pages(pages: Pages, store: Store) -> None:
    for path in ("/nothing", "/stores/none", "/stores/UPPER", f"/stores/{store.id}/people/{'0' * 32}"):
        assert pages.get(path).status_code == 404, path
    for path in (f"/stores/{store.id}/runs/1-2", f"/stores/{store.id}/mapping/fields/nothing"):
        assert pages.get(path).status_code == 404, path
    assert pages.client.delete("/console/").status_code in (403, 405)


class _Unreachable(Stores):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, store_id: str) -> Store | None:
        raise self.error

    def all(self) -> list[Store]:
        raise self.error


def test_a_storage_that_does_not_answer_and_a_defect_are_pages(pages: Pages) -> None:
    for error, status, words in (
        (TablesBusy("down"), 503, "storage does not answer"),
        (RuntimeError("secret"), 500, "Something went wrong"),
    ):
        pages.with_stores(_Unreachable(error))
        page = pages.get("/stores/contoso")
        assert page.status_code == status
        assert words in page.text
        assert "secret" not in page.text
        piece = pages.get("/stores/contoso", **{"HX-Request": "true"})
        assert piece.status_code == status
        assert "<html" not in piece.text


class _One(Stores):
    """One store, and none of other tests."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self) -> list[Store]:
        return [self.store]


def test_health_says_little_to_strangers(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    asked = open_console(bridge).extensions[EXTENSION].health.readiness
    pages = pages_of(bridge, asked)
    pages.with_stores(_One(store))
    assert pages.client.get("/health").json == {"status": "alive"}
    told = pages.client.get("/health?ready").json
    assert told is not None
    assert told["status"] == "ready"
    assert told["parts"] == {"Table Storage": "answers", "Queue Storage": "answers"}
    assert told["stores"] == {store.id: {"state": "started", "Zoho One": "answers"}}
    shown = pages.get("/status").text
    assert '<span class="badge good">OK</span> <span class="soft small">' in shown
    pages.served_by(**AZURE)
    assert pages.client.get("/health?ready").json == {"status": "ready"}
    health = replace(pages.parts.health, answers=lambda: {"tables": "they are down"})
    pages.app.extensions[EXTENSION] = replace(pages.parts, health=health)
    down = pages.client.get("/health?ready")
    assert (down.status_code, down.json) == (503, {"status": "not ready"})


def test_one_store_whose_zoho_one_does_not_answer_does_not_take_the_app_away(
    bridge: Bridge, store: Store, zoho_one: ZohoOne
) -> None:
    zoho_one.fail(method="GET", path="/ServiceProviderConfig", status=503, times=10)
    pages = pages_of(bridge, open_console(bridge).extensions[EXTENSION].health.readiness)
    pages.with_stores(_One(store))
    app = pages.client.get("/health?ready")
    assert app.status_code == 200
    assert app.json is not None
    assert app.json["status"] == "impaired"
    assert app.json["stores"][store.id]["Zoho One"] == "Zoho One answered 503: Service Unavailable"
    assert '<span class="badge bad">failed</span>' in pages.get("/status").text
    watched = pages.client.get("/health?ready=stores")
    assert watched.status_code == 503
    pages.served_by(**AZURE)
    assert pages.client.get("/health?ready=stores").json == {"status": "impaired"}
    stopped = store.model_copy(update={"schedule": store.schedule.stopped()})
    pages.with_stores(_One(stopped))
    assert pages.client.get("/health?ready=stores").json == {"status": "ready"}, "a stopped store is not asked about"
