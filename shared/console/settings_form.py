"""A page of settings: shown, sent, and shown again where it was not saved, with the reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import request
from pydantic import ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.console.context import admin, faults, parts, texts
from shared.rules.status import NotConfirmed
from shared.rules.store import Store

type Given = Callable[[dict[str, str], Store], Mapping[str, object]]
"""The new settings, from what was typed and the store as it is. Raises pydantic.ValidationError and NotConfirmed."""


@dataclass(frozen=True)
class Sent:
    """What became of a form."""

    store: Store
    """As it is now."""
    section: Section
    typed: dict[str, str] = field(default_factory=dict)
    """To be shown again; nothing where nothing was sent, or where somebody else's change is shown instead."""
    faults: dict[str, str] = field(default_factory=dict)
    conflict: bool = False
    saved: bool = False

    @property
    def status(self) -> int:
        """Of the page that shows it."""
        if self.conflict:
            return HTTPStatus.CONFLICT
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.faults else HTTPStatus.OK

    @property
    def values(self) -> dict[str, object]:
        """What each page of settings needs."""
        seen = fingerprint(self.store, self.section)
        return {"store": self.store, "faults": self.faults, "conflict": self.conflict, "seen": seen}


def sent_form(store: Store, section: Section, given: Given) -> Sent:
    """Save what was sent, if anything was, and if nobody else has changed the same settings since they were shown."""
    if request.method != "POST":
        return Sent(store, section)
    form = texts(request.form)
    try:
        parts().settings.save(store.id, section, form.get("seen", ""), lambda now: given(form, now), str(admin()))
    except ValidationError as error:
        return Sent(store, section, form, faults(error))
    except NotConfirmed as missing:
        return Sent(store, section, form, {"typed": str(missing)})
    except SettingsChanged:
        now = parts().stores.read(store.id)
        return Sent(now or store, section, conflict=True)
    return Sent(store, section, saved=True)
