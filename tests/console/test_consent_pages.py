"""The pages of consent answer whatever came in, and whatever happens."""

import dataclasses
import logging

import pytest

from local.walkthrough.admin_browser import AdminBrowser
from shared.app.container import Bridge
from shared.console.consent_pages import ConsentPages
from shared.console.page import PageRequest
from shared.rules.store import Store
from shared.tables.stores import Stores
from tests.conftest import ZohoOne
from tests.console.conftest import pages_of, served_by


@pytest.fixture
def pages(bridge: Bridge) -> ConsentPages:
    """The pages for an owner, with the address taken from the request."""
    sign_in = served_by(bridge.sign_in, BRIDGE_LOCAL_ADMIN="Organization.Owner")
    return dataclasses.replace(bridge.consent_pages, sign_in=sign_in, public_url=None)


@pytest.mark.parametrize("which", ["start", "callback"])
def test_a_malformed_host_header_is_a_400_page(pages: ConsentPages, which: str) -> None:
    request = PageRequest("https://[::1/oauth/start", {"store": "x"})
    answer = getattr(pages, which)(request)
    assert answer.status == 400
    assert "malformed" in answer.html


class _Broken(Stores):
    def __init__(self) -> None:
        pass

    def get(self, store_id: str) -> None:
        raise RuntimeError(f"secret of {store_id}")


def test_a_defect_is_a_page_without_details_and_one_line_without_values(
    pages: ConsentPages, caplog: pytest.LogCaptureFixture
) -> None:
    broken = dataclasses.replace(pages, stores=_Broken())
    with caplog.at_level(logging.INFO):
        answer = broken.start(PageRequest("https://b.example/", {"store": "ada"}))
    assert answer.status == 500
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    (record,) = (record for record in caplog.records if record.name == "bridge.console")
    assert "RuntimeError" in record.getMessage()
    for text in (answer.html, caplog.text):
        assert "secret of" not in text
        assert "Traceback" not in text


def test_who_connected_and_disconnected_a_store_is_on_record(
    host: str, store: Store, bridge: Bridge, zoho_one: ZohoOne
) -> None:
    connected = AdminBrowser(host).connect(store.id)
    assert connected.status_code == 200, connected.text
    assert bridge.connections.state(store.id).by == "local"
    zoho_one.move("eu")
    assert AdminBrowser(host).connect(store.id).status_code == 200
    pages = pages_of(bridge)
    assert "Connected" in pages.get(f"/stores/{store.id}/api-integration").text
    assert pages.post(f"/stores/{store.id}/api-integration/disconnect").status_code == 303
    gone, moved, first = bridge.stores.records(store.id, 5)
    assert (first.by, first.what, first.changes) == ("local", "Connected to Zoho One, data center us", ())
    assert moved.what == "Connected to Zoho One, data center eu"
    assert [(part.setting, part.before, part.after) for part in moved.changes] == [("zoho.data_center", "us", "eu")]
    assert gone.what == "Disconnecting from Zoho One was asked for"
