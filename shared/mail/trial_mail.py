"""A test mail: a store's template, filled for nobody, on the way that real ones go."""

import secrets

from shared.mail.message import BadTemplate, Letterhead, compose
from shared.mail.password_mail import CannotSend, NoPostbox, PasswordMails
from shared.mail.transport import MailError
from shared.rules.mail.password import Notice, PasswordNotification, new_password
from shared.rules.mail.template import Reader
from shared.rules.store import Store


def send_trial_mail(
    mails: PasswordMails, store: Store, settings: PasswordNotification, reader: Reader, to: str
) -> None:
    """Send the mail that ``reader`` would get, with a password that is nobody's, to one address. Raises CannotSend."""
    if isinstance(mails.postbox, NoPostbox):
        raise CannotSend(mails.postbox.reason)
    notice = Notice(
        reason="A test",
        reader=reader,
        to=(to,),
        name="Test Person",
        user_name="test.person@example.invalid",
        language=None,
    )
    accounts_server = mails.data_centers[store.zoho.data_center].accounts_server
    letterhead = Letterhead(mails.postbox.sender, store.name, f"{accounts_server}/signin")
    try:
        mail = compose(notice, settings, letterhead, new_password(settings, secrets.choice), mails.now())
        mails.postbox.transport.wake()
        mails.postbox.transport.send(mail)
    except (MailError, BadTemplate) as failure:
        raise CannotSend(str(failure)) from None
