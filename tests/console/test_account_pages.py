"""Proposals and unmanaged accounts on the pages: seen, decided, undone; and the next cycle does just that."""

import csv
import io
import re

import pytest
from werkzeug.test import TestResponse

from shared.rules.matching import MatchOutcome
from shared.rules.run import Result, RunKind
from tests.console.conftest import Pages
from tests.sync.existing_accounts import ANNA, BEN, SCANNER, let_two_wait, user_names
from tests.sync.reconciled import Reconciled


@pytest.fixture
def proposed(reconciled: Reconciled) -> Reconciled:
    """Two people wait, and a scanner's account is nobody's."""
    let_two_wait(reconciled)
    return reconciled


def _pair(pages: Pages, reconciled: Reconciled, name: str) -> dict[str, str]:
    """The ids that the page's form sends for a person."""
    found = next(each for each in pages.bridge.proposals.all(reconciled.store_id) if each.change.name == name)
    return {"person": found.change.identity, "account": found.accounts[0].account}


def _decide(pages: Pages, reconciled: Reconciled, **form: str) -> TestResponse:
    return pages.post(f"/stores/{reconciled.store_id}/proposals/decide", **form)


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_both_sides_stand_beside_each_other_with_the_reason(pages: Pages, proposed: Reconciled) -> None:
    shown = pages.get(f"/stores/{proposed.store_id}/proposals").text
    assert "2 proposals" in shown
    assert ANNA.display_name in shown
    assert "anna.old@zoho.example" in shown
    assert f"<ins>{ANNA.user_principal_name}</ins>" in shown
    assert "Zoho One has an account with this email address; an administrator has to say" in shown


def test_accepted_is_adopted_and_rejected_gets_an_account_of_its_own(pages: Pages, proposed: Reconciled) -> None:
    assert _decide(pages, proposed, what="accept", **_pair(pages, proposed, ANNA.display_name)).status_code == 303
    assert _decide(pages, proposed, what="reject", **_pair(pages, proposed, BEN.display_name)).status_code == 303
    shown = pages.get(f"/stores/{proposed.store_id}/proposals").text
    assert len(re.findall("the next cycle applies it", shown)) == 2
    proposed.cycle()
    names = user_names(proposed)
    assert ANNA.user_principal_name in names
    assert "anna.old@zoho.example" not in names
    assert {BEN.user_principal_name, "ben.old@zoho.example"} <= names
    assert "Nothing is proposed" in pages.get(f"/stores/{proposed.store_id}/proposals").text


def test_a_decision_is_undone_until_it_is_applied(pages: Pages, proposed: Reconciled) -> None:
    pair = _pair(pages, proposed, ANNA.display_name)
    _decide(pages, proposed, what="accept", **pair)
    assert _decide(pages, proposed, what="undo", **pair).status_code == 303
    proposed.cycle()
    assert "anna.old@zoho.example" in user_names(proposed)
    _decide(pages, proposed, what="accept", **pair)
    proposed.cycle()
    late = _decide(pages, proposed, what="undo", **pair)
    assert (late.status_code, "It is applied already" in late.text) == (409, True)


def test_all_of_a_rule_are_decided_at_once(pages: Pages, proposed: Reconciled) -> None:
    shown = pages.get(f"/stores/{proposed.store_id}/proposals").text
    assert "Accept all 2" in shown
    done = pages.post(f"/stores/{proposed.store_id}/proposals/decide-all", rule="email", what="accept")
    assert "2 proposals accepted; the next cycle applies that." in done.text
    run = proposed.cycle()
    assert run.results.get(Result.DONE) == 2
    assert not user_names(proposed) & {"anna.old@zoho.example", "ben.old@zoho.example"}


def test_a_spreadsheet_decides(pages: Pages, proposed: Reconciled) -> None:
    text = pages.get(f"/stores/{proposed.store_id}/proposals/proposals.csv").text
    rows = _read(text)
    filled = io.StringIO()
    writer = csv.DictWriter(filled, rows[0].keys())
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"decision": "accept" if row["name"] == ANNA.display_name else ""})
    writer.writerow(dict.fromkeys(rows[0], "") | {"person": "nobody", "account": "nothing", "decision": "reject"})
    path = f"/stores/{proposed.store_id}/proposals/file"
    done = pages.post(path, file=(io.BytesIO(filled.getvalue().encode()), "proposals.csv"))
    assert "1 of 2 filled-in rows decided" in done.text
    assert "Line 4: The last plan does not propose this any more." in done.text
    proposed.cycle()
    assert "anna.old@zoho.example" not in user_names(proposed)
    wrong = pages.post(path, file=(io.BytesIO(b"person,account,decision\np,a,perhaps\n"), "x.csv"))
    assert (wrong.status_code, "Line 2: the decision is accept, reject or link" in wrong.text) == (422, True)


