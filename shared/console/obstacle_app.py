"""The answers to a browser, or to a monitor of /health, while the app cannot work.

Everyone may see them: nobody can sign in to an app without settings, and they contain only names of settings.
"""

from functools import lru_cache

from flask import Flask, Response, jsonify, make_response, render_template, request

from shared.console.bare_app import STRICT_POLICY, bare_app
from shared.obstacle import Kind, Obstacle


@lru_cache(maxsize=1)
def obstacle_app(obstacle: Obstacle) -> Flask:
    """Build the application that answers every address with the obstacle. It needs no settings and no storage."""
    app = bare_app()

    @app.before_request
    def answer() -> Response | None:
        if request.endpoint == "static":
            return None
        return _health(obstacle) if request.path == "/health" else _page(obstacle)

    return app


def _page(obstacle: Obstacle) -> Response:
    """The page with every problem and what to do."""
    response = make_response(render_template("console/obstacle.html", obstacle=obstacle), 503)
    response.headers["Content-Security-Policy"] = STRICT_POLICY
    return _with_retry(response, obstacle)


def _health(obstacle: Obstacle) -> Response:
    """JSON, or the page if a browser asks.

    While only the storage does not answer, the process is alive, which is all that /health without ``?ready`` says.
    """
    if obstacle.kind is Kind.STORAGE and "ready" not in request.args:
        return jsonify({"status": "alive"})
    if "text/html" in request.headers.get("Accept", ""):
        return _page(obstacle)
    said = {
        "status": "settings wrong" if obstacle.settings else "not ready",
        "title": obstacle.title,
        "problems": obstacle.problems,
        "cure": obstacle.cure,
    }
    response = jsonify(said)
    response.status_code = 503
    return _with_retry(response, obstacle)


def _with_retry(response: Response, obstacle: Obstacle) -> Response:
    response.headers["Retry-After"] = str(obstacle.retry_after)
    return response
