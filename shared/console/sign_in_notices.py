"""Texts of the pages on which a sign-in failed: Entra's refusals in plain words, with what to do.

Entra shows some of them on its own page, and sends the browser back with the others. Which it does has changed over the
years, so all of them are here. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from collections.abc import Mapping

from shared.console.notices import Notice
from shared.console.sign_in import LATE, NO_COOKIE
from shared.entra.sign_in import BAD_TOKEN, NO_IDENTITY, NOT_OURS, SignInRefused

AGAIN = "Sign in again."

NO_ROLE = Notice(
    403,
    "You are not an admin of the bridge",
    "You are signed in, but have neither of the roles Organization.Owner, which may do everything, and "
    "Organization.Admin, which may do everything except delete a directory store and end other admins' sessions.",
    "Ask an administrator of applications in Entra to assign one: in the Entra admin center, Enterprise "
    "applications, the bridge's application, Users and groups, Add user/group. Then sign in again.",
)
NOT_ASSIGNED = Notice(
    403,
    "You are not assigned to the bridge",
    "Entra admits only users who are assigned to the bridge's application, with one of the roles Organization.Owner "
    "and Organization.Admin.",
    NO_ROLE.cure,
)
ENTRA_SILENT = Notice(
    503,
    "Entra cannot be reached",
    "Microsoft Entra did not answer, so nobody can sign in and no role can be checked. Nothing was changed, "
    "and provisioning continues.",
    "Try again in a few minutes; https://azure.status.microsoft shows known outages.",
)
SESSION_ENDED = Notice(
    401,
    "Your session has ended",
    "Your session ended before this form arrived, so nothing was done. The form is kept for an hour.",
    "Sign in: the form is then shown again, and nothing is done until you send it again.",
)
NOT_KEPT = Notice(
    401,
    "Your session has ended",
    "Your session ended before this form arrived, so nothing was done. The form is too long to be kept.",
    "Sign in in another tab, then go back in this one: your browser still has what you typed.",
)
PIECE_ENDED = Notice(
    401,
    "Your session has ended",
    "Nothing typed on this page is lost as long as it stays open.",
    "Sign in in a new tab, then continue here: what you send is shown again before it is done.",
)
SIGNED_OUT = Notice(
    200,
    "You are signed out",
    "Your session here has ended, in every tab. You are still signed in at Microsoft: on a shared computer, "
    "sign out there, too.",
    "",
)
OUT_OF_REACH_HERE = "The administrators of the bridge must correct it; provisioning continues. "

_REFUSALS: Mapping[str, Notice] = {
    NO_COOKIE: Notice(
        400,
        "This browser did not begin the sign-in",
        "It has no cookie of the sign-in: cookies are disabled, the sign-in began in another browser, or it began more "
        "than ten minutes ago.",
        "Allow cookies for this address, then sign in again.",
    ),
    LATE: Notice(
        400,
        "This sign-in is over",
        "It was already answered, as after the back button, or began more than ten minutes ago.",
        AGAIN,
    ),
    NOT_OURS: Notice(
        400,
        "This answer does not belong to your sign-in",
        "Another user's or another tab's answer may have replaced it; nobody was signed in.",
        AGAIN,
    ),
    BAD_TOKEN: Notice(
        403,
        "This account cannot sign in here",
        "Its token was not issued for this app and this tenant, as with personal accounts and accounts of other "
        "organizations, or the clocks differ.",
        "Sign in with your account of the organization that the bridge belongs to.",
    ),
    "access_denied": Notice(
        403,
        "The sign-in was cancelled",
        "Cancel was pressed at Microsoft, or the requested permissions were declined.",
        "Sign in again, and accept: the bridge reads only your name and your roles.",
    ),
    "AADSTS50105": NOT_ASSIGNED,
    "AADSTS65001": Notice(
        403,
        "The organization has not consented to the bridge",
        "Because its application admits assigned users only, only an administrator can consent.",
        "A Cloud Application Administrator opens the bridge's enterprise application in Entra, "
        "Permissions, and presses Grant admin consent; infra/scripts/sign-in-app.sh does it, too.",
    ),
    "AADSTS50011": Notice(
        500,
        "Entra does not know this address of the bridge",
        "The redirect URI is not registered in the app registration. " + OUT_OF_REACH_HERE,
        "In the app registration, Authentication, add this page's address up to the question mark as a redirect URI of "
        "the kind Web; behind a proxy, set BRIDGE_PUBLIC_URL.",
    ),
    "AADSTS70021": Notice(
        500,
        "Entra does not accept the bridge's credential",
        "The federated credential of the app registration does not match the managed identity: its issuer, subject or "
        "audience differs. " + OUT_OF_REACH_HERE,
        "In the app registration, Certificates & secrets, Federated credentials, the subject must be the object "
        "(principal) ID of the identity in BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID; infra/scripts/sign-in-app.sh sets it.",
    ),
    "AADSTS7000215": Notice(
        500,
        "Entra does not accept the bridge's credential",
        "Its client secret or certificate is wrong, has expired or is not registered. " + OUT_OF_REACH_HERE,
        "In the app registration, Certificates & secrets, add a new one, and put it into BRIDGE_SIGN_IN_CLIENT_SECRET "
        "or BRIDGE_SIGN_IN_CERTIFICATE.",
    ),
    "AADSTS700016": Notice(
        500,
        "Entra does not know the bridge",
        "The tenant has no app with the id in BRIDGE_SIGN_IN_CLIENT_ID. " + OUT_OF_REACH_HERE,
        "Check that setting and BRIDGE_SIGN_IN_TENANT_ID; infra/scripts/sign-in-app.sh creates the app.",
    ),
    "AADSTS53003": Notice(
        403,
        "A conditional access policy blocks this sign-in",
        "Your organization requires another device, network or second factor.",
        "Sign in from where the policy allows it. In Entra's sign-in log, the entry's tab Conditional Access names "
        "the policy.",
    ),
    "AADSTS50057": Notice(
        403,
        "The account is blocked",
        "It is disabled in Entra.",
        "Sign in with another account, or ask an administrator of Entra to enable it.",
    ),
    "AADSTS50020": Notice(
        403,
        "This account is not one of the organization's",
        "It belongs to another tenant, or is a personal account, and was not invited as a guest.",
        "Sign in with your account of the organization that the bridge belongs to.",
    ),
    NO_IDENTITY: Notice(
        500,
        "The bridge's managed identity does not answer",
        "The app has no identity with the client id in BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID. " + OUT_OF_REACH_HERE,
        "On the function app's page Identity, User assigned, add it, or correct the setting.",
    ),
}
_SAME_AS: Mapping[str, str] = {
    "consent_required": "AADSTS65001",
    "AADSTS90094": "AADSTS65001",
    "AADSTS90095": "AADSTS65001",
    "AADSTS65004": "access_denied",
    "AADSTS700213": "AADSTS70021",
    "AADSTS700211": "AADSTS70021",
    "AADSTS700212": "AADSTS70021",
    "AADSTS7000222": "AADSTS7000215",
    "AADSTS700027": "AADSTS7000215",
    "AADSTS90002": "AADSTS700016",
    "AADSTS53000": "AADSTS53003",
    "AADSTS53001": "AADSTS53003",
    "AADSTS50076": "AADSTS53003",
    "AADSTS50158": "AADSTS53003",
    "AADSTS54005": LATE,
    "AADSTS70008": LATE,
    "AADSTS501481": NOT_OURS,
}
"""Further codes with the same cause as one of those."""


_CODE = re.compile(r"AADSTS(\d{2,9})")


def refused(refusal: SignInRefused) -> Notice:
    """The text for a refusal; for an unknown one, its code and where to look it up."""
    code = _SAME_AS.get(refusal.code, refusal.code)
    if code in _REFUSALS:
        return _REFUSALS[code]
    number = _CODE.fullmatch(code)  # a browser may send anything: nothing else of it is shown
    where = (
        f" If it happens again, look it up at https://login.microsoftonline.com/error?code={number[1]}"
        if number
        else ""
    )
    name = number[0] if number else "an error"
    return Notice(403, "Entra did not sign you in", f"It answered with {name}. Nothing was changed.", AGAIN + where)