def test_what_nobody_manages_is_found_by_name_and_by_filters(pages: Pages, proposed: Reconciled) -> None:
    path = f"/stores/{proposed.store_id}/unmanaged"
    everything = pages.get(path).text
    assert "3 of " in everything
    everybody = {"Scanner", "anna.old", "ben.old"}
    for asked, expected in (
        ("typed=scan", {"Scanner"}),
        ("typed=zzz", set[str]()),
        ("active=yes", everybody),
        ("active=no", set[str]()),
        ("domain=@contoso.example", everybody),
        ("domain=zoho.example", set[str]()),
        ("state=unmatched", {"Scanner"}),
        ("state=aside", set[str]()),
        ("seen=old", set[str]()),
        ("seen=new", everybody),
    ):
        shown = pages.get(f"{path}?{asked}").text
        assert {name for name in everybody if name in shown} == expected, asked
    rows = _read(pages.get(f"{path}/unmanaged.csv?state=unmatched").text)
    assert [row["user name"] for row in rows] == ["scanner@contoso.example"]


def test_an_account_is_set_aside_with_a_reason_and_taken_back(pages: Pages, proposed: Reconciled) -> None:
    (scanner,) = (each for each in pages.bridge.unmanaged.all(proposed.store_id) if each.name.startswith("Scanner"))
    path = f"/stores/{proposed.store_id}/unmanaged/{scanner.id}"
    refused = pages.post(path, what="aside", reason=" ")
    assert (refused.status_code, "Say why" in refused.text) == (409, True)
    assert pages.post(path, what="aside", reason="A device").status_code == 303
    assert "local set it aside" in pages.get(path).text
    assert "A device" in pages.get(f"/stores/{proposed.store_id}/unmanaged?state=aside").text
    pages.post(path, what="take back")
    assert "A device" not in pages.get(path).text


def test_an_account_is_linked_to_a_person_by_hand(pages: Pages, proposed: Reconciled) -> None:
    """Whatever the rules say: the scanner's account becomes Anna's, who waited for another."""
    (scanner,) = (each for each in pages.bridge.unmanaged.all(proposed.store_id) if each.name.startswith("Scanner"))
    path = f"/stores/{proposed.store_id}/unmanaged/{scanner.id}"
    person = _pair(pages, proposed, ANNA.display_name)["person"]
    found = pages.get(f"{path}?typed={ANNA.display_name}").text
    assert f'value="{person}"' in found
    assert pages.post(path, what="link", person=person).status_code == 303
    assert "Linked for" in pages.get(path).text
    proposed.cycle()
    assert ANNA.user_principal_name in user_names(proposed)
    assert SCANNER["userName"] not in user_names(proposed)
    assert "anna.old@zoho.example" in user_names(proposed), "the account that was proposed stays as it is"
    assert pages.get(path).status_code == 404


def test_counts_of_full_cycles_show_how_they_change(pages: Pages, proposed: Reconciled) -> None:
    proposed.cycle(RunKind.FULL_CYCLE)
    proposed.zoho_one.add({"userName": "new@contoso.example", "active": False})
    proposed.cycle(RunKind.FULL_CYCLE)
    shown = pages.get(f"/stores/{proposed.store_id}/unmanaged").text
    table = re.findall(r"<td>(\d+)</td><td>(\d+)</td>", shown[shown.index("Over time") :])
    assert table[:2] == [("4", "3"), ("3", "3")]


def test_matching_rules_are_added_ordered_and_removed(pages: Pages, proposed: Reconciled) -> None:
    path = f"/stores/{proposed.store_id}/matching"
    shown = pages.get(path).text
    seen = re.search(r'name="seen" value="([^"]+)"', shown)
    assert seen is not None
    boxes = {
        "rule-1.place": "2", "rule-1.field": "userName", "rule-1.expression": "", "rule-1.outcome": "adopt",
        "rule-2.place": "3", "rule-2.field": "", "rule-2.expression": "", "rule-2.outcome": "propose",
        "rule-3.place": "1", "rule-3.field": "externalId", "rule-3.expression": "[employeeId]",
        "rule-3.outcome": "adopt",
    }  # fmt: skip
    wrong = pages.post(path, seen=seen[1], **boxes | {"rule-3.expression": "[employeId]"})
    assert (wrong.status_code, "did you mean employeeId?" in wrong.text) == (422, True)
    assert 'value="[employeId]"' in wrong.text, "what was typed stays"
    assert pages.post(path, seen=seen[1], **boxes).status_code == 303
    store = pages.bridge.stores.read(proposed.store_id)
    assert store is not None
    rules = [(rule.field.value, rule.expression, rule.outcome) for rule in store.matching.rules]
    assert rules == [("externalId", "[employeeId]", MatchOutcome.ADOPT), ("userName", None, MatchOutcome.ADOPT)]


def test_an_account_that_is_gone_and_a_choice_that_is_none_are_told(pages: Pages, proposed: Reconciled) -> None:
    assert pages.get(f"/stores/{proposed.store_id}/unmanaged/nothing").status_code == 404
    assert _decide(pages, proposed, what="perhaps", person="p", account="a").status_code == 422
    assert pages.post(f"/stores/{proposed.store_id}/proposals/decide-all", rule="email", what="?").status_code == 422
    gone = _decide(pages, proposed, what="accept", person="p", account="a")
    assert (gone.status_code, "does not propose this any more" in gone.text) == (409, True)
