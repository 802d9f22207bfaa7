"""Pictures of the console for README and docs: `python -m tools.screenshots FOLDER`.

Starts `python -m local serve`, runs some cycles, makes the guard hold one, and captures each page, light and dark.
"""

import argparse
import io
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from local.entra.people import make_people
from local.processes import ROOT, Processes
from local.walkthrough.console_browser import BROWSERS, ConsoleBrowser, find_browser
from shared.rules.identity import id_of_object

PEOPLE = 40
SALES = "5a1e5000-0000-4000-8000-000000000001"
COLOURS = 128
SIZE = ViewportSize(width=1120, height=760)
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
    "groups": f"{STORE}/groups/settings",
    "guard": f"{STORE}/guard",
    "schedule": f"{STORE}/schedule",
    "people": f"{STORE}/people?typed=ch",
    "plan": f"{STORE}/plan",
    "runs": f"{STORE}/runs",
    "proposals": f"{STORE}/proposals",
    "unmanaged": f"{STORE}/unmanaged",
    "matching": f"{STORE}/matching",
    "changes": f"{STORE}/changes",
    "asked-for": f"{STORE}/errands",
    "status": "/console/status",
    "add-directory": "/console/stores/new",
}
"""The pages by the name of their picture."""


def main() -> int:
    """Write the pictures; the exit status is 0 if all were written."""
    parser = argparse.ArgumentParser(prog="python -m tools.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    browser = find_browser()
    if browser is None:
        print(f"None of {', '.join(BROWSERS)} is installed: apt-get install chromium", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with _served() as parts, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        origin = parts["console"].removesuffix("/console")
        administrator = ConsoleBrowser(
            chromium.new_page(), origin, parts["graph"].removesuffix("/v1.0"), parts["store"]
        )
        _have_accounts(parts["zoho_one"], administrator)
        _bring_to_life(administrator)
        pages = PAGES | {
            "person": administrator.address_of("Chloé"),
            "group": f"{STORE}/groups/{id_of_object(SALES)}",
            "run": administrator.run_with("deactivate"),
            "on-demand": administrator.provisioned(make_people(PEOPLE)[1].id),
        }
        for scheme in ("light", "dark"):
            page = chromium.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            for name, path in pages.items():
                page.goto(origin + path)
                page.wait_for_load_state("networkidle")
                _save(page.screenshot(), folder / f"{name}-{scheme}.png")
            with _wrongly_set() as page_of_what_is_wrong:
                page.goto(page_of_what_is_wrong)
                _save(page.screenshot(), folder / f"wrong-setting-{scheme}.png")
        chromium.close()
    print(f"{2 * (len(pages) + 1)} pictures are in {folder}")
    return 0


def _save(picture: bytes, file: Path) -> None:
    """Save a picture with as few colours as a page needs: a quarter of its size."""
    colours = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    colours.save(file, optimize=True)


@contextmanager
def _served() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "local", "serve", "--people", str(PEOPLE)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # it is a pipe
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@contextmanager
def _wrongly_set() -> Iterator[str]:
    """Yield the console of an app in Azure with wrong settings."""
    settings = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "BRIDGE_ENCRYPTION_KEYS": "@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/keys)",
        "BRIDGE_SMTP_PORT": "often",
        "WEBSITE_SITE_NAME": "func-bridge-contoso",
    }
    with tempfile.TemporaryDirectory() as logs, Processes(Path(logs)) as processes:
        _, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=settings)
        yield f"{ready['url']}/console/"


def _have_accounts(zoho_one: str, browser: ConsoleBrowser) -> None:
    """Let Zoho One have accounts of two people who are new in Entra, under other names, and two of nobody."""
    newcomers = make_people(PEOPLE + 2)[PEOPLE:]
    accounts: list[dict[str, object]] = [
        {"userName": f"before.{number}@old.example", "displayName": person.display_name, "title": "By hand"}
        | {"emails": [{"type": "work", "value": person.mail}]}
        for number, person in enumerate(newcomers, 1)
    ]
    accounts += [
        {"userName": f"{name}@old.example", "displayName": shown}
        for name, shown in (("scanner", "Scanner, second floor"), ("reception", "Reception"))
    ]
    body = [account | {"active": True} for account in accounts]
    requests.post(f"{zoho_one}/_users", json=body, timeout=10).raise_for_status()
    browser.cycle()
    values = [person.model_dump(mode="json", by_alias=True) for person in newcomers]
    added = [{"do": "add", "values": each} for each in values]
    requests.post(f"{browser.entra}/_people", json=added, timeout=10).raise_for_status()
    browser.in_entra("assign", [person.id for person in newcomers])
    browser.cycle()


def _bring_to_life(browser: ConsoleBrowser) -> None:
    """Run some cycles, with and without changes; change a rule; have a plan held."""
    people = [person.id for person in make_people(PEOPLE)]
    browser.group_in_entra(SALES, "Sales", people[12:20])
    browser.cycle()
    browser.group_in_entra(SALES, "Sales", people[14:22])
    for few in (people[1:5], people[5:6], people[6:9]):
        browser.in_entra("disable", few)
        browser.cycle()
    browser.in_entra("enable", people[1:4])
    browser.cycle()
    browser.cycle()
    browser.page.goto(f"{browser.store_url}/mapping/fields/title")
    browser.page.get_by_role("radio", name="Expression").check()
    browser.page.get_by_role("textbox", name="Expression").fill('Coalesce([jobTitle], "Colleague")')
    browser.page.get_by_role("button", name="Ok", exact=True).click()
    browser.in_entra("unassign", people[10:34])
    browser.cycle()


if __name__ == "__main__":
    sys.exit(main())
