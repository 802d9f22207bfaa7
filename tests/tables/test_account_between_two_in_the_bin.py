"""An account that goes from one person in Entra's recycle bin to another: one transaction has each row once."""

from datetime import UTC, datetime

from shared.rules.azure_user import AzureUser
from shared.rules.history import Event, EventKind
from shared.rules.identity import Account, Identity, SourceState
from shared.rules.keys import Keys
from shared.rules.zoho_user import ZohoField, ZohoUser
from shared.tables.identities import Identities
from tests.tables.memory.tables import MemoryTables

NOW = datetime(2026, 11, 27, tzinfo=UTC)
NAME = "ada@contoso.example"
ACCOUNT = Account(id="z1", holds=ZohoUser(active=False, fields={ZohoField.USER_NAME: NAME}), deactivated_by="bridge")


def _in_bin(identity_id: str) -> Identity:
    said = SourceState(
        resource="{}",
        keys=Keys(user_name=NAME),
        source=AzureUser(user_principal_name=NAME),
        desired=None,
        in_bin=True,
        modified=NOW,
    )
    return Identity(id=identity_id, object_id=identity_id, said=said, created=NOW)


def test_the_account_of_one_in_the_bin_becomes_that_of_another_in_the_bin() -> None:
    identities = Identities(MemoryTables().create_table("identities"))
    first, second = _in_bin("a" * 32), _in_bin("b" * 32)
    identities.write("contoso", None, first.model_copy(update={"account": ACCOUNT}))
    stored = identities.write("contoso", None, second)
    record = identities.record_of("contoso", ACCOUNT.id, second.id)
    assert record is not None
    assert record.holder is not None
    event = Event(at=NOW, kind=EventKind.ADOPTED, reason="test")
    identities.write("contoso", stored, second.model_copy(update={"account": ACCOUNT}), event, record)
    (former,) = identities.formers("contoso")
    assert (former.account, former.person) == (ACCOUNT.id, second.id)
    left = identities.read("contoso", first.id)
    assert left is not None
    assert left.identity.account is None
