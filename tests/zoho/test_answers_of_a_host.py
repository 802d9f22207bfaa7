"""What stands before a SCIM API answers, too, without a word of SCIM: nothing follows from it for an account."""

from typing import Any

import pytest

from shared.app.container import Bridge
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.zoho.errors import ZohoBusy, ZohoNowhere
from tests.conftest import ZohoOne

ADA = ZohoUser(active=True, fields={ZohoField.USER_NAME: "ada@contoso.example"})


@pytest.mark.parametrize("body", [None, "<html>Not Found</html>", "[]"])
def test_404_for_every_address_means_that_no_account_is_gone(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, body: Any
) -> None:
    users = bridge.users(store)
    account = users.create(ADA)
    for path in ("/Users", "/Users/{id}"):
        zoho_one.fail(path=path, status=404, body=body, times=9)
    for call in (
        lambda: users.get(account.id),
        lambda: users.find(ADA.user_name),
        lambda: users.create(ADA),
        lambda: users.page(1),
        lambda: users.delete(account.id),
    ):
        with pytest.raises(ZohoNowhere, match="leads nowhere"):
            call()


def test_404_for_one_account_means_that_it_is_gone(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    users = bridge.users(store)
    account = users.create(ADA)
    zoho_one.fail(path=f"/Users/{account.id}", status=404, times=2)
    assert users.get(account.id) is None
    users.delete(account.id)


@pytest.mark.parametrize(("status", "waits"), [(429, 30), (500, 1), (503, 1), (502, 1)])
def test_an_empty_refusal_of_a_host_is_waited_for(
    bridge: Bridge, store: Store, zoho_one: ZohoOne, status: int, waits: int
) -> None:
    zoho_one.fail(path="/Users", status=status, times=9)
    with pytest.raises(ZohoBusy) as busy:
        bridge.users(store).find("nobody@contoso.example")
    assert busy.value.retry_after == waits
