"""A secret follows no address but Zoho's and Microsoft's own, whichever way the address came."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import HttpUrl, ValidationError

from shared.admin.store_settings import Section, StoreSettings, fingerprint
from shared.app.container import Bridge
from shared.console.context import EXTENSION
from shared.entra.credentials import EntraTokens
from shared.entra.errors import GraphCredentials
from shared.rules.entra_connection import CLOUDS, Credential, EntraConnection, Scope
from shared.rules.outside_address import (
    ZOHO_DOMAINS,
    AddressRefused,
    ensure_microsoft,
    ensure_reachable,
    ensure_zoho_one,
)
from shared.rules.store import Store, ZohoConnection
from shared.zoho.data_centers import DATA_CENTERS
from shared.zoho.errors import ZohoCredentials
from shared.zoho.pace import Pace
from shared.zoho.scim_client import ZohoUsers
from tests.console.conftest import Pages

FOREIGN = (
    "http://one.zoho.com/scim",
    "https://evil.example/scim",
    "http://127.0.0.1:8081/msi/token",
    "https://127.0.0.1/scim",
    "https://localhost/scim",
    "https://[::1]/scim",
    "http://2130706433/",
    "http://169.254.169.254/metadata/instance",
    "http://168.63.129.16/machine",
    "https://10.0.0.5/scim",
    "https://user:pw@one.zoho.com/scim",
    "https://one.zoho.com@evil.example/scim",
    "https://one.zoho.com:8443/scim",
    "https://one.zoho.com.evil.example/scim",
    "https://evilzoho.com/scim",
    "https://zoho.com.evil.example/scim",
    "https://evil.example/one.zoho.com",
    "https://evil.example#one.zoho.com",
    "https://evil.example?one.zoho.com",
    "https://evil.example\\.zoho.com/scim",
    "https://one.zoho.com?a=",
    "https://one.zoho.com/scim?x=1",
    "https://one.zoho.com/scim#",
    "https://one.zoho.eu/scim",
    "https://one.zoho.com%2eevil.example/scim",
    "https://zoho.com\u3002evil.example/scim",
)
"""For a store in the data center us."""


def _zoho(endpoint: str, **changes: Any) -> ZohoConnection | None:
    try:
        return ZohoConnection.model_validate(
            {"sync_endpoint": endpoint, "data_center": "us", "client_id": "1000.A"} | changes
        )
    except ValidationError:
        return None


@pytest.mark.parametrize("endpoint", FOREIGN)
def test_no_token_follows_a_foreign_address(endpoint: str) -> None:
    if (zoho := _zoho(endpoint)) is not None:
        with pytest.raises(AddressRefused):
            ensure_zoho_one(zoho, local=False)


@pytest.mark.parametrize("path", ["@evil.example", ":8443", ".evil.example", "?", "#", "\\@evil.example", "/\r\nX: y"])
def test_nor_what_the_path_makes_of_an_address(path: str) -> None:
    zoho = _zoho("https://one.zoho.com", scim_path=path)
    assert zoho is not None
    with pytest.raises(AddressRefused):
        ensure_zoho_one(zoho, local=False)


@pytest.mark.parametrize("name", DATA_CENTERS)
def test_each_data_center_has_its_own_domains(name: Any) -> None:
    hosts = {
        urlsplit(url).hostname or "" for url in (DATA_CENTERS[name].accounts_server, DATA_CENTERS[name].api_domain)
    }
    for host in hosts | {f"one.{domain}" for domain in ZOHO_DOMAINS[name]}:
        ensure_zoho_one(
            ZohoConnection(sync_endpoint=HttpUrl(f"https://{host}/x/scim"), data_center=name, client_id="1"),
            local=False,
        )
        for other in set(DATA_CENTERS) - {name}:
            foreign = ZohoConnection(sync_endpoint=HttpUrl(f"https://{host}/scim"), data_center=other, client_id="1")
            with pytest.raises(AddressRefused):
                ensure_zoho_one(foreign, local=False)
    assert {domain for domains in ZOHO_DOMAINS.values() for domain in domains} == {
        urlsplit(url).netloc.partition(".")[2]
        for center in DATA_CENTERS.values()
        for url in (center.accounts_server, center.api_domain)
    }


def test_loopback_is_for_the_app_on_one_machine() -> None:
    for endpoint in ("http://127.0.0.1:9/scim", "http://localhost:9", "http://[::1]:9/scim"):
        zoho = _zoho(endpoint)
        assert zoho is not None
        ensure_zoho_one(zoho, local=True)
        with pytest.raises(AddressRefused):
            ensure_zoho_one(zoho, local=False)


def test_a_form_takes_none(pages: Pages, store: Store) -> None:
    on_the_internet = StoreSettings(pages.bridge.stores, pages.bridge.secrets, pages.bridge.outside.now, local=False)
    _with_settings(pages, on_the_internet)
    form = {"client_id": "1", "scim_path": "/scim", "update_verb": "PATCH", "parallel_calls": "8", "page_size": "100"}
    form |= {"members_per_call": "500", "seen": fingerprint(store, Section.ZOHO)}
    new = {"id": f"{store.id}-new", "name": "New", "data_center": "us", "client_secret": "x"}
    for endpoint in FOREIGN:
        sent = form | {"sync_endpoint": endpoint}
        assert pages.post(f"/stores/{store.id}/api-integration/zoho-one", **sent).status_code == 422, endpoint
        assert pages.post("/stores/new/api-integration", **(sent | new)).status_code == 422, endpoint
    assert pages.bridge.stores.read(store.id) == store
    assert pages.bridge.stores.read(f"{store.id}-new") is None


def _with_settings(pages: Pages, settings: StoreSettings) -> None:
    parts = pages.parts
    pages.app.extensions[EXTENSION] = replace(parts, stores=replace(parts.stores, settings=settings))


class _Tokens:
    """A connection whose token nobody may see."""

    def current(self, store: Store) -> str:
        return "1000.secret"

    def rejected(self, store: Store, token: str) -> None: ...


class _Network(requests.Session):
    """Whatever is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(str(url))
        raise requests.ConnectionError


