"""What Zoho One was found to do: the probe's report beside Test Connection, the trial, and saving what it proposes."""

import base64
from collections.abc import Sequence
from typing import Annotated

from flask import Blueprint, request
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.admin.zoho_check import Step, ZohoReport
from shared.admin.zoho_trial import Trial, is_test_address
from shared.console.context import View, admin, faults, go_saved, is_live, notice_page, page, parts, texts, the_store
from shared.console.notices import Notice
from shared.model import HIDDEN, Model
from shared.rules.outside_address import AddressRefused
from shared.rules.store import Store
from shared.rules.zoho_probe import ProbeFacts, ProbeReport, differences, proposed

blueprint = Blueprint("probe", __name__, url_prefix="/console/stores/<store_id>/api-integration")

_NAMES = {
    "scim_path": "SCIM path",
    "update_verb": "Method for updates",
    "group_update_verb": "Method for groups",
    "filters": "Searches for",
    "first_index": "First number of a list",
    "active_as_text": "Status is sent as text",
    "left_out": "Fields left out",
    "page_size": "Accounts per page",
    "members_shown": "Members shown",
}
"""The settings that a probe may propose, as the form of the connection calls them."""
_PROPOSAL = TypeAdapter(dict[str, object], config=HIDDEN)


class TrialForm(Model):
    """Consent to a test account, given by typing its address."""

    model_config = ConfigDict(extra="ignore")

    address: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(default="", max_length=200)


@blueprint.post("/try")
def try_account(store_id: str) -> View:
    """Make, change, deactivate and delete a test account and a test group in Zoho One."""
    store = the_store(store_id)
    try:
        address = TrialForm.model_validate(texts(request.form)).address
    except ValidationError:
        address = ""  # longer than any address
    if not is_test_address(address):
        return _notice(422, "This is not a test address", "It has to begin with bridge-test, as in bridge-test@….")
    # Recorded before the calls, so that the record is true even if the process ends in between.
    parts().stores.settings.note(store_id, f"Zoho One was tried with the test account {address}", str(admin()))
    return shown(store, parts().stores.probe(store, Trial(address)))


@blueprint.post("/proposed")
def save_proposed(store_id: str) -> View:
    """Save the settings that a probe proposed."""
    the_store(store_id)
    form = texts(request.form)
    try:
        given = _PROPOSAL.validate_json(form.get("proposed", ""))
        settings = {name: value for name, value in given.items() if name in _NAMES}
        parts().stores.settings.save(
            store_id,
            Section.ZOHO,
            form.get("seen", ""),
            lambda now: {"zoho": now.zoho.changed(settings)},
            str(admin()),
        )
    except (ValidationError, AddressRefused) as error:
        return _notice(422, "The proposed settings cannot be saved", "; ".join(faults(error).values()))
    except SettingsChanged:
        return _notice(409, "The settings were changed meanwhile", "Test the connection again.")
    return go_saved("connection.api_integration", store_id=store_id)


def tested(store: Store, report: ZohoReport) -> View:
    """Show a test, with what Zoho One was found to do if it takes the token."""
    reaches = report.passed or report.steps[-1].step in (Step.SCOPE, Step.SCIM)
    return shown(store, parts().stores.probe(store) if reaches else None, report)


def shown(store: Store, probe: ProbeReport | None, report: ZohoReport | None = None) -> View:
    """Show a probe's report, as a piece of the page or as a page."""
    values: dict[str, object] = {"steps": report.steps if report else (), "passed": bool(report and report.passed)}
    if probe is not None:
        found = proposed(probe.facts, store.zoho)
        file = base64.b64encode(probe.model_dump_json(indent=2).encode()).decode()
        values |= {
            "probe": probe,
            "found": found_facts(probe.facts),
            "differences": differences(probe.facts),
            "proposals": [(_NAMES[name], _text(value)) for name, value in found.items()],
            "proposed": _PROPOSAL.dump_json(found).decode(),
            "seen_zoho": fingerprint(store, Section.ZOHO),
            "file": f"data:application/json;base64,{file}",
            "store": store,
        }
    return page("console/connection_steps.html" if is_live() else "console/connection_test.html", **values)


def found_facts(facts: ProbeFacts) -> list[tuple[str, str]]:
    """Return what was found, as rows; what was not found out is named too."""
    rows: Sequence[tuple[str, object]] = (
        ("Address", None if facts.scim_path is None else f"sync endpoint + {facts.scim_path or '/'}"),
        ("Accounts", facts.accounts),
        ("Groups", facts.groups),
        ("Accounts per page, at most", facts.page),
        ("First number of a list", facts.first_index),
        ("Finds users by userName", facts.finds_users),
        ("Finds groups by displayName", facts.finds_groups),
        ("Takes PATCH", facts.takes_patch if facts.takes_patch is not None else facts.patch_declared),
        ("Takes PATCH for groups", facts.takes_group_patch),
        ("Ids", {True: "numbers", False: "texts", None: None}[facts.numeric_ids]),
        ("Status is shown as", facts.active),
        ("Status is taken as", facts.active_sent_as),
        ("Attributes of accounts", ", ".join(facts.shown) or None),
        ("Attributes by its schema", ", ".join(facts.user_attributes) or None),
        ("Fields that it does not keep", None if facts.left_out is None else ", ".join(facts.left_out) or "none"),
        ("Errors", facts.errors and f"{facts.errors}, with status {facts.error_status}"),
        ("Retry-After", "no 429 was seen" if not facts.throttled else facts.retry_after),
        ("Deletes", facts.deletes),
    )
    return [(name, _text(value)) for name, value in rows]


def _text(value: object) -> str:
    if value is None:
        return "not found out"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _notice(status: int, title: str, cure: str) -> View:
    return notice_page(Notice(status, title, "Nothing was changed.", cure))
