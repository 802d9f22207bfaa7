"""The durations of the console's pages, opened one after the other as by an administrator."""

import statistics
import time
from collections.abc import Sequence

import requests

from local.bench.azurite_modes import Mode
from local.bench.figures import PageTime
from local.bench.seeding import Seeded
from local.parts import STORE

TIMES = 5
"""Number of repetitions per page after one warm-up; the median counts."""
PATIENCE = 60  # seconds
STORE_PAGES = (
    *("", "/people", "/people?typed=ad", "/people/{person}", "/plan", "/runs", "/mapping", "/mapping/fields/title"),
    *("/mapping/versions", "/api-integration", "/settings", "/settings/templates/user/en", "/status-sync"),
    *("/criteria", "/guard", "/schedule", "/groups", "/groups/settings", "/review", "/changes", "/errands"),
)
PAGES = ("/console/", "/console/status", *(f"/console/stores/{STORE}{page}" for page in STORE_PAGES))


def page_times(host: str, seeded: Sequence[Seeded], azurite: Mode) -> list[PageTime]:
    """Return the median of each page in milliseconds. Raises RuntimeError if an answer is not the expected one."""
    with requests.Session() as session:
        return [_page_time(session, host, page, seeded, azurite) for page in PAGES]


def _page_time(session: requests.Session, host: str, page: str, seeded: Sequence[Seeded], azurite: Mode) -> PageTime:
    url, taken = host + page.format(person=seeded[0].id), list[float]()
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        answer = session.get(url, timeout=PATIENCE)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != requests.codes.ok:
            raise RuntimeError(f"{page} was answered {answer.status_code}")
    return PageTime(page, len(seeded), azurite, statistics.median(taken[1:]))
