"""A page of settings: shown, sent, and shown again with the reason if it was not saved."""

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
"""The new settings, from what was typed and the current store. Raises pydantic.ValidationError and NotConfirmed."""


@dataclass(frozen=True)
class Submission:
    """Result of a form."""

    store: Store
    """The store in its current state."""
    section: Section
    typed: dict[str, str] = field(default_factory=dict)
    """What was typed, to be shown again. Empty if nothing was sent, or if another administrator's change is shown
    instead.
    """
    faults: dict[str, str] = field(default_factory=dict)
    conflict: bool = False
    saved: bool = False

    @property
    def status(self) -> int:
        """Status of the page that shows the result."""
        if self.conflict:
            return HTTPStatus.CONFLICT
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.faults else HTTPStatus.OK

    @property
    def values(self) -> dict[str, object]:
        """Values that each page of settings needs."""
        seen = fingerprint(self.store, self.section)
        return {"store": self.store, "faults": self.faults, "conflict": self.conflict, "seen": seen}


class Misplaced(ValueError):
    """What was typed is well formed, and does not suit the store."""

    def __init__(self, box: str, reason: str) -> None:
        super().__init__(reason)
        self.box = box


def sent_form(store: Store, section: Section, given: Given) -> Submission:
    """Save the form, if one was sent and nobody else has changed the same settings since they were shown."""
    if request.method != "POST":
        return Submission(store, section)
    form = texts(request.form)
    try:
        parts().stores.settings.save(
            store.id, section, form.get("seen", ""), lambda now: given(form, now), str(admin())
        )
    except ValidationError as error:
        return Submission(store, section, form, faults(error))
    except Misplaced as wrong:
        return Submission(store, section, form, {wrong.box: str(wrong)})
    except NotConfirmed as missing:
        return Submission(store, section, form, {"typed": str(missing)})
    except SettingsChanged:
        now = parts().stores.table.read(store.id)
        return Submission(now or store, section, conflict=True)
    return Submission(store, section, saved=True)
