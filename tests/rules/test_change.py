"""The way from what Zoho One holds to what it should hold."""

import pytest

from shared.rules.change import ChangeKind, plan_change
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser

NAME, TITLE = ZohoField.USER_NAME, ZohoField.TITLE


def user(active: bool = True, **fields: str) -> ZohoUser:
    return ZohoUser(active=active, fields={NAME: "ada", **{ZohoField(name): value for name, value in fields.items()}})


CASES: list[tuple[ZohoUser | None, Desired, ChangeKind, list[tuple[str, str | None, str | None]]]] = [
    # Zoho One holds        it should hold       kind                    fields: name, before, after
    (None, None, ChangeKind.NOTHING, []),
    (None, "deleted", ChangeKind.NOTHING, []),
    (None, user(), ChangeKind.CREATE, [("userName", None, "ada")]),
    (None, user(active=False), ChangeKind.NOTHING, []),  # the disabled are never newly created
    (user(), None, ChangeKind.NOTHING, []),  # let go: not the bridge's any more
    (user(), "deleted", ChangeKind.DELETE, []),
    (user(active=False), "deleted", ChangeKind.DELETE, []),
    (user(), user(), ChangeKind.NOTHING, []),
    (user(), user(title="x"), ChangeKind.UPDATE, [("title", None, "x")]),
    (user(title="x"), user(), ChangeKind.UPDATE, [("title", "x", None)]),
    (user(title="x"), user(title="y"), ChangeKind.UPDATE, [("title", "x", "y")]),
    (user(), user(active=False), ChangeKind.DEACTIVATE, []),
    (user(active=False), user(), ChangeKind.REACTIVATE, []),
    (user(), user(active=False, title="x"), ChangeKind.DEACTIVATE, [("title", None, "x")]),
]


@pytest.mark.parametrize(("holds", "desired", "kind", "fields"), CASES)
def test_a_change_says_what_and_in_which_fields(
    holds: ZohoUser | None, desired: Desired, kind: ChangeKind, fields: list[tuple[str, str | None, str | None]]
) -> None:
    change = plan_change(holds, desired)
    assert change.kind is kind
    assert [(part.field, part.before, part.after) for part in change.fields] == fields
