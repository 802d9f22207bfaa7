"""Zoho One's own words never carry a one-time password further."""

import json
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from shared.rules.identity import Account
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.zoho.errors import ZohoError
from shared.zoho.pace import Pace
from shared.zoho.scim_client import ZohoUsers
from shared.zoho.secrecy import quotes

PASSWORD = SecretStr("Kp7#mXw4Te9%cRna")
ADA = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ada@contoso.example"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kp7#mXw4Te9%cRna is too weak", True),
        ("…Kp7#mXw", True),
        ("?password=Kp7%23mXw4Te9%25cRna", True),
        ("Kp7&#35;mXw4", True),
        ("The password Kp7#m… is too weak", False),
        ("You are trying to activate more users than the allowed license limit of '5' users.", False),
    ],
)
def test_a_part_of_the_password_is_found(text: str, expected: bool) -> None:
    assert quotes(text, PASSWORD) is expected


class Parrot(requests.Session):
    """A Zoho One that refuses everything, with what it was sent."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    def request(self, *_: Any, **arguments: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = self.status
        response._content = json.dumps({"detail": "x" * 480 + arguments["data"].decode()}).encode()
        return response


class Tokens:
    def current(self, store: Store) -> str:
        return "token"

    def rejected(self, store: Store, token: str) -> None:
        """Never mind."""


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_no_error_repeats_it(store: Store, status: int) -> None:
    users = ZohoUsers(store, Parrot(status), Tokens(), Pace(4, None, lambda: 0.5), sleep=lambda _: None)
    for call in (
        lambda: users.create(ADA, PASSWORD),
        lambda: users.set_password(Account(id="1", holds=ADA), PASSWORD),
    ):
        with pytest.raises(ZohoError) as raised:
            call()
        assert not quotes(str(raised.value), PASSWORD)
