"""What a browser, or a watcher of /health, gets while the app cannot do its work.

Anybody may see it: nobody can sign in to an app without settings, and it holds names of settings alone.
"""

import json
import re

from shared.console.page import Page, page
from shared.obstacle import Kind, Obstacle


def obstacle_page(obstacle: Obstacle) -> Page:
    """A page with all that is wrong."""
    shown = page(503, "obstacle.html", obstacle=obstacle)
    return Page(shown.status, shown.html, {**shown.headers, **_retry(obstacle)})


def obstacle_health(obstacle: Obstacle, url: str, accept: str) -> Page:
    """What /health says: as JSON, or as the page where a browser asks.

    While only the storage is away, the process is alive, which is all that /health without ``?ready`` is about.
    ``url``: of the request, as Azure leaves parameters without a value out of its query. ``accept``: the header.
    """
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if obstacle.kind is Kind.STORAGE and not re.search(r"[?&]ready\b", url):
        return Page(200, json.dumps({"status": "alive"}), headers)
    if "text/html" in accept:
        return obstacle_page(obstacle)
    told = {
        "status": "settings wrong" if obstacle.settings else "not ready",
        "title": obstacle.title,
        "problems": obstacle.problems,
        "cure": obstacle.cure,
    }
    return Page(503, json.dumps(told), headers | _retry(obstacle))


def _retry(obstacle: Obstacle) -> dict[str, str]:
    return {"Retry-After": str(obstacle.retry_after)}
