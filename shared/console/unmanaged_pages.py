"""Accounts in Zoho One that nobody manages: looked through, linked to a person or set aside, and never changed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from flask import Blueprint, request

from shared.admin.account_choices import CannotDecide
from shared.console.context import NoSuchThing, View, admin, as_file, go, page, parts, the_store
from shared.rules.account_csv import unmanaged_csv
from shared.rules.matching import SetAside
from shared.rules.store import Store
from shared.rules.unmanaged import UnmanagedAccount
from shared.rules.zoho_user import ZOHO_FIELDS

blueprint = Blueprint("unmanaged", __name__, url_prefix="/console/stores/<store_id>/unmanaged")

SHOWN = 50
"""Accounts on a page."""
LOOKED = 3_000
"""Accounts looked through for a page of a filter: three round trips. The next page goes on behind them."""
PEOPLE = 10
"""People found to link an account to."""
RECENT = timedelta(days=7)
"""An account that was first seen later than that is new."""
READINGS = 30
"""Full cycles whose counts are shown."""


class Row(NamedTuple):
    """An account in the list."""

    account: UnmanagedAccount
    aside: SetAside | None


type Filter = Callable[[UnmanagedAccount, SetAside | None], bool]


@blueprint.get("")
def listed(store_id: str) -> View:
    """Accounts in the order of their rows, a page at a time, or those that begin as typed."""
    store, asked = the_store(store_id), request.args
    typed = asked.get("typed", "").strip()
    aside, is_wanted = _aside(store_id), _filter(store_id)
    if typed:
        found = parts().accounts.unmanaged.search(store_id, typed, SHOWN)
        rows, after = [Row(each, aside.get(each.id)) for each in found if is_wanted(each, aside.get(each.id))], None
    else:
        rows, after = _some(store_id, asked.get("after", ""), aside, is_wanted)
    return page(
        "console/unmanaged.html",
        store=store,
        rows=rows,
        asked={name: asked.get(name, "") for name in ("typed", "active", "domain", "seen", "state")},
        next=after,
        first=asked.get("after", "") == "",
        reading=parts().accounts.unmanaged.reading(store),
        most=SHOWN,
        trend=_trend(store_id),
    )


def _some(store_id: str, after: str, aside: dict[str, SetAside], is_wanted: Filter) -> tuple[list[Row], str | None]:
    """A page of accounts, and after which one the next begins; None: there are no others."""
    looked = parts().accounts.unmanaged.page(store_id, LOOKED + 1, after=after)
    rows = list[Row]()
    for number, each in enumerate(looked[:LOOKED]):
        if is_wanted(each, aside.get(each.id)):
            rows.append(Row(each, aside.get(each.id)))
        if len(rows) == SHOWN:
            return rows, each.id if number + 1 < len(looked) else None
    return rows, looked[LOOKED - 1].id if len(looked) > LOOKED else None


def _filter(store_id: str) -> Filter:
    """What the form's filters let through."""
    asked, now = request.args, parts().site.now()
    active, domain, seen, state = (asked.get(name, "").strip() for name in ("active", "domain", "seen", "state"))
    proposed = parts().accounts.proposals.accounts(store_id) if state == "unmatched" else set()

    def is_wanted(account: UnmanagedAccount, aside: SetAside | None) -> bool:
        return (
            (active == "" or account.holds.active is (active == "yes"))
            and (domain == "" or account.domain == domain.casefold().removeprefix("@"))
            and (seen == "" or (account.first_seen > now - RECENT) is (seen == "new"))
            and (state == "" or {"aside": aside is not None, "open": aside is None}.get(state, aside is None))
            and account.id not in proposed
        )

    return is_wanted


def _aside(store_id: str) -> dict[str, SetAside]:
    return {each.account: each for each in parts().accounts.choices.decisions.set_aside(store_id)}


def _trend(store_id: str) -> Sequence[tuple[str, int, int]]:
    """The day, the unmanaged accounts and the active ones among them, of the last full cycles, newest first."""
    runs = parts().runs.table.newest(store_id, 10 * READINGS)
    counted = [run for run in runs if run.accounts]
    return [(f"{run.started:%Y-%m-%d}", run.unmanaged, run.unmanaged_active) for run in counted[:READINGS]]


@blueprint.get("/<path:account_id>")
def account(store_id: str, account_id: str) -> View:
    return _account(the_store(store_id), account_id)


def _account(store: Store, account_id: str, status: int = 200, fault: str = "") -> View:
    found = parts().accounts.unmanaged.get(store.id, account_id)
    if found is None:
        raise NoSuchThing("Zoho One had no such account that nobody manages when its accounts were last read")
    decided = parts().accounts.choices.decisions.of_account(store.id, account_id)
    typed = request.values.get("typed", "").strip()
    people = parts().people.identities.search(store.id, typed, PEOPLE) if typed else []
    return page(
        "console/unmanaged_account.html",
        status,
        store=store,
        account=found,
        aside=decided.aside.get(account_id),
        pairs=decided.pairs,
        typed=typed,
        people=people,
        fields=ZOHO_FIELDS,
        fault=fault,
    )


@blueprint.post("/<path:account_id>")
def decide(store_id: str, account_id: str) -> View:
    """Link the account to a person, set it aside, or take either back."""
    store, choices, form, by = the_store(store_id), parts().accounts.choices, request.form, str(admin())
    try:
        match form.get("what"):
            case "link":
                choices.link(store_id, form.get("person", ""), account_id, by)
            case "unlink":
                choices.undo(store_id, form.get("person", ""), account_id)
            case "aside":
                choices.set_aside(store_id, account_id, form.get("reason", ""), by)
            case "take back":
                choices.take_back(store_id, account_id)
            case _:
                return _account(store, account_id, 422, "Choose what to do with the account.")
    except CannotDecide as refusal:
        return _account(store, account_id, 409, f"{refusal}.")
    return go(".account", store_id=store_id, account_id=account_id)


@blueprint.get("/unmanaged.csv")
def download(store_id: str) -> View:
    """All of them that the filters let through."""
    the_store(store_id)
    aside, is_wanted = _aside(store_id), _filter(store_id)

    def everything() -> Iterator[tuple[UnmanagedAccount, SetAside | None]]:
        for each in parts().accounts.unmanaged.all(store_id):
            if is_wanted(each, aside.get(each.id)):
                yield each, aside.get(each.id)

    return as_file(unmanaged_csv(everything()), f"unmanaged-{store_id}.csv")
