"""An organisation that already has accounts in Zoho One: the plan names what becomes of each, and the run does that."""

from typing import Any

import pytest

from local.entra.people import PEOPLE
from shared.admin.account_choices import CannotDecide
from shared.rules.change import ChangeKind
from shared.rules.entra_connection import Scope
from shared.rules.history import EventKind
from shared.rules.identity import id_of_object
from shared.rules.matching import Matching, MatchingRule, PairVerdict
from shared.rules.on_demand import OnDemandReport
from shared.rules.run import Result, Run, RunChange, RunKind, RunState
from shared.rules.zoho_user import ZohoField
from shared.sync.apply.people import PeopleApplier
from tests.sync.reconciled import Reconciled

TWELVE = [person for person in PEOPLE if person.account_enabled and person.mail][:12]
SAME, UPPER, OFF, ADDRESS, OTHER_ADDRESS = TWELVE[0], TWELVE[1], TWELVE[2:4], TWELVE[5], TWELVE[6]


def _work(address: str | None) -> list[dict[str, Any]]:
    return [{"type": "work", "value": address}]


def _accounts() -> list[dict[str, Any]]:
    """Nine accounts: five of twelve people by their names, two by their addresses alone, two nobody's."""
    names = [SAME.user_principal_name, UPPER.user_principal_name.upper(), *(one.user_principal_name for one in OFF)]
    named: list[dict[str, Any]] = [
        {"userName": name, "title": "By hand"} for name in (*names, TWELVE[4].user_principal_name)
    ]
    for account, active in zip(named, (True, True, False, True, True), strict=True):
        account["active"] = active
    return [
        *named,
        {"userName": "other.name@old.example", "emails": _work(ADDRESS.mail), "active": True},
        {"userName": "maiden.name@old.example", "emails": _work(str(OTHER_ADDRESS.mail).upper()), "active": True},
        {"userName": "scanner@old.example", "displayName": "Scanner", "active": True},
        {"userName": "old.intern@old.example", "active": False},
    ]


@pytest.fixture
def there(reconciled: Reconciled) -> Reconciled:
    """Twelve people in scope, and nine accounts in Zoho One before the first cycle."""
    for person in PEOPLE:
        if person not in TWELVE:
            reconciled.entra.act({"do": "unassign", "id": person.id})
    for account in _accounts():
        reconciled.zoho_one.add(account)
    return reconciled


def _changes(there: Reconciled, run: Run) -> dict[str, RunChange]:
    return {each.change.user_name: each for each in there.bridge.runs.changes(there.store_id, run.id, count=100)}


def _propose_what(there: Reconciled) -> dict[str, str]:
    """The account that is proposed to each person, by their ids."""
    return {each.change.identity: each.accounts[0].account for each in there.bridge.proposals.all(there.store_id)}


def _kinds(there: Reconciled) -> list[EventKind]:
    return [event.kind for event in there.bridge.identities.history(there.store_id, id_of_object(ADDRESS.id))]


def test_the_plan_names_what_becomes_of_every_account_and_the_run_does_just_that(there: Reconciled) -> None:
    preview = there.bridge.dry_run(there.store)
    assert preview.plan.counts == {ChangeKind.ADOPT: 5, ChangeKind.CREATE: 5, ChangeKind.PROPOSE: 2}
    assert preview.breaches == ()
    reading = there.bridge.unmanaged.reading(there.store)
    assert reading is not None
    assert (reading.accounts, reading.unmanaged, reading.active) == (9, 9, 7)
    off = next(each for each in preview.plan.changes if each.identity == id_of_object(OFF[0].id))
    assert off.adopts is not None
    assert "It stays deactivated: Somebody deactivated the account in Zoho One by hand" in off.reason
    assert off.fields == ()
    asks = {each.user_name: each for each in preview.plan.proposals}
    assert set(asks) == {ADDRESS.user_principal_name, OTHER_ADDRESS.user_principal_name}
    first = asks[ADDRESS.user_principal_name]
    assert "with this email address" in first.reason
    assert (ZohoField.USER_NAME, "other.name@old.example", ADDRESS.user_principal_name) in [
        (part.field, part.before, part.after) for part in first.fields
    ]
    before = {user["id"]: user for user in there.zoho_one.users()}

    run = there.cycle()
    assert (run.state, run.digest) == (RunState.DONE, preview.plan.digest)
    assert run.planned == preview.plan.counts
    assert run.results == {Result.DONE: 10, Result.WAITS: 2}
    after = {user["id"]: user for user in there.zoho_one.users()}
    assert len(after) == 9 + 5, "nobody got a second account"
    changed = {user["userName"] for key, user in before.items() if user != after[key]}
    assert len(changed) == 4, "five were adopted, of which one is deactivated and stays as it is"
    assert there.bridge.unmanaged.reading(there.store) == reading, "a cycle with few changes reads nothing more"
    left = {each.user_name for each in there.bridge.unmanaged.all(there.store_id)}
    assert left == {
        "other.name@old.example",
        "maiden.name@old.example",
        "scanner@old.example",
        "old.intern@old.example",
    }
    full = there.cycle(RunKind.FULL_CYCLE)
    assert (full.accounts, full.unmanaged, full.unmanaged_active) == (14, 4, 3)
    assert full.results == {Result.WAITS: 2}
    assert _kinds(there) == [EventKind.PROPOSED], "once, for the same proposal"


