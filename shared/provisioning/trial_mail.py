"""A test mail: a store's template, filled for nobody, on the way that real ones go."""

import secrets

from shared.directory.mail_template import Reader
from shared.directory.password import Notice, PasswordNotification, new_password
from shared.directory.store import Store
from shared.notify.message import BadTemplate, Letterhead, compose
from shared.notify.transport import MailError
from shared.provisioning.password_mail import CannotSend, NoPostbox, PasswordMails


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
