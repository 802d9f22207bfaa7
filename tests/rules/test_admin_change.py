"""What an administrator changed, setting by setting."""

from pydantic import HttpUrl

from shared.rules.admin_change import LONGEST, SettingChange, setting_changes
from shared.rules.criteria import Condition, Group, Operator
from shared.rules.secret_token import token_hash
from shared.rules.status import Deprovisioning, StatusRules
from shared.rules.store import Store, ZohoConnection

STORE = Store(
    id="contoso",
    name="Contoso",
    zoho=ZohoConnection(sync_endpoint=HttpUrl("https://one.zoho.com/scim"), data_center="us", client_id="1000.A"),
)


def test_only_what_differs_is_named() -> None:
    after = STORE.model_copy(
        update={
            "name": "Contoso Ltd",
            "status_rules": StatusRules(on_deleted=Deprovisioning.DELETE),
            "criteria": Group(match="all", of=(Condition(attribute="department", operator=Operator.PRESENT),)),
        }
    )
    assert set(setting_changes(STORE, after)) == {
        SettingChange(setting="name", before="Contoso", after="Contoso Ltd"),
        SettingChange(setting="status_rules.on_deleted", before="Deactivate", after="Delete"),
        SettingChange(setting="criteria", before=None, after="department is present"),
    }
    assert setting_changes(STORE, STORE) == ()


def test_of_secret_tokens_only_the_number_is_kept() -> None:
    after = STORE.model_copy(update={"token_hashes": (token_hash("secret"),)})
    assert setting_changes(STORE, after) == (SettingChange(setting="token_hashes", before="0", after="1"),)


def test_long_values_are_cut() -> None:
    (change,) = setting_changes(STORE, STORE.model_copy(update={"name": "x" * 1000}))
    assert len(change.after or "") == LONGEST
