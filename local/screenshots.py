"""Pictures of the console for README and docs: `python -m local.screenshots FOLDER`.

Starts `python -m local serve`, lets some cycles run and the guard hold one, and photographs each page, light and dark.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Page, ViewportSize, sync_playwright

from local.people import make_people
from local.processes import ROOT

PEOPLE = 40
SIZE = ViewportSize(width=1120, height=760)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 20.0  # seconds for one answer
STORE = "/console/stores/contoso"
PAGES = {
    "stores": "/console/",
    "overview": STORE,
    "api-integration": f"{STORE}/api-integration",
    "mapping": f"{STORE}/mapping",
    "mapping-field": f"{STORE}/mapping/fields/formattedName",
    "settings": f"{STORE}/settings",
    "mail-template": f"{STORE}/settings/templates/user/en",
    "status-sync": f"{STORE}/status-sync",
    "criteria": f"{STORE}/criteria",
    "guard": f"{STORE}/guard",
    "schedule": f"{STORE}/schedule",
    "people": f"{STORE}/people?typed=ch",
    "plan": f"{STORE}/plan",
    "runs": f"{STORE}/runs",
    "changes": f"{STORE}/changes",
    "status": "/console/status",
    "add-directory": "/console/stores/new",
}
"""By the name of the picture."""


def main() -> int:
    """Write the pictures; the exit status is 0 where all are there."""
    parser = argparse.ArgumentParser(prog="python -m local.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print(f"None of {', '.join(BROWSERS)} is installed: apt-get install chromium", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with _served() as parts, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        origin = parts["console"].removesuffix("/console")
        live = _Live(chromium.new_page(), origin, parts["graph"].removesuffix("/v1.0"))
        live.bring_to_life()
        pages = PAGES | {"person": live.address_of("Chloé"), "run": live.last_run()}
        for scheme in ("light", "dark"):
            page = chromium.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            for name, path in pages.items():
                page.goto(origin + path)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=folder / f"{name}-{scheme}.png")
        chromium.close()
    print(f"{2 * len(pages)} pictures are in {folder}")
    return 0


@contextmanager
def _served() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "local", "serve", "--people", str(PEOPLE)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # it is a pipe
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@dataclass(frozen=True)
class _Live:
    """What makes a store look lived in: an administrator at his browser, and changes in Entra."""

    page: Page
    origin: str
    entra: str

    def bring_to_life(self) -> None:
        """Some cycles, with changes and without; a changed rule; a plan that is held."""
        people = [person.id for person in make_people(PEOPLE)]
        self._cycle()
        for few in (people[1:5], people[5:6], people[6:9]):
            self._in_entra("disable", few)
            self._cycle()
        self._in_entra("enable", people[1:4])
        self._cycle()
        self._cycle()
        self.page.goto(f"{self.origin}{STORE}/mapping/fields/title")
        self.page.get_by_role("radio", name="Expression").check()
        self.page.get_by_role("textbox", name="Expression").fill('Coalesce([jobTitle], "Colleague")')
        self.page.get_by_role("button", name="Ok", exact=True).click()
        self._in_entra("unassign", people[10:34])
        self._cycle()

    def address_of(self, name: str) -> str:
        """The page of a person."""
        self.page.goto(f"{self.origin}{STORE}/people?typed={name}")
        return self._path(self.page.locator("#found a").first.get_attribute("href"))

    def last_run(self) -> str:
        """The page of a run that changed something."""
        self.page.goto(f"{self.origin}{STORE}/runs")
        return self._path(
            self.page.locator("#runs tbody tr", has_text="deactivate").last.locator("a").get_attribute("href")
        )

    def _cycle(self) -> None:
        """Ask for one, and wait until it has ended."""
        self.page.goto(f"{self.origin}{STORE}/runs")
        before = self.page.locator("#runs tbody tr").count()
        self.page.get_by_role("button", name="Run a cycle now").click()
        self.page.wait_for_function(
            "count => { const rows = [...document.querySelectorAll('#runs tbody tr')];"
            " return rows.length > count && !rows.some(row => row.querySelector('progress')) }",
            arg=before,
        )

    def _in_entra(self, what: str, people: list[str]) -> None:
        actions = [{"do": what, "id": person} for person in people]
        requests.post(f"{self.entra}/_people", json=actions, timeout=PATIENCE).raise_for_status()

    def _path(self, path: str | None) -> str:
        if path is None:
            raise RuntimeError(f"{self.page.url} has no link to what should be there")
        return path


if __name__ == "__main__":
    sys.exit(main())
