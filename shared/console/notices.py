"""Texts of the pages that say what went wrong: what happened, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.connection.errors import Refusal


@dataclass(frozen=True)
class Notice:
    """Text of one page, and its status."""

    status: int
    title: str
    happened: str
    cure: str


UNCHANGED = "Nothing was changed."

REFUSALS: Mapping[Refusal, Notice] = {
    Refusal.STATE: Notice(
        400,
        "This answer does not match an open request",
        "The bridge did not request this consent, or it was already answered, or it is older than ten minutes. "
        + UNCHANGED,
        "Connect the directory store again, and answer Zoho within ten minutes.",
    ),
    Refusal.FOREIGN: Notice(
        403,
        "This consent was requested by another browser or another admin",
        "The answer came to a browser or to a user that did not request it. " + UNCHANGED,
        "If it was you, connect the directory store again in this browser, with cookies allowed. If you only "
        "followed a link, someone may have tried to connect their own Zoho account here: do nothing.",
    ),
    Refusal.DENIED: Notice(
        400,
        "Zoho was not given consent",
        "The request was rejected at Zoho, so there are no tokens. " + UNCHANGED,
        "Connect the directory store again and press Accept. You need to be Organization Owner or Organization Admin "
        "in Zoho One.",
    ),
    Refusal.NO_STORE: Notice(
        404,
        "There is no such directory store",
        "The directory store does not exist, or was deleted in the meantime. " + UNCHANGED,
        "Choose a directory store from the list, and connect it.",
    ),
    Refusal.NO_CLIENT_SECRET: Notice(
        409,
        "The directory store has no client secret",
        "The client secret was not entered yet, or was encrypted with a key that is no longer in "
        "BRIDGE_ENCRYPTION_KEYS. " + UNCHANGED,
        "Copy the client id and the client secret from Zoho's API console into the directory store, then connect it.",
    ),
    Refusal.UNKNOWN_SERVER: Notice(
        400,
        "The answer names a server that is not one of Zoho's",
        "The code would have to be exchanged at an accounts server that is not on the list of Zoho's data centers. "
        "Nothing was sent there, and nothing was changed.",
        "Connect the directory store again from here. If it happens again, tell the administrators of the bridge: "
        "either Zoho has a new data center, or the answer was tampered with.",
    ),
    Refusal.THROTTLED: Notice(
        503,
        "Zoho limits the rate of requests",
        "Too many tokens were requested in the last minutes. The consent itself is valid, but its code expires after "
        "one minute. " + UNCHANGED,
        "Wait ten minutes, then connect the directory store again.",
    ),
    Refusal.BUSY: Notice(
        503,
        "Zoho did not answer correctly",
        "Zoho's accounts server could not be reached, or had an internal error. " + UNCHANGED,
        "Connect the directory store again in a few minutes.",
    ),
    Refusal.CODE: Notice(
        400,
        "Zoho does not accept the code",
        "It was already used, is older than a minute, or belongs to another data center. " + UNCHANGED,
        "Connect the directory store again, and do not reload the page that Zoho sends you back to.",
    ),
    Refusal.CLIENT: Notice(
        409,
        "Zoho does not accept the client",
        "The client id, the client secret or the redirect URI is not what Zoho's API console has for the account's "
        "data center. " + UNCHANGED,
        "In Zoho's API console, open the client: its id and secret must be those of the directory store, this page's "
        "address up to the question mark must be one of its redirect URIs, and under Settings, Multi-DC must include "
        "the data center of the organization, with the same credentials.",
    ),
    Refusal.SAME_ORGANISATION: Notice(
        409,
        "Another directory store is connected to this Zoho One organization",
        "Its sync endpoint is the same. Two directory stores on one organization undo each other's changes: each "
        "treats the other's people as unmanaged and reverts the other's changes. " + UNCHANGED,
        "Use one directory store for each organization. If the two provision different people and you are sure, open "
        "this store's API Integration, Connection settings, allow that another directory store reaches the same "
        "organization, and connect it again.",
    ),
    Refusal.NOT_OFFLINE: Notice(
        400,
        "Zoho gave no refresh token",
        "Without it, the connection would end within the hour. " + UNCHANGED,
        "Connect the directory store again from here, and accept offline access when Zoho asks for it.",
    ),
}

NOT_SIGNED_IN = Notice(
    401,
    "Sign in first",
    "This page is for admins who are signed in with Microsoft. " + UNCHANGED,
    "Sign in, then open the page again.",
)
OWNERS_ONLY = Notice(
    403,
    "Only an owner may do this",
    "You are an Organization.Admin. The role Organization.Owner is required to delete a directory store, to change who "
    "is mailed one-time passwords and what the mails say, to send somebody a new one, and to see and end other admins' "
    "sessions. " + UNCHANGED,
    "Ask an owner.",
)
NO_STORE = Notice(
    404,
    "There is no such directory store",
    "The directory store does not exist, or was deleted in the meantime.",
    "See the list of directory stores.",
)
NO_PAGE = Notice(404, "There is no such page", "The address does not exist.", "See the list of directory stores.")
FORM_TOO_OLD = Notice(
    403,
    "This page was open for too long",
    "The form is older than your session, or does not come from the bridge, so it was not accepted. " + UNCHANGED,
    "Go back, load the page again, and send the form again.",
)
TABLES_BUSY = Notice(
    503,
    "The bridge's storage does not answer",
    "Azure Storage could not be reached, so this was not done, or only in part.",
    "Try again in a minute.",
)

PLAN_MOVED = Notice(
    409,
    "The plan has changed since it was shown",
    "Another plan was observed meanwhile. Provisioning was not started.",
    "Look at the plan of now, then start.",
)

DEFECT = Notice(
    500,
    "Something went wrong",
    "This is a defect of the bridge. The app's log says where it happened.",
    "Try again. If it happens again, tell the administrators of the bridge.",
)


def closed(reason: str) -> Notice:
    """The pages are closed."""
    return Notice(503, "The pages are closed", reason + ".", "Provisioning continues.")
