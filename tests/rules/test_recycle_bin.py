"""What Entra calls those in its recycle bin is no rename."""

import pytest

from shared.rules.azure_user import AzureUser
from shared.rules.recycle_bin import is_in_bin, name_in_bin, object_in_bin, under_own_name

ID = "4f5e0a7b-0d43-4c58-9b1e-6a2f7d3c8e90"
HEX = "4f5e0a7b0d434c589b1e6a2f7d3c8e90"
ADA = AzureUser(user_principal_name="ada@contoso.example", mail="a.l@contoso.example", mail_nickname="ada")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{HEX}ada@contoso.example", HEX),
        (f"{HEX.upper()}ada@contoso.example", HEX),
        (f"{HEX}ann_fabrikam.com#EXT#@contoso.example", HEX),
        ("ada@contoso.example", None),
        (f"{HEX}@contoso.example", None),
        (HEX[1:] + "x@contoso.example", None),
        (HEX, None),
        ("", None),
    ],
)
def test_whose_name_it_is(text: str, found: str | None) -> None:
    assert object_in_bin(text) == found


def test_the_name_in_the_bin() -> None:
    shown = name_in_bin(ID, "Ada@contoso.example")
    assert shown == f"{HEX}Ada@contoso.example"
    assert is_in_bin(shown, "ada@Contoso.example")
    assert not is_in_bin("ada@contoso.example", "ada@contoso.example")
    assert not is_in_bin(shown, "bert@contoso.example")


@pytest.mark.parametrize("enabled", [True, False])
def test_somebody_known_keeps_the_own_name_and_addresses(enabled: bool) -> None:
    deleted = {
        "user_principal_name": HEX + ADA.user_principal_name,
        "mail": f"{HEX}{ADA.mail}",
        "mail_nickname": f"{HEX}ada",
        "other_mails": (f"{HEX}ada@home.example", "b@home.example"),
        "account_enabled": enabled,
    }
    expected = ADA.model_copy(
        update={"other_mails": ("ada@home.example", "b@home.example"), "account_enabled": enabled}
    )
    assert under_own_name(ADA.model_copy(update=deleted), ADA) == expected


def test_an_address_alone_and_a_rename_before_the_deletion() -> None:
    shown = ADA.model_copy(update={"mail": f"{HEX}{ADA.mail}"})
    assert under_own_name(shown, ADA) == ADA
    renamed = ADA.model_copy(update={"user_principal_name": f"{HEX}countess@contoso.example"})
    assert under_own_name(renamed, ADA).user_principal_name == "countess@contoso.example"


def test_a_name_that_somebody_has_always_had_is_the_own_name() -> None:
    robot = ADA.model_copy(update={"user_principal_name": f"{HEX}robot@contoso.example"})
    assert under_own_name(robot, None) == robot
    assert under_own_name(robot, robot) == robot
    shut_out = robot.model_copy(update={"account_enabled": False})
    assert under_own_name(shut_out, None).user_principal_name == "robot@contoso.example", "comes from the bin"
