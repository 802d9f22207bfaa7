"""What a probe found out about Zoho One's SCIM API, and what follows: settings, and differences from the standard.

Zoho One's contract is documented nowhere, so it is asked. The report holds names of attributes, counts and statuses,
and no value of an account or group: it can be sent to support.
"""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict

from shared.model import Model
from shared.rules.store import Filters, UpdateVerb, ZohoConnection
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField

type Style = Literal["SCIM", "Zoho", "neither"]
"""The style of an error."""

CAP_LOOKS_LIKE = 10
"""A round number of members that several groups show, and none more, is taken for the most that is shown."""


class Asked(Model):
    """One call, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    status: int
    means: int
    """The status that the body says, if that is another one."""
    body: Literal["none", "JSON", "other"]
    milliseconds: int


class ProbeFacts(Model):
    """What is known; None: it could not be found out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scim_path: str | None = None
    patch_declared: bool | None = None
    """What ServiceProviderConfig says."""
    filter_declared: bool | None = None
    schemas: tuple[str, ...] = ()
    user_attributes: tuple[str, ...] = ()
    """Attributes of the User schema."""
    resource_types: tuple[str, ...] = ()
    accounts: int | None = None
    """Number of accounts."""
    page: int | None = None
    """Number of accounts on a page, if there are more than on the page."""
    first_index: Literal[0, 1] | None = None
    shown: tuple[str, ...] = ()
    """Attributes that accounts have."""
    other_letter_case: bool | None = None
    """Whether the names of attributes are spelled in another letter case than the standard's."""
    numeric_ids: bool | None = None
    active: Literal["boolean", "text"] | None = None
    finds_users: bool | None = None
    groups: int | None = None
    finds_groups: bool | None = None
    members_shown: int | None = None
    """The number of members that looks like the most that is shown."""
    errors: Style | None = None
    error_status: int | None = None
    """Status of the answer about an account that does not exist."""
    throttled: bool = False
    retry_after: bool | None = None
    """Whether a 429 had Retry-After."""
    tried: bool = False
    """Whether a test account was made."""
    takes_patch: bool | None = None
    takes_group_patch: bool | None = None
    active_sent_as: Literal["boolean", "text"] | None = None
    left_out: tuple[ZohoField, ...] | None = None
    """Fields of the test account that were refused, or not shown afterwards."""
    lower_case: bool | None = None
    empty_answers: bool | None = None
    deletes: bool | None = None


class ProbeReport(Model):
    """A probe's facts, and how they were found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    facts: ProbeFacts
    asked: tuple[Asked, ...]
    stopped: str | None = None
    """Why the probe ended early."""
    left_behind: bool = False
    """Whether the test account, or the test group, may still be there."""


def proposed(facts: ProbeFacts, zoho: ZohoConnection) -> dict[str, object]:
    """Return the settings that should be others than they are. What was not found out stays as it is."""
    # What Zoho One declares to take may be taken by nobody: only what it declares not to take counts.
    declared = False if facts.patch_declared is False else None
    verb = _verb(facts.takes_patch if facts.takes_patch is not None else declared)
    group_verb = _verb(facts.takes_group_patch)
    wanted: dict[str, object | None] = {
        "scim_path": facts.scim_path,
        "update_verb": verb,
        "group_update_verb": group_verb if group_verb is not (verb or zoho.update_verb) else None,
        "filters": _filters(facts),
        "first_index": facts.first_index,
        "active_as_text": facts.active_sent_as and facts.active_sent_as == "text",
        "left_out": _left_out(facts, zoho),
        "page_size": facts.page if facts.page and facts.page < zoho.page_size else None,
        "members_shown": facts.members_shown,
    }
    return {name: value for name, value in wanted.items() if value is not None and value != getattr(zoho, name)}


def differences(facts: ProbeFacts) -> tuple[str, ...]:
    """Return where Zoho One differs from the standard, each as a sentence."""
    by_success = facts.error_status == 200
    found: tuple[tuple[object, str], ...] = (
        (facts.accounts is not None and not facts.schemas, "/Schemas does not say which attributes it has."),
        (facts.takes_patch is False, "It takes no PATCH."),
        (facts.takes_patch and facts.takes_group_patch is False, "It takes no PATCH for groups."),
        (facts.finds_users is False, "It does not find a user by userName."),
        (facts.finds_groups is False, "It does not find a group by displayName."),
        (facts.first_index == 0, "Its lists are numbered from 0, not from 1."),
        (facts.page is not None, f"A page has {facts.page} accounts, whatever is asked for."),
        (facts.numeric_ids, "Its ids are numbers, not texts."),
        (facts.active == "text", "It shows active as text."),
        (facts.active_sent_as == "text", "It takes active as text only."),
        (facts.other_letter_case, "It spells the names of attributes in another letter case."),
        (facts.lower_case, "It keeps userName in lower case."),
        (facts.left_out, f"It does not keep {', '.join(facts.left_out or ())}."),
        (facts.errors == "Zoho", "Its errors are in Zoho's style."),
        (by_success, "Its errors come with a success."),
        (facts.errors == "neither", "Its errors are neither in SCIM's style nor in Zoho's."),
        (facts.empty_answers, "It answers a change with 200 and no content."),
        (facts.throttled and not facts.retry_after, "It asks to wait without Retry-After."),
        (facts.members_shown, f"It seems to show no more than {facts.members_shown} members of a group."),
    )
    return tuple(sentence for is_so, sentence in found if is_so)


def _verb(takes_patch: bool | None) -> UpdateVerb | None:
    if takes_patch is None:
        return None
    return UpdateVerb.PATCH if takes_patch else UpdateVerb.PUT


def _filters(facts: ProbeFacts) -> Filters | None:
    if facts.finds_users is None:
        return Filters.NONE if facts.filter_declared is False else None
    if not facts.finds_users:
        return Filters.NONE
    return {True: Filters.ALL, False: Filters.USERS, None: None}[facts.finds_groups]


def _left_out(facts: ProbeFacts, zoho: ZohoConnection) -> tuple[ZohoField, ...] | None:
    """Return the fields to leave out: as tried, else as the User schema says, where it is one."""
    if facts.left_out is not None:
        return tuple(sorted(facts.left_out, key=list(ZohoField).index)) if facts.left_out else None
    known = {name.lower() for name in facts.user_attributes}
    if "username" not in known:
        return None
    documented = [field for field, each in ZOHO_FIELDS.items() if not each.extension and not each.required]
    unknown = [
        field
        for field in documented
        if field is not ZohoField.EXTERNAL_ID and ZOHO_FIELDS[field].path.attribute.lower() not in known
    ]
    return tuple(dict.fromkeys((*zoho.left_out, *unknown))) if unknown else None
