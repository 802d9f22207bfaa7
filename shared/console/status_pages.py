"""Whether the app works: a page for admins, and /health for whoever watches it."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from shared.console.admin import NotAnAdmin, NotSignedIn, PagesClosed, signed_in_admin
from shared.console.context import View, page, parts
from shared.console.store_pages import standing

blueprint = Blueprint("status", __name__)


@blueprint.get("/console/status", endpoint="page")
def shown() -> View:
    answers = parts().answers()
    working = all(reason is None for reason in answers.values())
    standings = [standing(store) for store in parts().stores.all()] if working else []
    return page("console/status.html", answers=answers, standings=standings)


@blueprint.get("/health")
def health() -> Response:
    """Liveness, which asks nobody; with ``?ready``, readiness. What does not work is named to admins only."""
    if "ready" not in request.args:
        return jsonify({"status": "alive"})
    answers = parts().answers()
    ready = all(reason is None for reason in answers.values())
    told: dict[str, object] = {"status": "ready" if ready else "not ready"}
    if _is_admin():
        told["parts"] = {name: reason or "answers" for name, reason in answers.items()}
        if ready:
            told["stores"] = {stands.store.id: stands.state for stands in map(standing, parts().stores.all())}
    response = jsonify(told)
    response.status_code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return response


def _is_admin() -> bool:
    try:
        signed_in_admin(parts().platform, {name.lower(): value for name, value in request.headers.items()})
    except (PagesClosed, NotSignedIn, NotAnAdmin):
        return False
    return True
