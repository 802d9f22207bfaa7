"""Who receives what the organisation's mailer sends: an owner decides, and the others are told."""

from dataclasses import replace
from email.message import EmailMessage

import pytest

from shared.admin.store_settings import Section, fingerprint
from shared.console.context import EXTENSION
from shared.mail.password_mail import NoPostbox, Postbox
from shared.mail.rested import Rested
from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification
from shared.rules.mail.template import DEFAULT_TEMPLATES
from shared.rules.store import Store
from tests.conftest import Endpoint
from tests.console.conftest import Pages, SignIns
from tests.console.signing_in import ADMIN, OWNER, Visitor, with_token

ADMINS = "ina@contoso.example"
SETTINGS = {
    "mail_notification": MailNotification.NOTIFY.value,
    "password_notification": PasswordNotice.ADMIN.value,
    "verified_domains": "contoso.example",
    "user_address": "mail",
    "admins": ADMINS,
    "language": "en",
    "length": "16",
    "alphabet": PasswordNotification().rules.alphabet,
}


class Outbox:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message)


@pytest.fixture
def outbox(pages: Pages) -> Outbox:
    """The mails of the pages."""
    return _outbox_of(pages)


def _outbox_of(pages: Pages) -> Outbox:
    outbox, parts = Outbox(), pages.parts
    assert isinstance(parts.people.password_mails.postbox, NoPostbox)
    postbox = Postbox(Rested(outbox, parts.site.now), "zoho-one@contoso.example")
    mails = replace(parts.people.password_mails, postbox=postbox)
    pages.app.extensions[EXTENSION] = replace(parts, people=replace(parts.people, password_mails=mails))
    return outbox


@pytest.fixture
def notifying(pages: Pages, store: Store) -> Store:
    """A store whose owner chose who receives one-time passwords."""
    settings = PasswordNotification(
        mail_notification=MailNotification.NOTIFY,
        password_notification=PasswordNotice.ADMIN,
        verified_domains=("contoso.example",),
        admins=(ADMINS,),
    )
    zoho = store.zoho.model_copy(update={"sends_passwords": True})
    changes = {"zoho": zoho, "password_notification": settings}
    return pages.bridge.stores.change(store.id, lambda now: now.model_copy(update=changes))


def _text(mail: EmailMessage) -> str:
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


def _seen(pages: Pages, store: Store) -> str:
    now = pages.bridge.stores.read(store.id)
    assert now is not None
    return fingerprint(now, Section.NOTIFICATION)


def test_an_admin_has_no_password_sent_elsewhere(pages: Pages, notifying: Store) -> None:
    pages.signed_in("Organization.Admin")
    path, seen = f"/stores/{notifying.id}/settings", _seen(pages, notifying)
    for change in (
        {"admins": "eve@evil.example"},
        {"admins": f"{ADMINS}\neve@evil.example"},
        {"user_address": "otherMails", "password_notification": PasswordNotice.USER.value},
        {"verified_domains": "contoso.example evil.example"},
        {"length": "17"},
    ):
        assert pages.post(path, **(SETTINGS | {"seen": seen} | change)).status_code == 403
    body = DEFAULT_TEMPLATES[0].body + "\nhttps://evil.example/{{ password }}"
    assert pages.post(f"{path}/templates/admin/en", subject="x", body=body, seen=seen).status_code == 403
    assert pages.post(f"{path}/templates/user/fr", do="remove", seen=seen).status_code == 403
    assert pages.bridge.stores.read(notifying.id) == notifying


def test_an_admin_goes_on_with_the_set_up_where_nothing_is_changed(pages: Pages, notifying: Store) -> None:
    pages.signed_in("Organization.Admin")
    sent = SETTINGS | {"seen": _seen(pages, notifying)}
    assert pages.post(f"/stores/{notifying.id}/settings?setup=1", **sent).status_code == 303
    assert "Only an owner can change who is mailed" in pages.get(f"/stores/{notifying.id}/settings").text


def test_the_administrators_are_told_of_other_recipients(pages: Pages, notifying: Store, outbox: Outbox) -> None:
    changed = SETTINGS | {"admins": "eve@contoso.example", "seen": _seen(pages, notifying)}
    assert pages.post(f"/stores/{notifying.id}/settings", **changed).status_code == 303
    (told,) = outbox.sent
    assert told["To"] == f"{ADMINS}, eve@contoso.example"
    assert "changed who receives one-time passwords" in _text(told)
    same = changed | {"length": "17", "seen": _seen(pages, notifying)}
    assert pages.post(f"/stores/{notifying.id}/settings", **same).status_code == 303
    assert len(outbox.sent) == 1


def test_an_admin_takes_no_account_over(pages: Pages, notifying: Store, endpoint: Endpoint, outbox: Outbox) -> None:
    body = {"userName": "ada@contoso.example", "active": True}
    body |= {"emails": [{"type": "work", "value": "ada@contoso.example", "primary": True}]}
    created = endpoint.request("POST", "/Users", json=body).json()
    path = f"/stores/{notifying.id}/people/{created['id']}"
    pages.signed_in("Organization.Admin")
    assert pages.post(f"{path}/new-password").status_code == 403
    assert "Send a new one-time password" not in pages.get(path).text
    assert outbox.sent == []
    pages.signed_in("Organization.Owner")
    assert pages.post(f"{path}/new-password").status_code in (202, 303)
    told = [mail for mail in outbox.sent if mail["Subject"] == "One-time passwords of Zoho One"]
    assert [mail["To"] for mail in told] == [ADMINS]
    assert "local had a new one-time password made for ada@contoso.example." in _text(told[0])
    records = pages.bridge.stores.records(notifying.id, 5)
    assert "A new one-time password was made for a person" in [each.what for each in records]


def _visitor(sign_ins: SignIns, person: str) -> tuple[Visitor, Outbox, str]:
    visitor = sign_ins.visitor()
    visitor.sign_in(person)
    outbox = _outbox_of(Pages(visitor.app, visitor.client, sign_ins.bridge))
    return visitor, outbox, visitor.token()


def _test_mail(visitor: Visitor, store: Store, token: str, to: str) -> str:
    template = next(each for each in DEFAULT_TEMPLATES if (each.reader, each.language) == ("user", "en"))
    form = with_token(token, to=to, subject="Hello", body=template.body)
    path = f"/console/stores/{store.id}/settings/templates/user/en/test"
    return visitor.post(path, form, **{"HX-Request": "true"}).text


def test_a_test_mail_goes_to_oneself_and_few_do(sign_ins: SignIns, notifying: Store) -> None:
    visitor, outbox, token = _visitor(sign_ins, ADMIN)
    refused = _test_mail(visitor, notifying, token, "victim@elsewhere.example")
    own = refused.split("your own address only: ")[1].partition("<")[0]
    assert "@" in own
    assert "to your own address only" in _test_mail(visitor, notifying, token, ADMINS)
    assert outbox.sent == []
    for _ in range(5):
        assert f"Sent to {own}" in _test_mail(visitor, notifying, token, own)
    assert "within an hour" in _test_mail(visitor, notifying, token, own)
    sign_ins.clock.forward(minutes=50)
    assert len(outbox.sent) == 5


def test_an_owner_may_also_try_it_on_the_administrators_they_chose(sign_ins: SignIns, notifying: Store) -> None:
    visitor, outbox, token = _visitor(sign_ins, OWNER)
    assert f"Sent to {ADMINS}" in _test_mail(visitor, notifying, token, ADMINS)
    assert "own address only" in _test_mail(visitor, notifying, token, "victim@elsewhere.example")
    assert [mail["To"] for mail in outbox.sent] == [ADMINS]
