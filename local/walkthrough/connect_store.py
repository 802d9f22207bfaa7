"""Authorize, Test Connection, Save: what the admin does until a store may provision."""

from collections.abc import Callable
from urllib.parse import urlsplit

from rich.console import Console

from local.walkthrough.admin_browser import AdminBrowser, NotAsked
from shared.app.container import Bridge
from shared.tables.connections import ConnectionState


def connect_store(
    host: str,
    store_id: str,
    bridge: Bridge,
    console: Console,
    tell: Callable[[str, str], None],
    admin: str | None = None,
) -> None:
    """Take the three steps, telling each by its title and text. Raises NotAsked and CannotStart.

    ``admin``: who signs in first, where the pages ask for it.
    """
    browser = AdminBrowser(host)
    if admin is not None:
        browser.sign_in(admin)
        tell("The bridge: Sign in", "The admin signs in at the simulated Entra, which leads back with a code.")
    consent_url = browser.ask(store_id)
    address = urlsplit(consent_url)
    tell(
        "The bridge: Authorize",
        f"{host}/oauth/start?store={store_id} sends the admin's browser to his data center's authorization endpoint, "
        f"{address.scheme}://{address.netloc}{address.path}. He accepts, and comes back to /oauth/callback.",
    )
    page = browser.come_back(browser.decide(consent_url))
    connection = bridge.connections.state(store_id)
    if page.status_code != 200 or connection.state is not ConnectionState.CONNECTED:
        raise NotAsked(page)
    console.print(
        f"[green]Connected:[/] the tokens came from the data center {connection.data_center}, and are kept encrypted."
    )
    tell("The bridge: Test Connection", "A store cannot be started before it passes.")
    store = bridge.stores.get(store_id)
    assert store is not None  # consent was asked for it
    for taken in bridge.switch.start(store).steps:
        console.print(f"[green]✓[/] {taken.step} ({taken.seconds * 1000:.0f} ms)")
    tell("The bridge: Save", f"Saved: provisioning of [bold]{store_id}[/] is started.")