@pytest.mark.parametrize("endpoint", FOREIGN)
def test_nor_a_row_that_came_by_no_form(endpoint: str) -> None:
    if (zoho := _zoho(endpoint)) is None:
        return
    network = _Network()
    users = ZohoUsers(Store(id="contoso", name="Contoso", zoho=zoho), network, _Tokens(), Pace(4, None, lambda: 0.5))
    with pytest.raises(ZohoCredentials):
        users.reach()
    with pytest.raises(ZohoCredentials):
        users.authenticate()
    with pytest.raises(ZohoCredentials):
        users.find("anna@contoso.example")
    assert network.sent == []


def _entra(graph: str, login: str) -> EntraConnection | None:
    try:
        return EntraConnection(
            tenant_id="11111111-1111-4111-8111-111111111111",
            credential=Credential.CLIENT_SECRET,
            client_id="22222222-2222-4222-8222-222222222222",
            scope=Scope.ALL_USERS,
            graph=HttpUrl(graph),
            login=HttpUrl(login),
        )
    except ValidationError:
        return None


@pytest.mark.parametrize(
    ("graph", "login"),
    [
        ("https://graph.microsoft.com#", "https://login.microsoftonline.com"),
        ("https://graph.microsoft.com", "https://login.microsoftonline.com/#x"),
        ("https://graph.microsoft.com", "https://login.microsoftonline.us"),
        ("http://127.0.0.1:9", "https://127.0.0.1:9"),
        ("https://graph.microsoft.com.evil.example", "https://login.microsoftonline.com"),
        ("https://graph.microsoft.com", "https://x@login.microsoftonline.com"),
        ("http://169.254.169.254", "https://169.254.169.254"),
    ],
)
def test_no_secret_for_entra_follows_a_foreign_address(graph: str, login: str) -> None:
    if (connection := _entra(graph, login)) is None:
        return
    network = _Network()
    with pytest.raises(GraphCredentials):
        EntraTokens(connection, network, lambda: "secret").current()
    assert network.sent == []


@pytest.mark.parametrize("host", CLOUDS)
def test_microsofts_clouds_are_let_through(host: str) -> None:
    connection = _entra(f"https://{host}", f"https://{CLOUDS[host]}")
    assert connection is not None
    ensure_microsoft(connection, local=False)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "fe80::1%eth0", "168.63.129.16", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0"),
        *("::", "224.0.0.1", "100.100.100.200", "255.255.255.255", "240.0.0.1"),
    ],
)
def test_a_mail_server_is_no_service_of_the_cloud_for_its_machines(address: str) -> None:
    with pytest.raises(AddressRefused):
        ensure_reachable(address, private=True, loopback=True)


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.1", "172.16.0.1", "fd12::1", "::ffff:10.0.0.5"])
def test_nor_in_the_own_network_unless_the_settings_say_so(address: str) -> None:
    ensure_reachable(address, private=True, loopback=False)
    with pytest.raises(AddressRefused):
        ensure_reachable(address, private=False, loopback=False)


def test_nor_on_this_machine_by_another_name() -> None:
    for address in ("127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1"):
        with pytest.raises(AddressRefused):
            ensure_reachable(address, private=True, loopback=False)
    for address in ("93.184.216.34", "2606:2800:220:1::1"):
        ensure_reachable(address, private=False, loopback=False)


def test_the_bridge_knows_whether_it_is_on_one_machine(bridge: Bridge) -> None:
    assert bridge.local
