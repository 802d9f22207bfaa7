"""One-time password mails: after a creation, by the timer while one is unsent, and at an administrator's request.

No password is stored. Until the mail is sent, a row says that it is due; every attempt but the first, which still has
the password of the creation, sets a new one in Zoho One. So at most one password is valid at a time, and a mail that is
lost with a process is sent later.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from shared.mail.message import BadTemplate, Letterhead, compose
from shared.mail.rested import Rested
from shared.mail.transport import MailBusy, MailCredentials, MailError, MailRefused
from shared.rules.history import Event, EventKind
from shared.rules.mail.due import MailDue
from shared.rules.mail.password import NoNotice, Notice, new_password, notice_for
from shared.rules.schedule import OBSERVES
from shared.rules.store import DataCenterName, Store, UpdateVerb
from shared.tables.errors import Conflict, Stale, TablesError
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored, StoredMail
from shared.tables.mails import Mails
from shared.zoho.data_centers import DataCenter
from shared.zoho.errors import ZohoBusy, ZohoCredentials, ZohoRefused
from shared.zoho.scim_client import ZohoUsers

BUDGET = timedelta(seconds=10)
"""Duration of one pass over the mails that are due, each minute: the timer has other work, and a server that does
not respond is left alone.
"""
BEING_SENT = "A one-time password is being sent to this person"

_log = logging.getLogger("bridge.notify")


class CannotSend(Exception):
    """No new one-time password can be sent; the message says why."""


@dataclass(frozen=True)
class Postbox:
    """The app's mail transport and sender address."""

    transport: Rested
    sender: str


@dataclass(frozen=True)
class NoPostbox:
    """No mail transport is configured. People are provisioned all the same, and mails that are due wait."""

    reason: str


