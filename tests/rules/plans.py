"""People and plans for the tests of cycles, guard and reports."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from shared.rules.azure_user import AzureUser
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.identity import Account, Identity, PendingChange, SourceState
from shared.rules.keys import Keys
from shared.rules.plan import Plan, PlannedChange
from shared.rules.zoho_user import Desired, ZohoField, ZohoUser

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def user(name: str, active: bool = True, **fields: str) -> ZohoUser:
    """An account."""
    values = {ZohoField(field): value for field, value in fields.items()}
    return ZohoUser(active=active, fields={ZohoField.USER_NAME: name, **values})


def identity(name: str, holds: ZohoUser | None, desired: Desired, pending: str | None = None, by: str = "") -> Identity:
    """A person with what Zoho One holds and should hold; ``by``: who deactivated the account."""
    said = SourceState(
        resource='{"password": "do not tell"}',
        keys=Keys(user_name=name),
        source=AzureUser(user_principal_name=name, display_name=name.title()),
        desired=desired,
        modified=NOON,
    )
    by_whom = "hand" if by == "hand" else "bridge" if holds and not holds.active else None
    return Identity(
        id=f"id-of-{name}",
        said=said,
        account=Account(id=f"zoho-{name}", holds=holds, deactivated_by=by_whom) if holds else None,
        pending=PendingChange(reason=pending, before=None, lease_ends=NOON) if pending else None,
        created=NOON,
    )


def changes(kind: ChangeKind, count: int, *fields: ZohoField, first: int = 0) -> tuple[PlannedChange, ...]:
    """So many changes of one kind, of these fields."""
    parts = tuple(FieldChange(field=field, before="old", after="new") for field in fields)
    return tuple(
        PlannedChange(kind=kind, identity=f"{kind}-{n}", name=f"N{n}", user_name=f"n{n}", fields=parts, reason="Why.")
        for n in range(first, first + count)
    )


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_FIELDS = st.builds(FieldChange, field=st.sampled_from(ZohoField), before=st.none() | _TEXTS, after=st.none() | _TEXTS)
CHANGES = st.builds(
    PlannedChange,
    kind=st.sampled_from(ChangeKind),
    identity=st.text("0123456789abcdef", min_size=4, max_size=4),
    name=_TEXTS,
    user_name=_TEXTS,
    fields=st.lists(_FIELDS, max_size=3).map(tuple),
    reason=_TEXTS,
    pending=st.booleans(),
)
PLANS = st.builds(
    Plan,
    store=st.just("contoso"),
    changes=st.lists(CHANGES, max_size=8, unique_by=lambda change: change.identity).map(tuple),
    suppressed=st.lists(CHANGES, max_size=3).map(tuple),
)
