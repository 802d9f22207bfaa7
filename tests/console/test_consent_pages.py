"""The pages of consent answer whatever came in, and whatever happens, under the strictest policy of all pages."""

import logging

import pytest

from shared.console.bare_app import STRICT_POLICY
from shared.rules.store import Store
from shared.tables.stores import Stores
from tests.console.conftest import AZURE, Pages


@pytest.mark.parametrize(
    "path", ["/oauth/start?store=nobody", "/oauth/start", "/oauth/callback", "/oauth/callback?state=x"]
)
def test_they_run_no_script_send_no_form_and_have_the_layout_of_the_others(path: str, pages: Pages) -> None:
    page = pages.client.get(path)
    assert page.status_code in (400, 404)
    assert page.headers["Content-Security-Policy"] == STRICT_POLICY
    assert "script-src" not in STRICT_POLICY
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    for never in ("<script", "<form", "form-token", "form_token"):
        assert never not in page.text
    assert 'href="/console/"' in page.text
    assert "script-src 'self'" in pages.get("/").headers["Content-Security-Policy"], "the others as before"


def test_an_address_with_a_code_is_not_passed_on_to_the_sign_in(pages: Pages, store: Store) -> None:
    pages.served_by(**AZURE)
    start = pages.client.get(f"/oauth/start?store={store.id}")
    assert start.headers["Location"] == f"/console/sign-in?to=/oauth/start?store%3D{store.id}"
    callback = pages.client.get("/oauth/callback?state=s&code=secret-code")
    assert (callback.status_code, callback.headers["Location"]) == (302, "/console/sign-in?to=/console/")


class _Broken(Stores):
    def __init__(self) -> None:
        pass

    def get(self, store_id: str) -> None:
        raise RuntimeError(f"secret of {store_id}")


def test_a_defect_is_a_page_without_details_and_one_line_without_values(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    pages.with_stores(_Broken())
    with caplog.at_level(logging.INFO):
        answer = pages.client.get("/oauth/start?store=ada")
    assert answer.status_code == 500
    assert answer.headers["Content-Security-Policy"] == STRICT_POLICY
    (record,) = (record for record in caplog.records if record.name == "bridge.console")
    assert "RuntimeError" in record.getMessage()
    for text in (answer.text, caplog.text):
        assert "secret of" not in text
        assert "Traceback" not in text