def test_a_proposal_is_accepted_or_rejected_and_the_next_cycle_does_that(there: Reconciled) -> None:
    there.cycle()
    proposed, choices, store = _propose_what(there), there.bridge.account_choices, there.store_id
    one, other = id_of_object(ADDRESS.id), id_of_object(OTHER_ADDRESS.id)
    choices.accept(store, one, proposed[one], "ada")
    choices.undo(store, one, proposed[one])
    choices.reject(store, one, proposed[one], "ada")
    choices.accept(store, one, proposed[one], "ada")  # the last word counts
    choices.reject(store, other, proposed[other], "ada")
    with pytest.raises(CannotDecide, match="chosen for another"):
        choices.link(store, other, proposed[one], "ada")
    run = there.cycle()
    changes = _changes(there, run)
    assert run.planned == {ChangeKind.ADOPT: 1, ChangeKind.CREATE: 1}
    assert run.results == {Result.DONE: 2}
    assert "ada accepted the proposal on" in changes[ADDRESS.user_principal_name].change.reason
    accounts = {user["id"]: user for user in there.zoho_one.users()}
    assert accounts[proposed[one]]["userName"] == ADDRESS.user_principal_name
    assert accounts[proposed[other]]["userName"] == "maiden.name@old.example", "nobody has touched it"
    assert OTHER_ADDRESS.user_principal_name in {user["userName"] for user in accounts.values()}
    event = there.bridge.identities.history(store, one)[0]
    assert (event.kind, "ada accepted the proposal" in event.reason) == (EventKind.ADOPTED, True)
    with pytest.raises(CannotDecide, match="applied already"):
        choices.undo(store, one, proposed[one])
    assert list(there.bridge.proposals.all(store)) == []
    assert [pair.verdict for pair in choices.decisions.pairs(store)] == [PairVerdict.REJECTED]
    assert there.cycle().planned == {}, "a rejected pair is not proposed again"


def test_a_decision_that_is_undone_in_time_is_not_applied(there: Reconciled) -> None:
    there.cycle()
    one, proposed = id_of_object(ADDRESS.id), _propose_what(there)
    there.bridge.account_choices.accept(there.store_id, one, proposed[one], "ada")
    assert there.bridge.dry_run(there.store).plan.counts == {ChangeKind.ADOPT: 1, ChangeKind.PROPOSE: 1}
    there.bridge.account_choices.undo(there.store_id, one, proposed[one])
    assert there.cycle().planned == {ChangeKind.PROPOSE: 2}


