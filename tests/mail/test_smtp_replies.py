"""Which permanent reply of a mail server is about the recipient, and gives a mail up."""

import pytest

from shared.mail.smtp_replies import Stage, concerns_recipient, enhanced_code

SENDER, RECIPIENT, MAIL = Stage


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        # the recipient
        (RECIPIENT, "550 5.1.1 <anna@contoso.example>: Recipient address rejected: User unknown", True),
        (RECIPIENT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", True),
        (RECIPIENT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", True),
        (RECIPIENT, "556 5.1.10 <anna@contoso.example>: Domain does not accept mail (nullMX)", True),
        (RECIPIENT, "552 5.2.2 Mailbox full", True),
        (RECIPIENT, "550 No such user here", True),
        (RECIPIENT, "553 mailbox name invalid", True),
        (MAIL, "550 5.1.1 User unknown", True),
        (MAIL, "554 5.2.2 mailbox full", True),
        # the sender
        (SENDER, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", False),
        (SENDER, "550 5.1.1 User unknown", False),
        (SENDER, "550 No such user", False),
        (SENDER, "530 5.7.57 Client not authenticated to send mail", False),
        (SENDER, "553 5.1.8 <it@contoso.example>: Sender address rejected: Domain not found", False),
        (RECIPIENT, "550 5.1.0 <it@contoso.example>: Sender address rejected: User unknown in local table", False),
        (RECIPIENT, "550 5.1.1 <it@contoso.example>: Sender address rejected: undeliverable address", False),
        (RECIPIENT, "550 5.1.7 Bad sender", False),
        (MAIL, "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied", False),
        (MAIL, "554 5.2.252 SendAsDenied; it@contoso.example not allowed to send as zoho-one@contoso.example", False),
        (MAIL, "550 5.1.8 Access denied, bad outbound sender", False),
        # a quota
        (RECIPIENT, "550 5.1.90 Your message can't be sent because you've reached your daily limit", False),
        (MAIL, "550 5.1.90 Your message can't be sent because you've reached your daily limit", False),
        (RECIPIENT, "550 Sending rate limit exceeded", False),
        (MAIL, "554 Message rejected: daily message quota exceeded", False),
        # a policy
        (RECIPIENT, "554 5.7.1 <anna@contoso.example>: Relay access denied", False),
        (RECIPIENT, "550 relaying denied", False),
        (RECIPIENT, "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", False),
        (RECIPIENT, "550 5.7.1 Unfortunately, messages from [10.0.0.1] weren't sent: block list", False),
        (RECIPIENT, "530 Authentication required", False),
        (MAIL, "554 5.7.1 spam", False),
        (MAIL, "550 5.7.26 This message does not pass authentication checks", False),
        (MAIL, "552 5.3.4 Message size exceeds fixed limit", False),
        (MAIL, "550 No such user", False),
        # nothing that could be known
        (RECIPIENT, "599 5.9.9 ?", False),
        (MAIL, "500 ", False),
        (RECIPIENT, "503 5.5.1 RCPT first", False),
    ],
)
def test_only_a_word_about_the_recipient_gives_a_mail_up(stage: Stage, reply: str, expected: bool) -> None:
    code, _, text = reply.partition(" ")
    assert concerns_recipient(stage, int(code), text) is expected


@pytest.mark.parametrize(
    ("text", "code"),
    [("5.1.10 x", "5.1.10"), ("5.7.1\nmore", "5.7.1"), ("5.7", None), ("4.2.1 x", None), ("x 5.1.1", None), ("", None)],
)
def test_an_enhanced_code_stands_at_the_beginning(text: str, code: str | None) -> None:
    assert enhanced_code(text) == code
