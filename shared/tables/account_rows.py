"""The rows of accounts in Zoho One: whose an account is, and whose it was where the person is gone."""

from shared.rules.former import Former
from shared.rules.identity import Account
from shared.rules.user_name import folded
from shared.tables.claims import claim
from shared.tables.record_table import Row


def account_row(account: Account, owner: str | None, former: Former | None = None) -> Row:
    """What is kept of an account; without an owner it was left behind. ``former``: by whom."""
    row = {"account": account.id}
    row |= {"deactivatedBy": account.deactivated_by} if account.deactivated_by else {}
    row |= {"id": owner} if owner else {}
    return row | (former_row(former) if former else {})


def former_key(former: Former) -> str:
    """Of the row by which an account is found whose person is gone."""
    return f"{claim('former', folded(former.user_name))}:{claim('account', former.account)[-32:]}"


def former_row(former: Former) -> Row:
    """What is kept of the person."""
    return {"former": former.model_dump_json(exclude_defaults=True)}
