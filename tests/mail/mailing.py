"""A store that sends one-time passwords, and a look at what arrives: what the tests of the flow share."""

import email
import json
import re
from email.policy import default

from aiosmtpd.smtp import Envelope

from shared.rules.mail.password import MailNotification, PasswordNotice, PasswordNotification
from shared.rules.mail.template import DEFAULT_TEMPLATES
from shared.rules.store import Store
from shared.tables.service import connect

DOMAIN = "contoso.example"
SENDER = "zoho-one@contoso.example"
_PASSWORD = re.compile(r"(?:one-time password|Einmalpasswort):\s+(\S+)", re.IGNORECASE)


def mail_settings(port: int) -> dict[str, str]:
    """The app settings for a mail server on this machine."""
    return {
        "BRIDGE_MAIL": "smtp",
        "BRIDGE_MAIL_FROM": SENDER,
        "BRIDGE_SMTP_HOST": "127.0.0.1",
        "BRIDGE_SMTP_PORT": str(port),
        "BRIDGE_SMTP_SECURITY": "none",
    }


def notifying(store: Store, to: PasswordNotice = PasswordNotice.USER, **settings: object) -> Store:
    """The store with passwords switched on, for one domain."""
    notification = PasswordNotification.model_validate(
        {
            "mail_notification": MailNotification.NOTIFY,
            "password_notification": to,
            "verified_domains": (DOMAIN,),
            "admins": ("admin@contoso.example",),
            "templates": DEFAULT_TEMPLATES,
            **settings,
        }
    )
    zoho = store.zoho.model_copy(update={"sends_passwords": True})
    return Store.model_validate(store.model_copy(update={"zoho": zoho, "password_notification": notification}))


def password_in(mail: bytes) -> str:
    """The password that a reader of the mail finds."""
    body = email.message_from_bytes(mail, policy=default).get_body(("plain",))
    assert body is not None
    found = _PASSWORD.search(body.get_content())
    assert found, body.get_content()
    return found[1]


def received(taken: list[Envelope]) -> list[tuple[str, str]]:
    """To whom each mail went, and the password in it."""
    contents = [envelope.content for envelope in taken]
    mails = [content.encode() if isinstance(content, str) else content or b"" for content in contents]
    return [(", ".join(envelope.rcpt_tos), password_in(mail)) for envelope, mail in zip(taken, mails, strict=True)]


def raw_tables(connection_string: str, *store_ids: str) -> str:
    """Every row of the stores, and every row of every small table, as it stands in the account."""
    service = connect(connection_string)
    rows: list[object] = []
    for table in service.list_tables():
        client = service.get_table_client(table.name)
        if table.name != "identities":
            rows += map(dict, client.list_entities())
            continue
        for store_id in store_ids:
            rows += map(dict, client.query_entities("PartitionKey eq @store", parameters={"store": store_id}))
    return json.dumps(rows, default=str)
