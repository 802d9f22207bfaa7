"""The dialects that Zoho One may speak, each with the settings that go with it.

The flow is played in each (tests/sync/test_dialects.py), and the probe has to propose these settings for each
(tests/zoho/test_probe.py).
"""

from dataclasses import dataclass, field
from typing import Any

from shared.rules.zoho_user import ZohoField


@dataclass(frozen=True)
class Mode:
    """One dialect."""

    name: str
    dialect: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    """Calls of the flow of pushes, where they are other than the standard's."""
    keeps: tuple[str, ...] = ("preferredLanguage", "title")
    """Attributes of a person that Zoho One holds after a push."""


STANDARD = {"POST": 6, "GET": 2, "PATCH": 10, "DELETE": 2}
NO_LANGUAGE = {"left_out": [ZohoField.PREFERRED_LANGUAGE, ZohoField.EXTERNAL_ID]}
LACKS = {"lacks": ["preferredLanguage", "externalId"]}
EVERYTHING = LACKS | {
    "base": "",
    "active": "only text",
    "lower_case": True,
    "refuses_unknown": True,
    "numeric_ids": True,
    "empty_answers": True,
    "page_size": 10,
    "first_index": 0,
    "filters": "none",
    "errors": "zoho",
    "throttles_every": 9,
    "retry_after": 0,
    "names": "lower case",
}
FOR_EVERYTHING = NO_LANGUAGE | {"scim_path": "", "active_as_text": True, "first_index": 0, "filters": "none"}
MODES = [
    Mode("the standard", {}),
    Mode("PUT", {"patch": False}, {"update_verb": "PUT"}, {"PUT": 10, "GET": 12, "PATCH": 0}),
    Mode("PATCH alone", {"put": False}),
    Mode(
        "groups without PATCH",
        {"group_patch": False},
        {"group_update_verb": "PUT"},
        {"PATCH": 4, "PUT": 6, "GET": 8},
    ),
    Mode("no /scim", {"base": ""}, {"scim_path": ""}),
    Mode("another path", {"base": "/api/scim/v2"}, {"scim_path": "/api/scim/v2"}),
    Mode("active shown as text", {"active": "text"}),
    Mode("active as text alone", {"active": "only text"}, {"active_as_text": True}),
    Mode("userName in lower case", {"lower_case": True}),
    Mode("unknown attributes dropped", LACKS, NO_LANGUAGE, keeps=("title",)),
    Mode("unknown attributes refused", LACKS | {"refuses_unknown": True}, NO_LANGUAGE, keeps=("title",)),
    Mode("numeric ids", {"numeric_ids": True}),
    Mode("answers without a body", {"empty_answers": True}, calls={"GET": 14}),
    Mode("pages of 10", {"page_size": 10}),
    Mode("pages from 0", {"first_index": 0}, {"first_index": 0}),
    Mode("no filter but userName", {"filters": "userName"}, {"filters": "users only"}),
    Mode("other filters ignored", {"filters": "userName", "ignores_filters": True}, {"filters": "users only"}),
    Mode("no filter", {"filters": "none"}, {"filters": "none"}),
    Mode("filters ignored", {"filters": "none", "ignores_filters": True}, {"filters": "none"}),
    Mode("errors in Zoho's style", {"errors": "zoho"}),
    Mode("429 with Retry-After", {"throttles_every": 5, "retry_after": 0}),
    Mode("429 without Retry-After", {"throttles_every": 13}),
    Mode("names in lower case", {"names": "lower case"}),
    Mode("few members in a call", {"members_taken": 2}, {"members_per_call": 2}, {"PATCH": 11}),
    Mode("few members shown", {"members_shown": 2}, {"members_shown": 2}),
    Mode(
        "all together, with PUT",
        EVERYTHING | {"patch": False},
        FOR_EVERYTHING | {"update_verb": "PUT"},
        keeps=("title",),
    ),
    Mode(
        "all together, with PATCH",
        EVERYTHING | {"put": False, "members_shown": 2, "members_taken": 2},
        FOR_EVERYTHING | {"members_shown": 2, "members_per_call": 2},
        keeps=("title",),
    ),
]
