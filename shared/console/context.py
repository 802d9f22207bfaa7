"""What every page has at hand: the app's parts, who is signed in, the store that the address names."""

from typing import Any

from flask import current_app, g, make_response, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from shared.console.admin import Admin
from shared.console.notices import Notice
from shared.console.parts import ConsoleParts
from shared.console.sign_in import Browser
from shared.rules.store import Store

EXTENSION = "console"

type View = str | Response | tuple[str, int]


class NoSuchStore(Exception):
    """The address names a directory store that is not there."""


class NoSuchThing(Exception):
    """The address names something else that is not there; the message says what."""


class OwnersOnly(Exception):
    """An admin asked for what only an owner may do."""


def parts() -> ConsoleParts:
    """What the pages call."""
    found: ConsoleParts = current_app.extensions[EXTENSION]
    return found


def admin() -> Admin:
    """Whose request this is."""
    signed_in: Admin = g.admin
    return signed_in


def browser() -> Browser:
    """Where the request comes from."""
    return Browser(request.cookies, origin())


def the_store(store_id: str) -> Store:
    """The store, as it is now. Raises NoSuchStore."""
    store = parts().stores.read(store_id)
    if store is None:
        raise NoSuchStore(store_id)
    g.store = store
    return store


def page(template: str, status: int = 200, /, **values: Any) -> tuple[str, int]:
    """A page from a template."""
    return render_template(template, **values), status


def notice_page(notice: Notice, *actions: tuple[str, str]) -> Response:
    """A page that says what stood in the way, with buttons: addresses and their words. In a piece of a page it is a
    piece."""
    template = "console/notice_piece.html" if is_live() else "console/notice.html"
    return make_response(render_template(template, notice=notice, actions=actions), notice.status)


def go(endpoint: str, **values: Any) -> Response:
    """To another page, which is then loaded by GET: a reload does nothing twice. A set-up that is under way goes on,
    unless ``setup`` is empty."""
    values.setdefault("setup", "1" if is_setting_up() else "")
    return redirect(url_for(endpoint, **{name: value for name, value in values.items() if value != ""}), 303)


def is_live() -> bool:
    """Whether htmx asks for a piece of a page."""
    return request.headers.get("HX-Request") == "true"


def is_setting_up() -> bool:
    """Whether the page is a step of adding a directory."""
    return request.args.get("setup") == "1"


def texts(form: MultiDict[str, str]) -> dict[str, str]:
    """A form's fields, without spaces around them."""
    return {name: value.strip() for name, value in form.items()}


def faults(error: ValidationError) -> dict[str, str]:
    """What is wrong with a form by the path of the field; under no name, what is wrong with the whole."""
    found = dict[str, str]()
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"])
        found.setdefault(where, detail["msg"].removeprefix("Value error, "))
    return found


def origin() -> str:
    """The app's address as the browser has it."""
    return parts().public_url or request.host_url.rstrip("/")
