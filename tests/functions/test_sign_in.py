"""Sign-in through the worker library that runs in Azure: cookies as they were written, no header makes an admin."""

import base64
import http.client
import json
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import azure.functions as func
import pytest
import requests

from functions.answer import Answer
from local.entra.people import PEOPLE
from local.parts import app_settings
from local.processes import Processes
from local.walkthrough.admin_browser import AdminBrowser
from local.walkthrough.sign_in import register, sign_in_settings
from shared.console.sign_in import CALLBACK
from shared.rules.store import Store
from tests.conftest import Entra, ZohoOne

OWNER = PEOPLE[0].id


@pytest.fixture
def signing_in(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, entra: Entra, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a host that asks people to sign in; with a parameter, one that takes itself to be in Azure."""
    settings = app_settings(azurite, key, zoho_one.parts) | sign_in_settings(entra.ready)
    settings |= getattr(request, "param", {})
    del settings["BRIDGE_LOCAL_ADMIN"]
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=settings)
    url: str = ready["url"]
    register(entra.ready, PEOPLE, url, url.replace("http:", "https:"))
    yield url
    process.stop()


AZURE = pytest.mark.parametrize("signing_in", [{"WEBSITE_SITE_NAME": "bridge"}], indirect=True, ids=["azure"])


@AZURE
def test_cookies_come_through_the_worker_as_they_were_written(signing_in: str, entra: Entra) -> None:
    session = requests.Session()
    begun = session.get(f"{signing_in}/console/sign-in?to=/console/status", allow_redirects=False, timeout=30)
    flow = begun.headers["Set-Cookie"]
    assert flow.startswith("__Host-bridge-sign-in-")
    assert flow.endswith("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
    at_entra = begun.headers["Location"]
    back = session.post(at_entra, data={"person": OWNER}, allow_redirects=False, timeout=30).headers["Location"]
    assert back.startswith("https://127.0.0.1:"), "in Azure the app's address is https, whatever a proxy makes of it"
    answer = session.get(
        f"{signing_in}{CALLBACK}?{urlsplit(back).query}",
        headers={"Cookie": flow.partition(";")[0]},
        allow_redirects=False,
        timeout=30,
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/status")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert "omain" not in cookie, "a browser takes no cookie named __Host- with a domain, even an empty one"
    (morsel,) = SimpleCookie(cookie).values()
    shown = session.get(f"{signing_in}/console/status", headers={"Cookie": f"{morsel.key}={morsel.value}"}, timeout=30)
    assert shown.status_code == 200
    assert "Katya Lindqvist, Owner" in shown.text
    stranger = session.get(f"{signing_in}/console/status", allow_redirects=False, timeout=30)
    assert stranger.status_code == 302


def test_consent_is_given_by_who_is_signed_in(signing_in: str, store: Store, entra: Entra) -> None:
    browser = AdminBrowser(signing_in)
    assert browser.sign_in(OWNER).headers["Location"] == "/console/"
    connected = browser.connect(store.id)
    assert connected.status_code == 200, connected.text
    assert "is connected to Zoho One" in connected.text


SPELLINGS = (
    *("/console/", "/console", "/console/status", "/console//status", "//console/status", "/./console/status"),
    *("/scim/../console/status", "/scim/%2e%2e/console/status", "/scim/..%2fconsole/status", "/scim/%2e%2e%2fconsole/"),
    *("/scim/x/../../console/status", "/scim/;/../console/status", "/scim/..;/console/status", "/console/status;"),
    *("/CONSOLE/status", "/Console/Status", "/%63onsole/status", "/console/%73tatus", "/console/status/", "/console/."),
    *("/console/status?x", "/console/status%3f", "/console/status%00", "/console/./status", "/console/a/../"),
    *("/scim/console/status", "/scim/contoso/console/status", "/oauth/../console/status", "/oauth/start?store=x"),
    *("/oauth/callback", "/console/stores/new", "/console/signed-in", "/health/../console/status"),
    *("/api/console/status", "/console\\status", "/scim\\..\\console\\status", "/console/%5c..%5cstatus"),
)


def _forged() -> dict[str, str]:
    claims = [
        {"typ": "roles", "val": "Organization.Owner"},
        {"typ": "oid", "val": OWNER},
        {"typ": "name", "val": "Eve"},
    ]
    principal = {"auth_typ": "aad", "name_typ": "name", "role_typ": "roles", "claims": claims}
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": OWNER,
        "X-MS-CLIENT-PRINCIPAL-NAME": "Eve",
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "X-MS-TOKEN-AAD-ID-TOKEN": "e30.e30.",
        "x_ms_client_principal": base64.b64encode(json.dumps(principal).encode()).decode(),
        "Authorization": "Bearer e30.e30.",
        "Cookie": "AppServiceAuthSession=made-up; __Host-bridge-session=a.1.b; bridge-session=a.1.b",
        "X-Forwarded-Host": "evil.example",
        "X-Original-URL": "/health",
        "X-Rewrite-URL": "/health",
    }


@AZURE
def test_no_header_makes_an_admin_on_any_spelling_of_an_address(signing_in: str, entra: Entra) -> None:
    address = urlsplit(signing_in)
    for spelling in SPELLINGS:
        for method in ("GET", "POST"):
            connection = http.client.HTTPConnection(address.netloc, timeout=30)
            connection.putrequest(method, spelling, skip_host=False)
            for name, value in _forged().items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", "0")
            connection.endheaders()
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            assert answer.status in (302, 400, 401, 403, 404, 405, 409), f"{method} {spelling}: {answer.status}"
            assert "Eve" not in text
            assert "evil.example" not in str(answer.headers)
            connection.close()


def test_an_answer_has_one_cookie() -> None:
    page = func.HttpResponse("x")
    page.headers.add("Set-Cookie", "a=1")
    assert Answer(page).headers["Set-Cookie"] == "a=1"
    page.headers.add("Set-Cookie", "b=1")
    with pytest.raises(ValueError, match="one cookie"):
        Answer(page)


def test_one_process_signs_out_and_another_knows_it(
    processes: Processes, signing_in: str, azurite: str, key: str, zoho_one: ZohoOne, entra: Entra
) -> None:
    settings = app_settings(azurite, key, zoho_one.parts) | sign_in_settings(entra.ready)
    del settings["BRIDGE_LOCAL_ADMIN"]
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=settings)
    browser = AdminBrowser(signing_in)
    browser.sign_in(OWNER)
    there = AdminBrowser(ready["url"], browser.session)
    page = there.get("/console/stores/new")
    assert page.status_code == 200
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    out = browser.session.post(
        f"{ready['url']}/console/sign-out", data={"form_token": token}, allow_redirects=False, timeout=30
    )
    assert out.status_code == 303
    assert browser.get("/console/stores/new").status_code == 302
    process.stop()
