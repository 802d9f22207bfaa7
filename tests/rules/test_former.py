"""Who comes under the name of somebody who is gone: the table of shared/rules/former.py."""

import pytest

from shared.rules.former import Adoption, Adoptions, Former, Traits, adoption_of, is_same_person, why_not_adopted

ADA = {
    "object_id": "1",
    "display_name": "Ada Byron",
    "given_name": "Ada",
    "surname": "Byron",
    "mail": "ada@contoso.example",
    "mail_nickname": "ada",
}
GRAPH, PUSHED = Traits(**ADA), Traits(**(ADA | {"object_id": None}))


@pytest.mark.parametrize(
    ("former", "changes", "same"),
    [
        (GRAPH, {}, True),
        (GRAPH, {"display_name": "Countess Lovelace", "employee_id": "9"}, True),  # the same object
        (GRAPH, {"object_id": "2"}, True),
        (GRAPH, {"object_id": "2", "display_name": "ADA BYRON"}, True),
        (GRAPH, {"object_id": "2", "display_name": "Different Human", "mail_nickname": "dh"}, False),
        (GRAPH, {"object_id": "2", "mail_nickname": "dh"}, False),
        (GRAPH, {"object_id": "2", "given_name": None, "surname": None, "mail": None}, True),
        (GRAPH, {"object_id": "2", "display_name": None}, False),
        (GRAPH, {"object_id": None}, True),  # pushed, before Graph names them
        (GRAPH, {"object_id": None, "display_name": "Different Human"}, False),
        (Traits(**ADA, employee_id="7"), {"object_id": "2", "employee_id": "7", "surname": "Lovelace"}, True),
        (Traits(**ADA, employee_id="7"), {"object_id": "2", "employee_id": "8"}, False),
        (Traits(**ADA, employee_id="7"), {"object_id": "2"}, True),
        (PUSHED, {"object_id": None}, True),
        (PUSHED, {"object_id": "2", "display_name": None, "mail": None}, True),
        (PUSHED, {"object_id": None, "surname": "Lovelace"}, False),
        (Traits(), {"object_id": None}, True),
    ],
)
def test_the_same_person_or_another(former: Traits, changes: dict[str, str | None], same: bool) -> None:
    assert is_same_person(former, Traits.model_validate(ADA | changes)) is same


@pytest.mark.parametrize(
    ("another", "policy", "approved", "allowed"),
    [
        (False, Adoptions.NEVER, None, True),
        (True, Adoptions.ALWAYS, None, True),
        (True, Adoptions.HOLD, None, False),
        (True, Adoptions.HOLD, "z1", True),
        (True, Adoptions.HOLD, "z2", False),
        (True, Adoptions.NEVER, "z1", False),
    ],
)
def test_who_may_have_the_account(another: bool, policy: Adoptions, approved: str | None, allowed: bool) -> None:
    adoption = Adoption(account="z1", former="a", name="Ada", another=another)
    assert (why_not_adopted(adoption, policy, approved) is None) is allowed


def test_the_sentence_names_whose_account_it_is() -> None:
    former = Former(account="z1", user_name="ada@contoso.example", person="a", traits=GRAPH)
    adoption = adoption_of(former, Traits(object_id="2", display_name="Different Human"))
    assert adoption.another
    assert "Ada Byron" in str(why_not_adopted(adoption, Adoptions.HOLD, None))