@pytest.mark.parametrize("happens", ["undone", "deleted", "changed", "somebody else's"])
def test_an_adoption_that_is_not_as_planned_any_more_waits(
    there: Reconciled, happens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the plan and the turn of the person, who waits for the next plan and gets no second account."""
    there.cycle()
    one, store, bridge = id_of_object(ADDRESS.id), there.store_id, there.bridge
    account = _propose_what(there)[one]
    bridge.account_choices.accept(store, one, account, "ada")
    original = PeopleApplier.apply

    def apply(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(PeopleApplier, "apply", original)
        if happens == "undone":
            bridge.account_choices.undo(store, one, account)
        elif happens == "deleted":
            bridge.users(there.store).delete(account)
        elif happens == "changed":
            there.zoho_one.change("other.name@old.example", title="Another")
        else:
            other = there.identity(SAME.id)
            assert other is not None
            stored = bridge.identities.read(store, other.id)
            assert stored is not None
            assert stored.identity.account is not None
            theirs = stored.identity.account.model_copy(update={"id": account})
            bridge.identities.write(store, stored, stored.identity.model_copy(update={"account": theirs}))
        return original(*arguments, **named)

    monkeypatch.setattr(PeopleApplier, "apply", apply)
    changes = _changes(there, there.cycle())
    mine = changes[ADDRESS.user_principal_name]
    assert (mine.change.kind, mine.result) == (ChangeKind.ADOPT, Result.FAILED), mine
    assert "the next plan shows" in str(mine.failure)
    assert ADDRESS.user_principal_name not in there.accounts()
    planned = there.cycle().planned
    kinds = {"undone": ChangeKind.PROPOSE, "changed": ChangeKind.ADOPT}
    assert planned.get(kinds.get(happens, ChangeKind.CREATE), 0) >= 1
    assert len([user for user in there.zoho_one.users() if user.get("emails") == _work(ADDRESS.mail)]) == 1 + (
        happens == "somebody else's"
    )


def test_an_adoption_whose_answer_was_lost_goes_on_with_the_same_account(there: Reconciled) -> None:
    there.cycle()
    one, store = id_of_object(ADDRESS.id), there.store_id
    account = _propose_what(there)[one]
    there.bridge.account_choices.accept(store, one, account, "ada")
    there.zoho_one.fail(method="PATCH", path=f"/Users/{account}", drop="after", times=9)
    first = _changes(there, there.cycle())[ADDRESS.user_principal_name]
    assert (first.change.kind, first.result) == (ChangeKind.ADOPT, Result.FAILED)
    there.zoho_one.forget_faults()
    there.cycle()
    identity = there.identity(ADDRESS.id)
    assert identity is not None
    assert identity.account is not None
    assert (identity.account.id, identity.pending) == (account, None)
    assert there.bridge.identities.history(store, one)[0].kind is EventKind.ADOPTED
    assert list(there.bridge.account_choices.decisions.pairs(store)) == []


def test_what_was_decided_on_an_account_goes_with_it(there: Reconciled) -> None:
    there.cycle()
    proposed, choices, store = _propose_what(there), there.bridge.account_choices, there.store_id
    one, other = id_of_object(ADDRESS.id), id_of_object(OTHER_ADDRESS.id)
    choices.reject(store, one, proposed[one], "ada")
    choices.accept(store, other, proposed[other], "ada")
    scanner = there.accounts()["scanner@old.example"]["id"]
    choices.set_aside(store, scanner, "A scanner.", "ada")
    for name in ("other.name@old.example", "scanner@old.example"):
        there.zoho_one.remove(name)
    assert there.cycle(RunKind.FULL_CYCLE).results == {Result.DONE: 2}
    decided = choices.decisions.all(store)
    assert (list(decided.pairs), dict(decided.aside)) == ([], {})


def test_on_demand_nobody_gets_a_second_account(there: Reconciled) -> None:
    """Also where nothing was ever read: the first who comes lets all accounts be read."""

    def provision() -> OnDemandReport:
        _, (report,) = there.bridge.on_demand.provision(there.store, [ADDRESS.id], "ada")
        return report

    there.change(entra=there.entra.connection(scope=Scope.ALL_USERS))
    report = provision()
    assert (report.kind, report.result) == (ChangeKind.PROPOSE, Result.FAILED)
    assert "with this email address" in report.steps[-1].told
    assert len(there.zoho_one.users()) == 9
    account = there.accounts()["other.name@old.example"]["id"]
    there.bridge.account_choices.link(there.store_id, id_of_object(ADDRESS.id), account, "ada")
    report = provision()
    assert (report.kind, report.result) == (ChangeKind.ADOPT, Result.DONE)
    assert there.accounts()[ADDRESS.user_principal_name]["id"] == account
    assert len(there.zoho_one.users()) == 9


def test_where_zoho_one_does_not_list_its_accounts_nobody_is_created(there: Reconciled) -> None:
    there.zoho_one.fail(method="GET", path="/Users", status=503, times=9)
    run = there.cycle()
    assert (run.state, run.planned, run.suppressed) == (RunState.FAILED, {}, 12)
    assert len(there.zoho_one.users()) == 9
    there.zoho_one.forget_faults()
    assert there.cycle().results == {Result.DONE: 10, Result.WAITS: 2}


def test_an_account_is_linked_by_hand_or_set_aside(there: Reconciled) -> None:
    there.bridge.dry_run(there.store)
    names = {each.user_name: each.id for each in there.bridge.unmanaged.all(there.store_id)}
    choices, store, same = there.bridge.account_choices, there.store_id, id_of_object(SAME.id)
    choices.set_aside(store, names[SAME.user_principal_name], "A service account.", "ada")
    choices.set_aside(store, names["maiden.name@old.example"], "Left the company.", "ada")
    run = there.cycle()
    assert run.planned == {ChangeKind.ADOPT: 4, ChangeKind.CREATE: 6, ChangeKind.PROPOSE: 1}
    assert run.suppressed == 1, "Zoho One has no name twice, so that person waits"
    choices.link(store, same, names["scanner@old.example"], "ada")
    choices.take_back(store, names[SAME.user_principal_name])
    run = there.cycle()
    assert run.planned == {ChangeKind.ADOPT: 1, ChangeKind.PROPOSE: 1}
    assert _changes(there, run)[SAME.user_principal_name].result is Result.FAILED, "another account has the name"


def test_a_rule_may_use_the_tenants_default_domain(there: Reconciled) -> None:
    person = TWELVE[8]
    rule = MatchingRule(field=ZohoField.USER_NAME, expression='Join("@", [mailNickname], DefaultDomain())')
    there.change(matching=Matching(rules=(rule,)), default_domain="old.example")
    there.zoho_one.add({"userName": f"{person.mail_nickname}@old.example", "active": True})
    asks = {each.identity: each for each in there.bridge.dry_run(there.store).plan.proposals}
    assert asks[id_of_object(person.id)].proposes[0].rule == str(rule)