@dataclass(frozen=True)
class PasswordMails:
    """Sends one-time passwords. Its methods raise TablesBusy, and Stale if another worker took over a mail."""

    mails: Mails
    identities: Identities
    users: Callable[[Store], ZohoUsers]
    postbox: Postbox | NoPostbox
    data_centers: Mapping[DataCenterName, DataCenter]
    now: Callable[[], datetime]
    lease: timedelta
    """Duration of one attempt at most: one password set in Zoho One, and one mail. Also the first pause after a
    failure.
    """

    def begun(self, reason: str, asked_by: str | None = None) -> MailDue:
        """Return a new mail that is due now, and that the caller is about to send."""
        due = MailDue(reason=reason, asked_by=asked_by, since=self.now(), next_try=self.now())
        return due.begun(self.now(), self.lease)

    def after_creation(self, store: Store, settled: Stored, password: SecretStr | None) -> None:
        """Send the mail that became due with the identity: with the password of the creation, or a new one if that is
        lost.

        Raises nothing that could reach Entra: the account exists, and a mail that fails now is sent later.
        """
        assert settled.mail is not None  # the caller has just written it
        try:
            notice = _notice(store, settled)
            if password is None or isinstance(notice, NoNotice):
                self._renew(store, settled.mail, settled)
            else:
                self._deliver(store, settled.mail, notice, password)
        except TablesError as error:
            _log.warning("store %s: a one-time password waits for the tables (%s)", store.id, type(error).__name__)

    def work_through(self, stores: Iterable[Store]) -> None:
        """Retry the mails that are due in these stores, for the duration of one pass."""
        if isinstance(self.postbox, NoPostbox):
            return
        ends = self.now() + BUDGET
        for store in stores:
            for held in list(self.mails.waiting(store.id)):
                if self.postbox.transport.is_resting or self.now() >= ends:
                    return
                if held.mail.next_try <= self.now():
                    self._try_again(store, held)

    def send_new_password(self, store: Store, identity_id: str, asked_by: str) -> Event | MailDue:
        """Set a new one-time password for a person and mail it, at an administrator's request; return the result, or
        what waits.

        Raises CannotSend.
        """
        if store.schedule.is_observing:
            raise CannotSend(OBSERVES)
        stored = self.identities.read(store.id, identity_id)
        notice = _notice(store, stored)
        if isinstance(notice, NoNotice):
            raise CannotSend(notice.reason)
        if isinstance(self.postbox, NoPostbox):
            raise CannotSend(self.postbox.reason)
        waiting = self.mails.read(store.id, identity_id)
        if waiting is not None and waiting.mail.sending and waiting.mail.next_try > self.now():
            raise CannotSend(BEING_SENT)
        mail = self.begun(notice.reason, asked_by)
        self.postbox.transport.wake()  # the administrator may have corrected the cause
        try:
            held = (
                self.mails.update(store.id, waiting, mail)
                if waiting
                else self.mails.create(store.id, identity_id, mail)
            )
        except (Conflict, Stale):
            raise CannotSend(BEING_SENT) from None
        return self._renew(store, held, stored)

    def _try_again(self, store: Store, held: StoredMail) -> None:
        try:
            held = self.mails.update(store.id, held, held.mail.begun(self.now(), self.lease))
            self._renew(store, held, self.identities.read(store.id, held.identity_id))
        except Stale:
            return  # another worker has it

    def _renew(self, store: Store, held: StoredMail, stored: Stored | None) -> Event | MailDue:
        """Set a new password and mail it."""
        notice = _notice(store, stored)
        if stored is None or isinstance(notice, NoNotice):
            return self._close(store, held, EventKind.PASSWORD_NOT_MAILED, notice.reason)
        password = new_password(store.password_notification, secrets.choice)
        try:
            if not self._set(store, stored, password):
                return self._wait(store, held, "Another change of the account was in progress")
        except ZohoRefused as refusal:
            reason = f"Zoho One refused a new one-time password: {refusal}"
            return self._close(store, held, EventKind.PASSWORD_NOT_MAILED, reason)
        except (ZohoBusy, ZohoCredentials) as failure:
            seconds = failure.retry_after if isinstance(failure, ZohoBusy) else 0
            return self._wait(store, held, str(failure), seconds)
        return self._deliver(store, held, notice, password)

    def _set(self, store: Store, stored: Stored, password: SecretStr) -> bool:
        """Set a password; return False if a PUT may have reverted a simultaneous change by another writer.

        The next attempt then repeats the PUT on top of that change. A PATCH changes nothing but the password.
        """
        identity, puts = stored.identity, store.zoho.update_verb is UpdateVerb.PUT
        assert identity.account is not None  # otherwise there would be no notice
        if puts and identity.pending is not None:
            return False
        self.users(store).set_password(identity.account, password)
        if not puts:
            return True
        now = self.identities.read(store.id, identity.id)
        return now is not None and now.etag == stored.etag

    def _deliver(self, store: Store, held: StoredMail, notice: Notice, password: SecretStr) -> Event | MailDue:
        """Mail a password that is valid in Zoho One."""
        try:
            self._send(store, notice, password)
        except MailRefused as refusal:
            reason = f"{refusal}. Correct the address, then send a new one-time password."
            return self._close(store, held, EventKind.PASSWORD_NOT_MAILED, reason)
        except MailError as failure:
            return self._wait(store, held, str(failure), failure.retry_after if isinstance(failure, MailBusy) else 0)
        except BadTemplate as mistake:
            return self._wait(store, held, f"The store's mail template cannot be used. {mistake}")
        except Exception as error:
            # No error may undo a creation that Zoho One has confirmed. A traceback might quote the mail.
            _log.error("store %s: a mail was not sent (%s)", store.id, type(error).__name__)
            return self._wait(store, held, f"The mail could not be sent ({type(error).__name__})")
        asked = f" {held.mail.asked_by} asked for it." if held.mail.asked_by else ""
        reason = f"The one-time password was mailed to {', '.join(notice.to)}.{asked}"
        return self._close(store, held, EventKind.PASSWORD_MAILED, reason)

    def _send(self, store: Store, notice: Notice, password: SecretStr) -> None:
        if isinstance(self.postbox, NoPostbox):
            raise MailCredentials(self.postbox.reason)
        accounts_server = self.data_centers[store.zoho.data_center].accounts_server
        letterhead = Letterhead(self.postbox.sender, store.name, f"{accounts_server}/signin")
        mail = compose(notice, store.password_notification, letterhead, password, self.now())
        self.postbox.transport.send(mail)

    def _close(self, store: Store, held: StoredMail, kind: EventKind, reason: str) -> Event:
        event = Event(at=self.now(), kind=kind, reason=reason)
        self.mails.close(store.id, held, event)
        return event

    def _wait(self, store: Store, held: StoredMail, failure: str, seconds: int = 0) -> MailDue:
        mail = held.mail.failed(failure, self.now(), self.lease, timedelta(seconds=seconds))
        self.mails.update(store.id, held, mail)
        _log.warning("store %s: a one-time password of %s waits, try %d", store.id, held.identity_id, mail.tries)
        return mail


def _notice(store: Store, stored: Stored | None) -> Notice | NoNotice:
    """Return who receives a person's password by the current settings, or why nobody does."""
    account = stored.identity.account if stored else None
    if stored is None or account is None:
        return NoNotice("No one-time password: the person has no account in Zoho One any more.")
    if not account.holds.active:
        return NoNotice("No one-time password: the account in Zoho One is not active.")
    return notice_for(store.password_notification, account.holds, stored.identity.said.source)
