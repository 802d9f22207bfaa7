"""What every page needs: the app's parts, the signed-in administrator, the store in the address."""

from typing import Any

from flask import current_app, g, make_response, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from shared.console.admin import Admin
from shared.console.notices import Notice
from shared.console.parts import ConsoleParts
from shared.console.sign_in import Browser
from shared.rules.outside_address import AddressRefused
from shared.rules.store import Store
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField

EXTENSION = "console"

type View = Response


class NoSuchStore(Exception):
    """The directory store in the address does not exist."""


class NoSuchThing(Exception):
    """Something else in the address does not exist; the message says what."""


class OwnersOnly(Exception):
    """An administrator tried to do what only an owner may do."""


def parts() -> ConsoleParts:
    """Everything that the pages call."""
    found: ConsoleParts = current_app.extensions[EXTENSION]
    return found


def owners_only() -> None:
    """Raise OwnersOnly unless an owner sent this request."""
    if not admin().is_owner:
        raise OwnersOnly


def admin() -> Admin:
    """The administrator who sent this request."""
    signed_in: Admin = g.admin
    return signed_in


def browser() -> Browser:
    """The browser that sent this request."""
    return Browser(request.cookies, origin(), request.host)


def the_store(store_id: str) -> Store:
    """The store in its current state. Raises NoSuchStore."""
    store = parts().stores.table.read(store_id)
    if store is None:
        raise NoSuchStore(store_id)
    g.store = store
    return store


def page(template: str, status: int = 200, /, **values: Any) -> Response:
    """Render a page from a template."""
    return make_response(render_template(template, **values), status)


def as_file(text: str, name: str) -> Response:
    """Answer with a file, CSV or JSON by the end of its name."""
    kind = "application/json" if name.endswith(".json") else "text/csv"
    return Response(text, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def notice_page(notice: Notice, *actions: tuple[str, str]) -> Response:
    """Render a page that says what went wrong. ``actions`` are buttons, each an address and a label. htmx gets a
    piece of a page.
    """
    template = "console/notice_piece.html" if is_live() else "console/notice.html"
    return make_response(render_template(template, notice=notice, actions=actions), notice.status)


def go(endpoint: str, **values: Any) -> Response:
    """Redirect to another page, which the browser loads by GET, so a reload repeats nothing. A set-up in progress
    continues unless ``setup`` is empty.
    """
    values.setdefault("setup", "1" if is_setting_up() else "")
    return redirect(url_for(endpoint, **{name: value for name, value in values.items() if value != ""}), 303)


def go_saved(endpoint: str, **values: Any) -> Response:
    """Redirect to another page, which says that the form was saved."""
    return go(endpoint, saved="1", **values)


def is_live() -> bool:
    """Whether htmx requests a piece of a page."""
    return request.headers.get("HX-Request") == "true"


def is_setting_up() -> bool:
    """Whether the page is a step of Add Directory."""
    return request.args.get("setup") == "1"


def texts(form: MultiDict[str, str]) -> dict[str, str]:
    """Fields of a form, without surrounding spaces."""
    return {name: value.strip() for name, value in form.items()}


def none_if_empty(value: object) -> object:
    """Read an optional field: an empty box has no value."""
    return None if value == "" else value


def field_label(field: ZohoField) -> str:
    """A field's name in Zoho One, as the store in the address defines it."""
    store: Store | None = g.get("store")
    known = store.zoho.known_fields if store else ZOHO_FIELDS
    return known.get(field, ZOHO_FIELDS[field]).label


def rule_words(rule: str) -> str:
    """A matching rule, with the name of its field in Zoho One in the place of ours."""
    field, equals, expression = rule.partition(" = ")
    return f"{field_label(ZohoField(field))}{equals}{expression}" if field in set(ZohoField) else rule


def faults(error: ValidationError | AddressRefused) -> dict[str, str]:
    """Errors of a form by the path of the field; errors of the whole form are under the empty name."""
    if isinstance(error, AddressRefused):
        return {error.field: str(error)}
    found = dict[str, str]()
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"])
        found.setdefault(where, detail["msg"].removeprefix("Value error, "))
    return found


def origin() -> str:
    """The app's address as the browser sees it."""
    return parts().site.public_url or request.host_url.rstrip("/")
