"""Rows of accounts in Zoho One: who owns an account, and who owned it if that person is gone."""

from shared.rules.former import Former
from shared.rules.identity import Account
from shared.rules.user_name import folded
from shared.tables.claims import claim
from shared.tables.record_table import Row


def account_row(account: Account, owner: str | None, former: Former | None = None) -> Row:
    """Return an account's row; without an owner, nobody manages it. ``former``: the person who left it."""
    row = {"account": account.id}
    row |= {"deactivatedBy": account.deactivated_by} if account.deactivated_by else {}
    row |= {"id": owner} if owner else {}
    return row | (former_row(former) if former else {})


def former_key(former: Former) -> str:
    """Return the key of the row that finds an account whose person is gone."""
    return f"{claim('former', folded(former.user_name))}:{claim('account', former.account)[-32:]}"


def former_row(former: Former) -> Row:
    """Return what is stored of that person."""
    return {"former": former.model_dump_json(exclude_defaults=True)}
