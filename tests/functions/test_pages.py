"""How functions answer with pages, also while the console cannot be started."""

import re
from pathlib import Path

import azure.functions as func
import pytest
from flask import Flask

from functions.pages import page_of
from shared.console.bare_app import STRICT_POLICY
from shared.console.obstacle_app import obstacle_app
from shared.obstacle import Obstacle, of_defect, of_storage

STORAGE = of_storage("Table Storage <did> not answer")


class _Context(func.Context):
    """The library asks for nothing of it."""

    function_directory = function_name = invocation_id = thread_local_storage = trace_context = retry_context = None  # type: ignore[assignment]  # properties of the base


def _asked(app: Flask, url: str, **headers: str) -> func.HttpResponse:
    request = func.HttpRequest("GET", url, headers=headers, body=b"")
    return page_of(app, request, _Context())


@pytest.mark.parametrize("path", ["oauth/start", "console/"])
def test_an_address_that_cannot_be_read_is_answered_400(path: str) -> None:
    answer = _asked(obstacle_app(STORAGE), f"https://[::1/{path}")
    assert answer.status_code == 400
    assert b"malformed" in answer.get_body()


def test_every_page_says_what_stands_in_the_way_under_the_strict_policy() -> None:
    for path in ("console/", "oauth/callback?code=c", "console/stores/contoso"):
        answer = _asked(obstacle_app(STORAGE), f"https://bridge.example/{path}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert answer.headers["Content-Security-Policy"] == STRICT_POLICY
        body = answer.get_body().decode()
        assert "Table Storage &lt;did&gt; not answer" in body
        assert not re.search("<script|<form|style=", body)


def test_its_style_is_served_though_the_console_is_not() -> None:
    app = obstacle_app(STORAGE)
    style = re.search(r'href="([^"]+[.]css)"', _asked(app, "https://bridge.example/console/").get_body().decode())
    assert style
    with app.test_client().get(style[1]) as answer:  # the library leaves a file open
        assert answer.status_code == 200
        assert answer.data == Path("shared/console/static/console.css").read_bytes()


@pytest.mark.parametrize(
    ("obstacle", "path", "accept", "status", "said"),
    [
        (STORAGE, "health", "", 200, '"status":"alive"'),
        (STORAGE, "health?ready", "", 503, '"status":"not ready"'),
        (STORAGE, "health?ready", "text/html", 503, "<h1>"),
        (of_defect("KeyError"), "health", "", 503, '"status":"not ready"'),
    ],
)
def test_health_says_so_to_a_watcher_and_to_a_browser(
    obstacle: Obstacle, path: str, accept: str, status: int, said: str
) -> None:
    answer = _asked(obstacle_app(obstacle), f"https://bridge.example/{path}", Accept=accept)
    assert answer.status_code == status
    assert said in answer.get_body().decode().replace(" ", "").replace("notready", "not ready")
