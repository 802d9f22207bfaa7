"""Whether a mail server's permanent refusal is about the recipient: only then is a mail given up.

Any other is about the sender, a quota or a policy, for which nothing is wrong with this mail: the mail waits, and an
administrator is told. What is not known to be about the recipient is taken for such a one.
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
"""https://www.iana.org/assignments/smtp-enhanced-status-codes. Not 5.1.7, 5.1.8 and 5.1.90, of the sender; not 5.2.0,
under which Exchange Online tells SendAsDenied; nothing of 5.7, which is policy."""

RECIPIENT_CODES_OF_RCPT = RECIPIENT_CODES | {
    "5.4.1",  # in Exchange Online: the domain has no such recipient
    "5.4.4",  # unable to route
    "5.4.310",  # in Exchange Online: the recipient's domain does not exist
    "5.6.7",  # the address is not ASCII, and the next server takes no other (RFC 6531)
}
"""Codes that mean the recipient where they answer its address, and may mean something else elsewhere."""

PLAIN_CODES_OF_RCPT = frozenset({501, 550, 551, 552, 553})
"""Replies to a recipient's address that say no enhanced code (RFC 5321 §4.2.2, §4.2.3)."""

_OF_SENDER = re.compile(r"\bsender\b", re.IGNORECASE)
"""Postfix answers the recipient's address with what it has against the sender's, unless it is told otherwise."""
_OF_POLICY = re.compile(
    r"\b(relay\w*|denied|not (allowed|permitted)|policy|quota|rate|limit|spam|block\w*|authenti\w*|sender)\b",
    re.IGNORECASE,
)
"""Words by which a server that sends no enhanced code says that it means us."""


def enhanced_code(text: str) -> str | None:
    """The permanent enhanced status code (RFC 3463) that a reply's text begins with."""
    found = _ENHANCED.match(text)
    return found[1] if found else None


def concerns_recipient(stage: Stage, code: int, text: str) -> bool:
    """Whether a permanent reply says that this recipient cannot have the mail, whoever sends it."""
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
