"""A real Chromium, and what a page must never do: log an error, or ask another origin for anything."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from local.processes import ROOT
from local.walkthrough.console_browser import BROWSERS, ConsoleBrowser, find_browser

AXE = (ROOT / "local/node_modules/axe-core/axe.min.js").read_text
PATIENCE = 20_000  # milliseconds for one step, on a busy machine


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, for a module: while it is there, an event loop runs that other tests would trip over."""
    found = find_browser()
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page that is watched."""

    page: Page
    origin: str
    elsewhere: set[str] = field(default_factory=set)
    """Origins that the page may lead to: Zoho's consent page."""
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses that the test brings about: the browser logs each as an error."""

    def go(self, path: str) -> None:
        """Open a page of the console."""
        self.page.goto(self.origin + path)

    def heading(self, text: str) -> None:
        """Wait until the page is the one with this heading."""
        self.page.get_by_role("heading", level=1, name=text).wait_for()

    def press(self, name: str) -> None:
        """Press a button, or follow a link that looks like one."""
        self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        ).first.click()

    def assert_accessible(self) -> None:
        """axe-core finds nothing serious."""
        self.page.evaluate(AXE())
        found: dict[str, Any] = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        bad = [
            f"{rule['id']}: {node['html']} {node['failureSummary']}"
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical", "moderate")
            for node in rule["nodes"]
        ]
        assert not bad, f"{self.page.url}\n" + "\n".join(bad)

    def assert_clean(self) -> None:
        """Nothing was logged, and nobody else was asked."""
        assert not self.errors, self.errors
        assert not self.foreign, self.foreign

    def _log(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or not message.location["url"].startswith(self.origin):
            return
        said = ("status of", "Response Status Error Code")  # Chromium's words, and htmx's
        if not any(f"{words} {status}" in message.text for words in said for status in self.expected):
            self.errors.append(message.text)

    def _ask(self, request: Request) -> None:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme in ("http", "https") and origin != self.origin and origin not in self.elsewhere:
            self.foreign.append(request.url)

    @classmethod
    def of(cls, context: BrowserContext, origin: str) -> "Watched":
        """A new page of a browser's window."""
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        watched = cls(page, origin)
        page.on("console", watched._log)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on("request", watched._ask)
        page.on("dialog", lambda dialog: dialog.accept())
        return watched


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens watched pages; at the end none of them may have done what a page must not."""
    contexts, pages = list[BrowserContext](), list[Watched]()

    def open_page(origin: str, **options: Any) -> Watched:
        contexts.append(chromium.new_context(**options))
        pages.append(Watched.of(contexts[-1], origin))
        return pages[-1]

    yield open_page
    for context in contexts:
        context.close()
    for page in pages:
        page.assert_clean()


@dataclass(frozen=True)
class Served:
    """What `python -m local serve` says."""

    parts: dict[str, str]

    @property
    def origin(self) -> str:
        """Of the console."""
        return self.parts["console"].removesuffix("/console")


def administrator(watched: Watched, served: Served) -> ConsoleBrowser:
    """At a watched page, with the store that is served."""
    entra = served.parts["graph"].removesuffix("/v1.0")
    return ConsoleBrowser(watched.page, served.origin, entra, served.parts["store"])


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The bridge as a user starts it, with twelve people."""
    command = [sys.executable, "-m", "local", "serve", "--no-timers", "--people", "12"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Served(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        process.wait(20)
