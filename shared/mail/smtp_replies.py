"""Whether a mail server's permanent refusal is about the recipient: only then is a mail given up.

Any other refusal is about the sender, a quota or a policy, and nothing is wrong with this mail: the mail waits, and an
administrator is informed. A refusal of unknown subject is treated the same way.
"""

import re
from enum import StrEnum

_ENHANCED = re.compile(r"\s*(5\.\d{1,3}\.\d{1,3})(?!\S)")


class Stage(StrEnum):
    """The command that was refused."""

    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    MAIL = "DATA"


RECIPIENT_CODES = frozenset(
    {
        "5.1.1",  # bad destination mailbox address
        "5.1.2",  # bad destination system address
        "5.1.3",  # bad destination mailbox address syntax
        "5.1.4",  # destination mailbox address ambiguous
        "5.1.6",  # destination mailbox has moved, no forwarding address
        "5.1.10",  # the recipient's domain takes no mail (RFC 7505); in Exchange Online, the recipient was not found
        "5.2.1",  # mailbox disabled, not accepting messages
        "5.2.2",  # mailbox full
    }
)
"""https://www.iana.org/assignments/smtp-enhanced-status-codes. Not included: 5.1.7, 5.1.8 and 5.1.90, about the
sender; 5.2.0, which Exchange Online uses for SendAsDenied; 5.7.x, which is policy.
"""

RECIPIENT_CODES_OF_RCPT = RECIPIENT_CODES | {
    "5.4.1",  # in Exchange Online: the domain has no such recipient
    "5.4.4",  # unable to route
    "5.4.310",  # in Exchange Online: the recipient's domain does not exist
    "5.6.7",  # the address is not ASCII, and the next server takes no other (RFC 6531)
}
"""Codes that are about the recipient in an answer to its address, and may mean something else elsewhere."""

PLAIN_CODES_OF_RCPT = frozenset({501, 550, 551, 552, 553})
"""Replies to a recipient's address without an enhanced code (RFC 5321 §4.2.2, §4.2.3)."""

_OF_SENDER = re.compile(r"\bsender\b", re.IGNORECASE)
"""By default, Postfix reports errors about the sender in its answer to the recipient's address."""
_OF_POLICY = re.compile(
    r"\b(relay\w*|denied|not (allowed|permitted)|policy|quota|rate|limit|spam|block\w*|authenti\w*|sender)\b",
    re.IGNORECASE,
)
"""Words by which a server without enhanced codes says that the error is about the client."""


def enhanced_code(text: str) -> str | None:
    """Return the permanent enhanced status code (RFC 3463) at the start of a reply's text."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def concerns_recipient(stage: Stage, code: int, text: str) -> bool:
    """Return whether a permanent reply says that this recipient cannot have the mail, from any sender."""
    enhanced = enhanced_code(text)
    match stage:
        case Stage.SENDER:
            return False
        case Stage.MAIL:
            return enhanced in RECIPIENT_CODES
        case Stage.RECIPIENT if enhanced is None:
            return code in PLAIN_CODES_OF_RCPT and _OF_POLICY.search(text) is None
        case Stage.RECIPIENT:
            return enhanced in RECIPIENT_CODES_OF_RCPT and _OF_SENDER.search(text) is None
