"""Whether the app works: a page for administrators, and /health for monitors."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from threading import BoundedSemaphore

from flask import Blueprint, Response, jsonify, request

from shared.admin.readiness import GRAPH, ZOHO_ONE, Answer, Answers, is_ready
from shared.console.admin import NotAnAdmin, NotSignedIn, PagesClosed
from shared.console.context import View, browser, is_live, page, parts
from shared.console.standing import standing
from shared.entra.sign_in import EntraSilent, SignInRefused
from shared.rules.store import Store
from shared.tables.errors import TablesBusy

blueprint = Blueprint("status", __name__)

PATIENCE = 2.0
"""Seconds that /health waits for Zoho One and Graph: a monitor's own timeout is little longer."""
_WAITING = BoundedSemaphore(2)
"""Requests that may wait at the same time: anybody can send one, and each that waits holds one of the app's threads.
The others are told what is known.
"""
GLANCE = 0.15
"""Seconds that the page waits; what has not answered by then is filled in later."""


@blueprint.get("/console/status", endpoint="page")
def shown() -> View:
    """The status page; for htmx, the piece of it with the stores."""
    answers = parts().health.answers()
    working = all(reason is None for reason in answers.values())
    stores = parts().stores.table.all() if working else []
    said = parts().health.readiness.of((store for store in stores if store.has_cycles), GLANCE)
    values = {
        "standings": [standing(store) for store in stores],
        "said": said,
        "unknown": any(answer is None for of_store in said.values() for answer in of_store.values()),
        "services": (ZOHO_ONE, GRAPH),
    }
    if is_live():
        return page("console/status_stores.html", **values)
    return page("console/status.html", answers=answers, **values)


@blueprint.get("/health")
def health() -> Response:
    """Liveness, which calls nothing; with ``?ready``, readiness. Only administrators see what does not work.

    The app is ready if its own storage answers: a problem with one store's Zoho One or Graph is solved by an
    administrator in the console, which needs the app. With ``?ready=stores`` such a problem counts, too.
    """
    if "ready" not in request.args:
        return jsonify({"status": "alive"})
    answers = parts().health.answers()
    if any(answers.values()):
        return _told(HTTPStatus.SERVICE_UNAVAILABLE, "not ready", answers, [], {})
    stores = parts().stores.table.all()
    running = [store for store in stores if store.has_cycles]
    waits = _WAITING.acquire(blocking=False)
    try:
        said = parts().health.readiness.of(running, PATIENCE if waits else 0)
    finally:
        if waits:
            _WAITING.release()
    if is_ready(said) and not parts().runs.cycles.interrupted(running):
        return _told(HTTPStatus.OK, "ready", answers, stores, said)
    counts = request.args["ready"] == "stores"
    return _told(HTTPStatus.SERVICE_UNAVAILABLE if counts else HTTPStatus.OK, "impaired", answers, stores, said)


def _told(
    status: HTTPStatus, word: str, answers: Mapping[str, str | None], stores: Sequence[Store], said: Answers
) -> Response:
    told: dict[str, object] = {"status": word}
    if _is_admin():
        told["parts"] = {name: reason or "answers" for name, reason in answers.items()}
        told["stores"] = {
            stands.store.id: {"state": stands.state}
            | {name: _words(answer) for name, answer in said.get(stands.store.id, {}).items()}
            for stands in map(standing, stores)
        }
    response = jsonify(told)
    response.status_code = status
    return response


def _words(answer: Answer | None) -> str:
    return "not known yet" if answer is None else answer.reason or "answers"


def _is_admin() -> bool:
    try:
        parts().sign_in.who(browser())
    except (PagesClosed, NotSignedIn, NotAnAdmin, SignInRefused, EntraSilent, TablesBusy):
        return False
    return True
