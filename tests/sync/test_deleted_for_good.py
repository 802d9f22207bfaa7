"""Who is deleted for good between two cycles: Graph tells it once, and of his assignment that it is gone."""

from local.entra.people import PEOPLE
from shared.rules.change import ChangeKind
from shared.rules.status import Deprovisioning, StatusRules
from tests.sync.reconciled import Reconciled

ANNA = PEOPLE[0]


def test_the_rule_for_the_deleted_counts_though_his_assignment_went_with_him(reconciled: Reconciled) -> None:
    reconciled.change(status_rules=StatusRules(on_deleted=Deprovisioning.DELETE))
    reconciled.cycle()
    reconciled.entra.act({"do": "soft-delete", "id": ANNA.id}, {"do": "hard-delete", "id": ANNA.id})
    assert reconciled.cycle().planned == {ChangeKind.DELETE: 1}
    assert ANNA.user_principal_name not in reconciled.accounts()
    assert reconciled.identity(ANNA.id) is None
