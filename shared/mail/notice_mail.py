"""A mail to a store's administrators about what one of them did with one-time passwords. It holds no password."""

import logging
from collections.abc import Sequence
from html import escape

from shared.mail.message import one_line, without_content
from shared.mail.password_mail import NoPostbox, PasswordMails
from shared.mail.transport import MailError
from shared.rules.store import Store

_log = logging.getLogger("bridge.notify")


def tell_administrators(mails: PasswordMails, store: Store, to: Sequence[str], what: str) -> bool:
    """Mail a sentence to these addresses; return whether that was done.

    It is in the store's change record in any case: without a way of sending mail, or without addresses, nobody is
    mailed.
    """
    if isinstance(mails.postbox, NoPostbox) or not to:
        return False
    text = one_line(f"Directory store {store.name}: {what}")
    message = without_content(mails.postbox.sender, to, "One-time passwords of Zoho One", mails.now())
    message.set_content(f"{text}\n\nIf nobody should have done this, look at the store's changes in the console.\n")
    message.add_alternative(
        f"<p>{escape(text)}</p><p>If nobody should have done this, look at the store's changes in the console.</p>",
        subtype="html",
    )
    try:
        mails.postbox.transport.send(message)
    except MailError as failure:
        _log.warning("store %s: the administrators were not told (%s)", store.id, type(failure).__name__)
        return False
    return True
