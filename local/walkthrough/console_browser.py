"""An administrator at the console in a real browser, and what changes in the simulated Entra meanwhile."""

import shutil
from dataclasses import dataclass

import requests
from playwright.sync_api import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 20.0  # seconds for one answer

_ENDED = """count => {
    const rows = [...document.querySelectorAll('#runs tbody tr')];
    return rows.length > count && !rows.some(row => row.querySelector('progress'));
}"""


def find_browser() -> str | None:
    """The machine's Chromium, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class ConsoleBrowser:
    """One page of a browser, at the console of one store."""

    page: Page
    origin: str
    """Of the function host."""
    entra: str
    """Of the simulated Entra."""
    store: str

    @property
    def store_url(self) -> str:
        """Of the store's pages."""
        return f"{self.origin}/console/stores/{self.store}"

    def cycle(self) -> str:
        """Ask for a cycle and wait until it has ended; what the list says of it."""
        self.page.goto(f"{self.store_url}/runs")
        before = self.page.locator("#runs tbody tr").count()
        self.page.get_by_role("button", name="Run a cycle now").click()
        return self.ended(before)

    def ended(self, before: int) -> str:
        """Wait on the page of runs until there are more than before and all have ended; what it says of the last."""
        self.page.wait_for_function(_ENDED, arg=before)
        return self.page.locator("#runs tbody tr").first.inner_text()

    def in_entra(self, what: str, people: list[str]) -> None:
        """Do something with people in Entra, such as "disable": see local/entra/graph_people.py."""
        self._act([{"do": what, "id": person} for person in people])

    def group_in_entra(self, group: str, name: str, members: list[str]) -> None:
        """Make a group, or give one these members, and assign it to the app."""
        self._act(
            [
                {"do": "put group", "id": group, "members": members},
                {"do": "rename group", "id": group, "values": {"displayName": name}},
                {"do": "assign group", "id": group},
            ]
        )

    def address_of(self, name: str) -> str:
        """The path of the page of the first person who is found by a name."""
        self.page.goto(f"{self.store_url}/people?typed={name}")
        return self._path(self.page.locator("#found a").first.get_attribute("href"))

    def provisioned(self, person: str) -> str:
        """Provision somebody on demand; the path of the page that shows how it went."""
        self.page.goto(f"{self.store_url}/people")
        self.page.get_by_label("Object ids in Entra").fill(person)
        self.page.get_by_role("button", name="Provision", exact=True).click()
        self.page.get_by_role("link", name="The run that records it").wait_for()
        return self.page.url.removeprefix(self.origin)

    def run_with(self, words: str) -> str:
        """The path of the page of the earliest run of whose changes the list says this."""
        self.page.goto(f"{self.store_url}/runs")
        row = self.page.locator("#runs tbody tr", has_text=words).last
        return self._path(row.locator("a").get_attribute("href"))

    def _act(self, actions: list[dict[str, object]]) -> None:
        requests.post(f"{self.entra}/_people", json=actions, timeout=PATIENCE).raise_for_status()

    def _path(self, path: str | None) -> str:
        if path is None:
            raise RuntimeError(f"{self.page.url} has no link to what should be there")
        return path
