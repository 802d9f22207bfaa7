"""The simulated Graph's mail, which goes nowhere: `/_state` shows it.

Source: https://learn.microsoft.com/graph/api/user-sendmail
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.entra.graph_errors import GraphError
from local.entra.graph_request import Content


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class _EmailAddress(_Strict):
    address: str
    name: str | None = None


class _Recipient(_Strict):
    email_address: _EmailAddress


class _Body(_Strict):
    content_type: Literal["Text", "HTML"]
    content: str


class _Message(_Strict):
    subject: str
    body: _Body
    to_recipients: list[_Recipient] = Field(min_length=1)


class _SendMail(_Strict):
    message: _Message
    save_to_sent_items: bool = True


def read_mail(sender: str, body: bytes) -> Content:
    """A mail as it was sent."""
    try:
        mail = _SendMail.model_validate_json(body)
    except ValidationError as error:
        raise GraphError(400, "BadRequest", str(error)) from None
    return {"from": sender, **mail.model_dump(mode="json", by_alias=True)}
