"""Each checker passes right histories, tricky ones too, and fails on each kind of wrong one."""

import ast
import json
import random
from collections.abc import Callable
from cProfile import Profile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulation import openness
from tests.simulation.checkers import CHECKERS, violations
from tests.simulation.facts import Facts
from tests.simulation.observed import (
    AtOnce,
    Condition,
    Constant,
    Difference,
    Direct,
    GroupLink,
    Join,
    Limits,
    Line,
    Observed,
    Planned,
    Rule,
    Run,
    Settings,
    TableRefusal,
    Upper,
    written,
)
from tests.simulation.pushes import Told
from tests.simulation.small_world import RULES, START, SmallWorld

type History = Callable[[], Observed]

RIGHT: list[History] = []
WRONG: list[tuple[str, History]] = []
STAFF = ("ann", "bob", "cleo", "dora")


def right(history: History) -> History:
    """A history in which nothing is wrong."""
    RIGHT.append(history)
    return history


def wrong(letter: str) -> Callable[[History], History]:
    """A history that this checker, and no other, has to find wrong."""

    def note(history: History) -> History:
        WRONG.append((letter, history))
        return history

    return note


def office(*names: str, **settings: object) -> SmallWorld:
    """A store whose people have their accounts."""
    world = SmallWorld(replace(Settings(RULES, scope="all"), **settings))  # type: ignore[arg-type]
    world.hire(*(names or STAFF))
    world.provision(*(names or STAFF))
    world.cycle()
    return world


# --- Right ------------------------------------------------------------------------------------------------------------


@right
def everybody_is_provisioned() -> Observed:
    return office().observed()


@right
def a_leaver_is_shut_out_by_the_next_cycle() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.cycle()
    world.shut_out("ann")
    world.cycle()
    return world.observed()


@right
def a_leaver_is_put_into_the_recycle_bin_and_restored() -> Observed:
    world = office()
    world.entra("ann", gone="in bin")
    world.shut_out("ann")
    world.cycle()
    world.entra("ann", gone="")
    world.apply("reactivate", "ann")
    world.cycle()
    return world.observed()


@right
def the_same_person_created_again_gets_their_account_back() -> Observed:
    world = office()
    world.entra("ann", gone="in bin")
    world.shut_out("ann")
    account = world.has["ann"]
    world.hire("ann2", displayName="Ann", mail="ann@contoso.com")
    world.entra("ann2", upn="ann@contoso.com")
    world.link("ann", None)
    world.apply("adopt", "ann2", world.mapped("ann2"), account=account)
    world.cycle()
    world.entra("ann", gone="purged")
    world.cycle()
    return world.observed()


def _name_handed_on(**settings: object) -> SmallWorld:
    """A leaver's name is given to another person."""
    world = office(**settings)
    world.entra("ann", gone="in bin")
    world.shut_out("ann")
    world.hire("eve")
    world.entra("eve", upn="ann@contoso.com")
    return world


def _adopt(world: SmallWorld, was: str, now: str) -> None:
    account = world.has[was]
    world.link(was, None)
    world.apply("adopt", now, world.mapped(now), account=account)


def _adoption(world: SmallWorld, was: str, now: str) -> Planned:
    account = world.has[was]
    held, wanted = world.accounts[account].fields, world.mapped(now)
    fields = tuple(Difference(name, held.get(name), wanted.get(name)) for name in wanted)
    return Planned("adopt", f"r-{now}", fields, adopts=account)


@right
def a_name_handed_on_waits_for_a_decision() -> Observed:
    world = _name_handed_on()
    world.link("eve", None)
    world.hold(_adoption(world, "ann", "eve"))
    world.cycle(state="held")
    return world.observed()


@right
def a_name_handed_on_is_adopted_once_an_administrator_agrees() -> Observed:
    world = _name_handed_on()
    plan = world.hold(_adoption(world, "ann", "eve"))
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    _adopt(world, "ann", "eve")
    world.move(plan, "applied", "cycle")
    world.cycle()
    return world.observed()


def _left_and_handed_on(world: SmallWorld) -> str:
    """One plan shows that an account leaves its person, and that somebody else adopts it; it is begun."""
    world.entra("ann", gone="in bin")
    world.hire("eve")
    world.entra("eve", upn="ann@contoso.com")
    plan = world.hold(*_leaving("ann"), _adoption(world, "ann", "eve"))
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    return plan


def _left_under_another_name(world: SmallWorld) -> str:
    """An approved plan shows that somebody leaves and gets another name; they leave, and keep the name."""
    world.entra("ann", enabled=False, attributes={**world.people["ann"].attributes, "displayName": "Anna"})
    plan = world.hold(Planned("deactivate", "r-ann", (Difference("displayName", "Ann", "Anna"),)))
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    return plan


@right
def somebody_leaves_though_zoho_one_refuses_what_else_a_plan_shows() -> Observed:
    world = office()
    plan = _left_under_another_name(world)
    world.fail("ann@contoso.com", 409, world.has["ann"])
    world.shut_out("ann")
    world.move(plan, "applied", "cycle")
    world.fail("ann@contoso.com", 409, world.has["ann"])
    return world.observed()


@right
def an_account_leaves_its_person_and_is_not_adopted_within_the_same_plan() -> Observed:
    """What the adoption was shown upon has changed: the next plan shows it."""
    world = office()
    plan = _left_and_handed_on(world)
    world.link("eve", None)
    world.shut_out("ann")
    world.move(plan, "applied", "cycle")
    world.hold(_adoption(world, "ann", "eve"))
    world.cycle(state="held")
    return world.observed()


@right
def a_name_handed_on_is_adopted_where_the_store_always_lets_it() -> Observed:
    world = _name_handed_on(adoptions="always adopt")
    _adopt(world, "ann", "eve")
    return world.observed()


@right
def a_name_handed_on_is_never_adopted_where_the_store_says_so() -> Observed:
    return _name_handed_on(adoptions="never").observed()


def _leaving(*names: str) -> tuple[Planned, ...]:
    return tuple(Planned("deactivate", f"r-{name}") for name in names)


def _mass_departure(world: SmallWorld, *names: str) -> str:
    for name in names:
        world.entra(name, enabled=False)
    plan = world.hold(*_leaving(*names))
    world.cycle(state="held")
    return plan


@right
def a_mass_departure_that_is_held() -> Observed:
    world = office()
    _mass_departure(world, "ann", "bob", "cleo")
    world.cycle(state="held")
    world.cycle(state="held")
    return world.observed()


@right
def a_mass_departure_that_was_approved() -> Observed:
    world = office()
    plan = _mass_departure(world, "ann", "bob", "cleo")
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    world.shut_out("ann", "bob", "cleo")
    world.move(plan, "applied", "cycle")
    world.cycle()
    return world.observed()


@right
def a_mass_departure_that_was_discarded_and_is_held_again() -> Observed:
    world = office()
    plan = _mass_departure(world, "ann", "bob", "cleo")
    world.move(plan, "discarded")
    world.hold(*_leaving("ann", "bob", "cleo"))
    world.cycle(state="held")
    return world.observed()


@right
def a_discarded_departure_that_entra_took_back_and_said_again() -> Observed:
    world = office("ann", "bob", "cleo", "dora", "eli", "finn")
    plan = _mass_departure(world, "ann", "bob", "cleo", "dora")
    world.move(plan, "discarded")
    for name in ("ann", "bob", "cleo", "dora"):
        world.entra(name, enabled=True)
    world.cycle()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    return world.observed()


@right
def a_hand_deactivates_an_account_and_it_is_left_alone() -> Observed:
    world = office()
    world.hand(world.has["ann"], active=False)
    world.entra("ann", attributes={"displayName": "Ann", "jobTitle": "Chief"})
    world.cycle(full=True)
    return world.observed()


@right
def a_hand_changes_an_account_and_the_full_cycle_sets_it_back() -> Observed:
    world = office()
    account = world.accounts[world.has["ann"]]
    world.hand(account.id, fields={**account.fields, "title": "King"})
    world.cycle(full=True)
    world.apply("update", "ann", world.mapped("ann"))
    return world.observed()


@right
def a_hand_changed_an_account_since_the_last_full_cycle() -> Observed:
    world = office()
    account = world.accounts[world.has["ann"]]
    world.cycle(full=True)
    world.hand(account.id, fields={**account.fields, "title": "King"})
    world.hand(world.has["bob"], gone=True)
    world.cycle()
    return world.observed()


@right
def the_bridge_overwrites_what_a_hand_changed_unseen() -> Observed:
    world = office()
    account = world.accounts[world.has["ann"]]
    world.hand(account.id, fields={**account.fields, "title": "King"})
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Chief"})
    world.apply("update", "ann", world.mapped("ann"), line=False)
    known = (Difference("title", "Clerk", "Chief"),)
    world.seen["lines"].append(Line(world.tick(), "r-ann", account.id, "updated", "Entra says so.", known))
    return world.observed()


@right
def an_account_that_a_hand_made_is_nobodys() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "hand@contoso.com"})
    return world.observed()


@right
def an_account_that_a_hand_made_is_adopted() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "eli@contoso.com"})
    world.hire("eli")
    world.apply("adopt", "eli", world.mapped("eli"), account="z-hand")
    return world.observed()


@right
def somebody_waits_whose_address_an_account_has_that_is_nobodys() -> Observed:
    world = office(rules=(*RULES, Rule("email", Direct("mail"))))
    for name in STAFF:
        world.apply("update", name, world.mapped(name, email=f"{name}@contoso.com"))
    world.hand("z-hand", fields={"userName": "other@old.example", "email": "ELI@contoso.com"})
    world.hire("eli")
    world.cycle()
    return world.observed()


@right
def somebody_gets_an_account_whose_address_another_got_that_nothing_has_read() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "other@old.example", "email": "eli@contoso.com"})
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli", email="eli@contoso.com"))
    return world.observed()


@right
def somebody_gets_a_second_account_because_the_only_reading_had_no_answer() -> Observed:
    world = SmallWorld(Settings(RULES, scope="all"))
    world.hand("z-hand", fields={"userName": "other@old.example", "email": "eli@contoso.com"})
    started = world.tick()
    world.fail("", 200)
    world.seen["runs"] = [Run("run-0", "cycle", started, world.tick(), "done")]
    world.tick()
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli", email="eli@contoso.com"), through="push")
    return world.observed()


@right
def a_creation_whose_answer_was_lost_is_recorded_once() -> Observed:
    world = office()
    world.hire("eli")
    account = world.apply("create", "eli", world.mapped("eli"), line=False, link=False)
    world.fail("eli@contoso.com", 0)
    world.cycle(state="failed")
    world.link("eli", account.id if account else None)
    fields = tuple(Difference(name, None, text) for name, text in sorted(world.mapped("eli").items()))
    world.seen["lines"].append(Line(world.tick(), "r-eli", world.has["eli"], "created", "Entra says so.", fields))
    return world.observed()


@right
def a_hand_deletes_an_account_before_the_bridge_learns_that_it_made_it() -> Observed:
    world = office()
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli"), account="z-lost", line=False, link=False)
    world.hand("z-lost", gone=True)
    world.provision("eli")
    return world.observed()


@right
def zoho_one_refuses_somebody_when_all_is_quiet() -> Observed:
    world = office()
    world.hire("eli")
    quiet = world.tick()
    world.fail("eli@contoso.com", 400)
    return world.observed(quiet_since=quiet)


@right
def somebody_is_parked_after_five_refusals() -> Observed:
    world = office()
    world.hire("eli")
    for _ in range(5):
        world.fail("eli@contoso.com", 400)
        world.cycle()
    return world.observed()


@right
def the_rules_do_nothing_for_leavers() -> Observed:
    world = office(on_deactivated="nothing", on_deleted="nothing")
    world.entra("ann", enabled=False)
    world.entra("bob", gone="purged")
    world.link("bob", None)
    for _ in range(3):
        world.cycle()
    return world.observed()


@right
def the_rules_delete_leavers() -> Observed:
    world = office(on_deactivated="delete")
    world.entra("ann", enabled=False)
    world.apply("delete", "ann")
    return world.observed()


@right
def activated_users_are_left_as_they_are() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.set(follows_activation=False)
    world.entra("ann", enabled=True)
    return world.observed()


@right
def everybody_who_meets_the_criteria() -> Observed:
    world = office()
    world.set(criteria=(Condition("jobTitle", "equals", "CLERK"), Condition("mail", "ends with", "x")), match="any")
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Guest"})
    world.apply("deactivate", "ann", world.mapped("ann"))
    return world.observed()


@right
def people_are_assigned_by_a_group() -> Observed:
    world = office("ann", "bob", scope="all")
    world.group("sales", "ann", "bob", assigned=True)
    world.set(scope="assigned")
    world.regroup("sales", "ann", "bob")
    world.group("sales", "ann", assigned=True)
    world.shut_out("bob")
    world.regroup("sales", "ann")
    return world.observed()


@right
def two_people_exchange_their_names() -> Observed:
    world = office()
    world.entra("ann", upn="tmp@contoso.com")
    world.entra("bob", upn="ann@contoso.com")
    world.entra("ann", upn="bob@contoso.com")
    return world.observed()


@right
def members_follow_their_people_and_hands_are_left() -> Observed:
    world = office()
    world.group("sales", "ann", "bob", "cleo")
    world.regroup("sales", "ann", "bob", "cleo")
    world.entra("cleo", enabled=False)
    world.shut_out("cleo")
    world.regroup("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob", "dora", by="hand")
    return world.observed()


@right
def a_member_in_the_recycle_bin_is_out_of_the_group_though_their_account_stays_active() -> Observed:
    """Graph lists nobody of the recycle bin among a group's members."""
    world = office(on_deactivated="nothing")
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.entra("bob", gone="in bin")
    world.regroup("sales", "ann")
    return world.observed()


@right
def a_group_is_deleted_and_zoho_ones_stays() -> Observed:
    world = office()
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.group("sales", gone=True)
    return world.observed()


@right
def a_store_that_is_fed_by_push() -> Observed:
    world = office("ann", "bob", feeds=frozenset({"push"}))
    world.push("ann", method="POST", status=201)
    world.push("bob", method="POST", status=201)
    world.entra("ann", enabled=False)
    world.push("ann")
    world.shut_out("ann")
    return world.observed()


@right
def a_deletion_is_pushed_of_somebody_whom_nobody_manages_any_more() -> Observed:
    world = office("ann", feeds=frozenset({"push"}))
    world.push("ann", method="POST", status=201)
    world.decide("unmanaged", "r-ann")
    account = world.has["ann"]
    world.link("ann", None)
    world.hand(account, gone=True)
    world.entra("ann", gone="purged")
    world.push("ann", method="DELETE", status=404)
    return world.observed()


def _pushed_over(name: str) -> SmallWorld:
    """Ann, who is out of scope, was created again in Entra: its service writes the new object onto her row."""
    world = SmallWorld(Settings(RULES, feeds=frozenset({"push"})))
    world.hire("ann")
    world.push("ann", method="POST", status=201)
    world.provision("ann", account="z-ann", through="push")
    world.seen["links"][-1] = replace(world.seen["links"][-1], object=None)
    world.push("ann", enabled=False)
    world.shut_out("ann", link=False)
    world.entra("ann", gone="in bin")  # which its service does not tell of somebody out of scope
    world.hire("again")
    world.entra("again", upn="ann@contoso.com", attributes=world.people["ann"].attributes)
    world.push("again")
    world.seen["pushes"][-1] = replace(world.seen["pushes"][-1], person="r-ann")
    if name == "again":
        world.apply("reactivate", "ann", link=False)
    for _ in range(2):
        world.cycle()
    return world


@right
def a_row_that_is_anothers_by_push() -> Observed:
    return _pushed_over("again").observed()


def _pushed_active(status: int, feeds: frozenset[str]) -> Observed:
    """A push that says ann is active again; the cycle after it activates her account, and Graph never says so."""
    world = office("ann", feeds=feeds)
    world.push("ann", method="POST", status=201)
    world.entra("ann", enabled=False)
    world.push("ann")
    world.shut_out("ann")
    world.push("ann", status=status, enabled=True)
    world.apply("reactivate", "ann")
    for _ in range(2):
        world.cycle()
    return world.observed(quiet=False)


@right
def a_push_that_was_answered_503_lets_in() -> Observed:
    return _pushed_active(503, frozenset({"push"}))


@right
def a_push_that_was_answered_503_may_count_or_not() -> Observed:
    world = office("ann", "bob", feeds=frozenset({"push"}))
    world.push("ann", method="POST", status=201)
    world.push("ann", status=503, enabled=False)
    return world.observed()


@right
def a_backup_is_put_back_and_somebody_was_forgotten() -> Observed:
    world = office()
    world.hire("eli")
    world.provision("eli")
    world.decide("restored")
    world.link("eli", None)
    world.entra("eli", enabled=False)
    for _ in range(3):
        world.cycle()
    return world.observed()


@right
def a_manager_is_filled_in_within_an_approved_plan() -> Observed:
    world = office(limits=Limits(creations=1))
    world.hire("eli", "finn")
    world.entra("eli", manager="finn")
    shown = [tuple(Difference(n, None, t) for n, t in sorted(world.mapped(one).items())) for one in ("eli", "finn")]
    plan = world.hold(Planned("create", "r-eli", shown[0]), Planned("create", "r-finn", shown[1]))
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    world.provision("eli", "finn")
    world.apply("update", "eli", world.mapped("eli"))
    world.move(plan, "applied", "cycle")
    return world.observed()


@right
def a_one_time_password_is_mailed_again_with_another_one() -> Observed:
    world = office(passwords="user")
    world.password(world.has["ann"], "one", "ann@contoso.com")
    world.password(world.has["ann"], "two", "ann@contoso.com")
    return world.observed()


@right
def departures_one_after_the_other_in_an_hour_each() -> Observed:
    world = office()
    for name in ("ann", "bob", "cleo"):
        world.entra(name, enabled=False)
        world.shut_out(name)
        world.cycle()
    return world.observed()


@right
def zoho_one_does_not_answer_to_a_deactivation_for_three_cycles() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    account = world.has["ann"]
    for _ in range(3):
        started = world.tick(40)
        world.fail("", 500, account)
        world.cycle()
        world.seen["runs"][-1] = replace(world.seen["runs"][-1], started=started)
    world.shut_out("ann")
    return world.observed()


@right
def a_hand_lets_a_leaver_in_until_the_full_cycle() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.hand(world.has["ann"], active=True)
    for _ in range(3):
        world.cycle()
    world.cycle(full=True)
    world.shut_out("ann")
    return world.observed()


def _let_in_for_a_moment(*, is_seen: bool) -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.cycle()
    world.shut_out("ann")
    world.cycle()
    world.hand(world.has["ann"], active=True)
    world.entra("ann", enabled=True)
    if is_seen:
        world.cycle()
    world.entra("ann", enabled=False)
    for _ in range(3):
        world.cycle()
    world.cycle(full=True)
    world.shut_out("ann")
    return world.observed()


@right
def a_hand_lets_a_leaver_in_and_entra_does_so_for_a_moment_that_no_cycle_sees() -> Observed:
    return _let_in_for_a_moment(is_seen=False)


@wrong("b")
def a_push_that_was_refused_lets_nobody_in() -> Observed:
    return _pushed_active(400, frozenset({"push"}))


@wrong("b")
def a_push_that_was_answered_503_lets_nobody_in_whom_graph_tells_of() -> Observed:
    return _pushed_active(503, frozenset({"push", "graph"}))


@wrong("b")
def a_leaver_stays_in_whom_a_cycle_saw_active() -> Observed:
    return _let_in_for_a_moment(is_seen=True)


@right
def nothing_is_done_while_provisioning_is_stopped() -> Observed:
    world = office()
    world.set(started=False)
    world.entra("ann", enabled=False)
    world.hire("eli")
    return world.observed()


@right
def an_administrator_unmanages_somebody() -> Observed:
    world = office()
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Chief"})
    world.link("ann", None)
    world.decide("unmanaged", "r-ann")
    return world.observed()


@right
def a_group_was_let_go_and_is_adopted_with_whom_it_has() -> Observed:
    world = office()
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.group("sales", gone=True)
    world.seen["group_links"].append(GroupLink(world.tick(), "g-sales", "sales", None))
    world.group("sales", "ann", "cleo")
    world.regroup("sales", "ann", "bob", "cleo")
    return world.observed()


@right
def a_hand_deactivates_a_member_and_no_full_cycle_has_seen_it() -> Observed:
    world = office()
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.hand(world.has["bob"], active=False)
    world.cycle()
    return world.observed()


@right
def a_managers_account_is_gone_and_entra_has_not_said_who_follows() -> Observed:
    world = office(on_deleted="delete")
    world.entra("ann", manager="bob")
    world.apply("update", "ann", world.mapped("ann"))
    world.entra("bob", gone="purged")
    world.apply("delete", "bob")
    return world.observed()


@right
def a_value_that_is_set_at_creation_only() -> Observed:
    once = Rule("title", Direct("jobTitle"), only_at_creation=True)
    world = office(rules=(RULES[0], RULES[1], once))
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Chief"})
    return world.observed()


# --- Wrong: (a) -------------------------------------------------------------------------------------------------------


@wrong("a")
def somebody_stays_out_whose_row_is_theirs_by_push() -> Observed:
    return _pushed_over("nobody").observed()


@wrong("a")
def somebody_new_has_no_account() -> Observed:
    world = office()
    world.hire("eli")
    world.cycle()
    return world.observed()


@wrong("a")
def a_field_is_not_what_entra_says() -> Observed:
    world = office()
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Chief"})
    return world.observed()


@wrong("a")
def a_value_that_was_emptied_stays() -> Observed:
    world = office()
    world.entra("ann", attributes={"displayName": "Ann", "mail": "ann@contoso.com"})
    return world.observed()


@wrong("a")
def somebody_who_is_back_stays_shut_out() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.entra("ann", enabled=True)
    return world.observed()


@wrong("a")
def a_leaver_stays_for_one_cycle() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.cycle()
    return world.observed()


@wrong("a")
def a_leaver_is_renamed_to_the_name_in_the_bin() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.apply("deactivate", "ann", world.mapped("ann", userName="0123ann@contoso.com"))
    return world.observed()


@wrong("a")
def a_leaver_is_deactivated_where_the_rules_delete() -> Observed:
    world = office(on_deactivated="delete")
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    return world.observed()


@wrong("a")
def what_a_hand_changed_is_not_set_back_by_the_full_cycle() -> Observed:
    world = office()
    account = world.accounts[world.has["ann"]]
    world.hand(account.id, fields={**account.fields, "title": "King"})
    world.cycle(full=True)
    return world.observed()


@wrong("a")
def an_account_that_a_hand_deleted_is_not_made_again() -> Observed:
    world = office()
    world.hand(world.has["ann"], gone=True)
    world.cycle(full=True)
    return world.observed()


@wrong("a")
def what_the_bridge_deactivated_is_put_down_to_a_hand() -> Observed:
    world = office()
    world.hand(world.has["ann"], active=False)
    world.hand(world.has["ann"], active=True)
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.entra("ann", enabled=True)
    world.cycle(full=True)
    return world.observed()


@wrong("a")
def a_hands_deactivation_is_not_restored_where_the_store_does() -> Observed:
    world = office(restore_by_hand=True)
    world.hand(world.has["ann"], active=False)
    world.cycle(full=True)
    return world.observed()


@wrong("a")
def a_manager_never_reaches_a_report() -> Observed:
    world = office()
    world.entra("ann", manager="bob")
    return world.observed()


@wrong("a")
def a_manager_holds_the_id_of_an_account_of_before() -> Observed:
    world = office()
    world.entra("ann", manager="bob")
    world.apply("update", "ann", world.mapped("ann", manager="z-nobody"))
    return world.observed()


@wrong("a")
def the_same_person_created_again_waits() -> Observed:
    world = office()
    world.entra("ann", gone="in bin")
    world.shut_out("ann")
    world.hire("ann2", displayName="Ann", mail="ann@contoso.com")
    world.entra("ann2", upn="ann@contoso.com")
    world.cycle()
    return world.observed()


@wrong("a")
def a_name_handed_on_is_not_even_planned() -> Observed:
    return _name_handed_on().observed()


@wrong("a")
def somebody_waits_after_one_refusal_before_all_was_quiet() -> Observed:
    world = office()
    world.hire("eli")
    world.fail("eli@contoso.com", 400)
    world.cycle()
    return world.observed()


@wrong("a")
def somebody_parked_of_whom_entra_says_something_new() -> Observed:
    world = office()
    world.hire("eli")
    for _ in range(5):
        world.fail("eli@contoso.com", 400)
    world.entra("eli", upn="elias@contoso.com")
    return world.observed()


@wrong("a")
def somebody_waits_though_nothing_of_them_stands_in_the_held_plan() -> Observed:
    world = office()
    _mass_departure(world, "ann", "bob", "cleo")
    world.entra("dora", attributes={**world.people["dora"].attributes, "jobTitle": "Chief"})
    world.cycle(state="held")
    return world.observed()


@wrong("a")
def a_plan_is_held_that_passes_no_limit() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.hold(*_leaving("ann"))
    world.cycle(state="held")
    return world.observed()


@wrong("a")
def a_member_is_missing() -> Observed:
    world = office()
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann")
    return world.observed()


@wrong("a")
def a_member_who_left_the_group_is_in_it() -> Observed:
    world = office()
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.group("sales", "ann")
    return world.observed()


@wrong("a")
def a_member_whose_account_is_inactive_is_in_the_group() -> Observed:
    world = office()
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.entra("bob", enabled=False)
    world.shut_out("bob")
    return world.observed()


@wrong("a")
def a_member_in_the_recycle_bin_stays_in_the_group() -> Observed:
    world = office(on_deactivated="nothing")
    world.group("sales", "ann", "bob")
    world.regroup("sales", "ann", "bob")
    world.entra("bob", gone="in bin")
    world.cycle()
    return world.observed()


@wrong("a")
def a_group_is_not_there() -> Observed:
    world = office()
    world.group("sales")
    return world.observed()


@wrong("a")
def a_group_keeps_the_name_of_before() -> Observed:
    world = office()
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.set(group_prefix="All ")
    return world.observed()


@wrong("a")
def a_group_stays_where_the_store_deletes_them() -> Observed:
    world = office(group_deleted="delete")
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.group("sales", gone=True)
    return world.observed()


@wrong("a")
def a_member_put_in_by_hand_stays_where_the_store_wants_exact_members() -> Observed:
    world = office(exact_members=True)
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.regroup("sales", "ann", "dora", by="hand")
    world.cycle(full=True)
    return world.observed()


@wrong("a")
def a_push_that_was_accepted_changed_nothing() -> Observed:
    world = office("ann", "bob", feeds=frozenset({"push"}))
    world.push("ann", method="POST", status=201)
    world.push("ann", enabled=False)
    return world.observed()


@wrong("a")
def a_value_set_at_creation_only_is_one_that_the_rule_never_gave() -> Observed:
    once = Rule("title", Direct("jobTitle"), only_at_creation=True)
    world = office(rules=(RULES[0], once))
    for name in STAFF:
        world.apply("update", name, {"userName": f"{name}@contoso.com", "title": "Clerk"})
    world.apply("update", "ann", {"userName": "ann@contoso.com", "title": "King"})
    return world.observed()


# --- Wrong: (b) -------------------------------------------------------------------------------------------------------


@wrong("b")
def a_leaver_stays_for_two_cycles_and_is_then_shut_out() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.cycle()
    world.cycle()
    world.shut_out("ann")
    return world.observed()


@wrong("b")
def a_leaver_whom_a_hand_let_in_stays_after_the_full_cycle() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.hand(world.has["ann"], active=True)
    world.cycle(full=True)
    world.cycle()
    world.cycle()
    world.shut_out("ann")
    return world.observed()


@wrong("b")
def a_leaver_stays_for_two_cycles_without_the_criteria() -> Observed:
    world = office()
    world.set(criteria=(Condition("jobTitle", "is absent"), Condition("mail", "starts with", "bob")), match="any")
    world.shut_out("cleo")
    world.cycle()
    world.shut_out("dora")
    world.cycle()
    world.cycle()
    world.shut_out("ann")
    return world.observed(quiet=False)


@wrong("b")
def a_leaver_stays_though_zoho_one_refused_just_once() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.fail("", 400, world.has["ann"])
    for _ in range(3):
        world.cycle()
    world.shut_out("ann")
    return world.observed()


# --- Wrong: (c) -------------------------------------------------------------------------------------------------------


@wrong("c")
def more_than_half_leave_at_once() -> Observed:
    world = office()
    for name in ("ann", "bob", "cleo"):
        world.entra(name, enabled=False)
    world.shut_out("ann", "bob", "cleo")
    return world.observed()


@wrong("c")
def more_than_half_leave_one_by_one_within_forty_minutes() -> Observed:
    world = office()
    for name in ("ann", "bob", "cleo"):
        world.entra(name, enabled=False)
        world.shut_out(name, through="push")
        world.tick(8)
    return world.observed()


@wrong("c")
def somebody_leaves_by_a_plan_that_was_overtaken() -> Observed:
    world = office()
    plan = _mass_departure(world, "ann", "bob", "cleo")
    world.move(plan, "approved")
    world.move(plan, "overtaken", "cycle")
    world.shut_out("ann", "bob", "cleo")
    return world.observed()


@wrong("c")
def a_discarded_departure_is_applied_alone() -> Observed:
    world = office()
    plan = _mass_departure(world, "ann", "bob", "cleo")
    world.move(plan, "discarded")
    world.tick(90)
    world.shut_out("ann")
    return world.observed(quiet=False)


@wrong("c")
def more_leave_than_a_plan_showed() -> Observed:
    world = office("ann", "bob", "cleo", "dora", "eli", limits=Limits(share_percent=20))
    plan = _mass_departure(world, "ann", "bob", "cleo")
    world.move(plan, "approved")
    world.entra("dora", enabled=False)
    world.entra("eli", enabled=False)
    world.shut_out("dora", "eli", "ann")
    return world.observed(quiet=False)


@wrong("c")
def inactive_accounts_are_deleted_by_the_dozen() -> Observed:
    world = office(on_deleted="delete")
    for name in ("ann", "bob", "cleo"):
        world.entra(name, enabled=False)
        world.shut_out(name)
        world.cycle()
    for name in ("ann", "bob", "cleo"):
        world.entra(name, gone="purged")
        world.apply("delete", name)
    return world.observed()


@wrong("c")
def most_groups_are_deleted_at_once() -> Observed:
    world = office(group_deleted="delete")
    names = ("sales", "legal", "staff", "other")
    for name in names:
        world.group(name)
        world.regroup(name)
    for name in names[:3]:
        world.group(name, gone=True)
        before = world.zoho_groups.pop(name)
        change = world.seen["group_changes"][-1]
        world.seen["group_changes"].append(replace(change, at=world.tick(), before=before, after=None))
        world.seen["lines"].append(Line(world.tick(), f"g-{name}", name, "deleted", "It was deleted.", group=True))
    return world.observed()


@wrong("c")
def most_members_are_removed_at_once() -> Observed:
    world = office(limits=Limits(members_count=1))
    world.group("sales", *STAFF)
    world.regroup("sales", *STAFF)
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    return world.observed()


# --- Wrong: (d) -------------------------------------------------------------------------------------------------------


@wrong("d")
def a_cycle_makes_a_second_account_of_an_address() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "other@old.example", "email": "ELI@contoso.com"})
    world.cycle(full=True)
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli", email="eli@contoso.com"))
    return world.observed()


@wrong("d")
def a_push_makes_a_second_account_of_an_address_that_the_first_cycle_read() -> Observed:
    world = SmallWorld(Settings(RULES, scope="all"))
    world.hand("z-hand", fields={"userName": "other@old.example", "email": "eli@contoso.com"})
    world.cycle()
    world.tick(2)
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli", email="eli@contoso.com"), through="push")
    return world.observed()


@wrong("d")
def somebody_gets_a_second_account() -> Observed:
    world = office()
    world.entra("ann", upn="anna@contoso.com")
    world.apply("create", "ann", world.mapped("ann"), account="z-second")
    return world.observed(quiet=False)


@wrong("d")
def an_account_is_made_and_forgotten() -> Observed:
    world = office()
    world.hire("eli")
    world.provision("eli", link=False)
    world.entra("eli", enabled=False)
    return world.observed()


@wrong("d")
def a_name_handed_on_is_adopted_in_silence() -> Observed:
    world = _name_handed_on()
    _adopt(world, "ann", "eve")
    return world.observed()


@wrong("d")
def a_name_handed_on_is_adopted_though_the_store_never_lets_it() -> Observed:
    world = _name_handed_on(adoptions="never")
    _adopt(world, "ann", "eve")
    return world.observed()


@wrong("d")
def graph_gives_somebody_the_row_that_a_push_made_of_another() -> Observed:
    world = office("ann", "bob", feeds=frozenset({"push", "graph"}))
    world.hire("eve")
    world.seen["pushes"] = []
    world.push("ann", method="POST", status=201)
    world.seen["links"] = [each for each in world.seen["links"] if each.person != "r-ann"]
    world.link("ann", "z-ann-0", "eve")
    return world.observed(quiet=False)


@wrong("d")
def a_password_is_mailed_to_somebody_else() -> Observed:
    world = office(passwords="user")
    world.password(world.has["ann"], "one", "bob@contoso.com")
    return world.observed()


@wrong("d")
def a_mailed_password_is_not_the_one_that_is_valid() -> Observed:
    world = office(passwords="user")
    world.password(world.has["ann"], "one")
    world.password(world.has["ann"], "two")
    world.password("", "one", "ann@contoso.com")
    world.tick(60 * 12)
    return world.observed()


@wrong("d")
def one_password_is_mailed_twice() -> Observed:
    world = office(passwords="user")
    world.password(world.has["ann"], "one", "ann@contoso.com")
    world.password("", "one", "ann@contoso.com")
    return world.observed()


@wrong("d")
def a_password_is_mailed_that_zoho_one_never_took() -> Observed:
    world = office(passwords="user")
    world.password("", "one", "ann@contoso.com")
    return world.observed()


@wrong("d")
def somebody_whose_account_was_there_gets_a_password() -> Observed:
    world = office(passwords="user")
    world.hand("z-hand", fields={"userName": "eli@contoso.com"})
    world.hire("eli")
    world.apply("adopt", "eli", world.mapped("eli"), account="z-hand")
    world.password("z-hand", "one", "eli@contoso.com")
    return world.observed()


# --- Wrong: (e) -------------------------------------------------------------------------------------------------------


@wrong("e")
def an_account_that_nobody_manages_is_changed() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "hand@contoso.com"})
    world.apply("deactivate", "hand", account="z-hand", link=False)
    return world.observed()


@wrong("e")
def an_account_is_changed_that_was_unmanaged() -> Observed:
    world = office()
    world.link("ann", None)
    world.decide("unmanaged", "r-ann")
    world.apply("update", "ann", {"userName": "ann@contoso.com"}, account="z-ann-0", link=False)
    return world.observed(quiet=False)


@wrong("e")
def an_account_that_nobody_manages_is_put_into_a_group() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "hand@contoso.com"})
    world.group("sales", "ann")
    world.regroup("sales", "ann", "z-hand")
    return world.observed(quiet=False)


@wrong("e")
def an_account_that_nobody_manages_is_taken_out_of_a_group() -> Observed:
    world = office()
    world.hand("z-hand", fields={"userName": "hand@contoso.com"})
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.regroup("sales", "ann", "z-hand", by="hand")
    world.regroup("sales", "ann")
    return world.observed()


@wrong("e")
def a_group_that_nobody_manages_is_changed() -> Observed:
    world = office()
    world.regroup("sales", "ann", by="hand")
    world.regroup("sales", "ann", "bob")
    world.seen["group_links"] = []
    return world.observed()


# --- Wrong: (f) -------------------------------------------------------------------------------------------------------


@wrong("f")
def a_change_has_no_line() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann", line=False)
    return world.observed()


@wrong("f")
def a_change_has_two_lines() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    line = world.seen["lines"][-1]
    world.seen["lines"].append(replace(line, at=world.tick()))
    return world.observed()


@wrong("f")
def a_line_has_no_reason() -> Observed:
    world = office()
    world.seen["lines"][-1] = replace(world.seen["lines"][-1], reason=" ")
    return world.observed()


@wrong("f")
def a_line_says_what_was_not_done() -> Observed:
    world = office()
    fields = (Difference("title", "Clerk", "Chief"),)
    world.seen["lines"].append(Line(world.tick(), "r-ann", world.has["ann"], "updated", "Entra says so.", fields))
    return world.observed()


@wrong("f")
def a_line_leaves_out_a_field() -> Observed:
    world = office()
    world.seen["lines"][-1] = replace(world.seen["lines"][-1], fields=world.seen["lines"][-1].fields[1:])
    return world.observed()


@wrong("f")
def a_line_says_another_value_of_before() -> Observed:
    world = office()
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Chief"})
    world.apply("update", "ann", world.mapped("ann"))
    wrong_before = (Difference("title", "King", "Chief"),)
    world.seen["lines"][-1] = replace(world.seen["lines"][-1], fields=wrong_before)
    return world.observed()


@wrong("f")
def a_member_comes_without_a_line() -> Observed:
    world = office()
    world.group("sales", "ann")
    world.regroup("sales")
    world.regroup("sales", "ann", line=False)
    return world.observed()


@wrong("f")
def a_line_stands_before_what_it_tells_of() -> Observed:
    world = office()
    world.entra("ann", enabled=False)
    account = world.has["ann"]
    world.seen["lines"].append(Line(world.tick(), "r-ann", account, "deactivated", "Entra says so."))
    world.shut_out("ann", line=False)
    return world.observed()


# --- Wrong: (g) -------------------------------------------------------------------------------------------------------


def _approved(world: SmallWorld, *changes: Planned) -> str:
    plan = world.hold(*changes)
    world.move(plan, "approved")
    world.move(plan, "applying", "cycle")
    return plan


@wrong("f")
def a_hand_deletes_an_account_whose_creation_the_bridge_knew_and_told_nobody() -> Observed:
    world = office()
    world.hire("eli")
    world.apply("create", "eli", world.mapped("eli"), account="z-told", line=False)
    world.hand("z-told", gone=True)
    world.provision("eli", account="z-again")
    return world.observed()


@wrong("g")
def somebody_leaves_whom_an_approved_plan_does_not_show() -> Observed:
    world = office("ann", "bob", "cleo", "dora", "eli", "finn")
    for name in ("ann", "bob", "cleo", "dora"):
        world.entra(name, enabled=False)
    plan = _approved(world, *_leaving("ann", "bob", "cleo", "dora"))
    world.entra("eli", enabled=False)
    world.shut_out("ann", "bob", "cleo", "dora", "eli")
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def somebody_is_deactivated_where_an_approved_plan_shows_an_update() -> Observed:
    world = office(limits=Limits(one_field_count=0))
    fields = (Difference("title", "Clerk", "Chief"),)
    plan = _approved(world, Planned("update", "r-ann", fields))
    world.entra("ann", enabled=False)
    world.shut_out("ann")
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def a_field_becomes_what_an_approved_plan_does_not_show() -> Observed:
    world = office(limits=Limits(one_field_count=0))
    plan = _approved(world, Planned("update", "r-ann", (Difference("title", "Clerk", "Chief"),)))
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "King"})
    world.apply("update", "ann", world.mapped("ann"))
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def half_of_what_an_approved_plan_shows_is_applied() -> Observed:
    world = office(limits=Limits(one_field_count=0))
    shown = (Difference("title", "Clerk", "King"), Difference("displayName", "Ann", "Anna"))
    plan = _approved(world, Planned("update", "r-ann", shown))
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "King"})
    world.apply("update", "ann", world.mapped("ann"))
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def a_creation_turns_out_to_be_an_adoption() -> Observed:
    world = office(limits=Limits(creations=0))
    world.hand("z-hand", fields={"userName": "eli@contoso.com"})
    world.hire("eli")
    shown = tuple(Difference(name, None, text) for name, text in world.mapped("eli").items())
    plan = _approved(world, Planned("create", "r-eli", shown))
    world.apply("adopt", "eli", world.mapped("eli"), account="z-hand")
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def somebody_leaves_and_keeps_what_a_plan_shows_as_changed() -> Observed:
    world = office()
    plan = _left_under_another_name(world)
    world.shut_out("ann")
    world.move(plan, "applied", "cycle")
    world.entra("ann", attributes={**world.people["ann"].attributes, "displayName": "Ann"})
    return world.observed()


@wrong("g")
def an_account_leaves_its_person_and_is_adopted_otherwise_than_shown() -> Observed:
    world = office()
    plan = _left_and_handed_on(world)
    world.shut_out("ann", link=False)
    world.entra("eve", attributes={**world.people["eve"].attributes, "jobTitle": "King"})
    world.apply("adopt", "eve", world.mapped("eve"), account=world.has["ann"])
    world.link("ann", None)
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def an_account_is_made_again_where_an_approved_plan_shows_an_update() -> Observed:
    world = office(limits=Limits(one_field_count=0))
    plan = _approved(world, Planned("update", "r-ann", (Difference("title", "Clerk", "King"),)))
    world.entra("ann", attributes={**world.people["ann"].attributes, "jobTitle": "King"})
    world.hand(world.has["ann"], gone=True)
    world.apply("create", "ann", world.mapped("ann"), account="z-again")
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("g")
def a_plan_is_begun_that_nobody_approved() -> Observed:
    world = office()
    plan = world.hold(*_leaving("ann"))
    world.move(plan, "applying", "cycle")
    world.move(plan, "overtaken", "cycle")
    return world.observed()


@wrong("g")
def more_members_leave_than_an_approved_plan_shows() -> Observed:
    world = office(limits=Limits(members_count=0))
    world.group("sales", *STAFF)
    world.regroup("sales", *STAFF)
    plan = _approved(world, Planned("update", "g-sales", group=True, leaving=2))
    world.group("sales", "ann")
    world.regroup("sales", "ann")
    world.move(plan, "applied", "cycle")
    return world.observed()


@wrong("h")
def a_row_was_too_large() -> Observed:
    world = office()
    world.seen["table_refusals"] = [TableRefusal(world.tick(), "identities", "1.2 MiB in one row")]
    return world.observed()


@wrong("i")
def two_write_one_account_at_once() -> Observed:
    world = office()
    world.seen["at_once"] = [AtOnce(world.tick(), "user z-ann-0")]
    return world.observed()


# --- The tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history", RIGHT, ids=lambda history: history.__name__)
def test_a_right_history_passes(history: History) -> None:
    assert violations(history()) == []


@pytest.mark.parametrize(("letter", "history"), WRONG, ids=lambda each: getattr(each, "__name__", each))
def test_a_wrong_history_fails_by_its_checker_alone(letter: str, history: History) -> None:
    found = violations(history())
    assert {sentence[1] for sentence in found} == {letter}, found


def test_each_checker_fails_on_something() -> None:
    assert {letter for letter, _ in WRONG} == set(CHECKERS)


@pytest.mark.parametrize("reason", openness.REASONS, ids=lambda reason: reason.__name__)
def test_each_reason_makes_some_right_history_right(
    reason: Callable[..., str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openness, "REASONS", tuple(each for each in openness.REASONS if each is not reason))
    assert any(violations(history()) for history in RIGHT)


def test_a_violation_names_who_and_when() -> None:
    (sentence,) = violations(a_leaver_stays_for_two_cycles_and_is_then_shut_out())
    assert sentence.startswith("(b) ann was shut out at 2026-03-02 08:")
    assert "account z-ann-0 was active until 2026-03-02" in sentence


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Constant("Main"), {"kind": "hard-coded value", "value": "Main"}),
        (Direct("jobTitle"), {"kind": "profile field", "field": "jobTitle"}),
        (Direct("extension_0f6e_role"), {"kind": "custom attribute", "name": "extension_0f6e_role"}),
        (Upper("city"), {"kind": "expression", "expression": "ToUpper([city])"}),
        (
            Join(" ", ("givenName", "surname")),
            {"kind": "expression", "expression": 'Join(" ", [givenName], [surname])'},
        ),
    ],
)
def test_a_source_is_written_as_the_mapping_file_has_it(source: Direct, text: dict[str, str]) -> None:
    assert written(source) == text


def test_the_checkers_share_no_code_with_what_they_judge() -> None:
    """Nothing that judges imports anything but the standard library and what judges."""
    here = Path(__file__).parent
    judges = {"accounting", "approvals", "checkers", "facts", "limits", "observed", "openness", "reference"}
    judges |= {"shut_out", "whose"}
    for name in judges:
        for node in ast.walk(ast.parse((here / f"{name}.py").read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            own = {f"tests.simulation.{each}" for each in judges}
            foreign = [each for each in names if each.split(".")[0] in ("shared", "local", "cli", "functions", "tests")]
            assert set(foreign) <= own, f"{name} imports {foreign}"


def test_the_reference_stays_small() -> None:
    assert len((Path(__file__).parent / "reference.py").read_text().splitlines()) <= 300


def test_what_the_checkers_cost_grows_with_the_history_and_no_faster() -> None:
    """Counted in calls of functions, which do not depend on who else uses the machine: 4 ms for the first."""
    short, long = _busy_year(60), _busy_year(120)
    assert violations(short) == []
    assert _calls(short) < 15_000
    assert _calls(long) < 2.5 * _calls(short)


def _busy_year(steps: int) -> Observed:
    """A dozen people who come and go."""
    rng = random.Random(1)
    names = tuple(f"person{number}" for number in range(12))
    world = office(*names, limits=Limits(share_percent=None))
    for step in range(steps):
        name = rng.choice(names)
        enabled = not world.people[name].enabled
        world.entra(name, enabled=enabled)
        world.apply("reactivate" if enabled else "deactivate", name)
        if step % 4 == 0:
            world.cycle()
    return world.observed()


def _calls(seen: Observed) -> int:
    profile = Profile()
    profile.runcall(violations, seen)
    return sum(each.callcount for each in profile.getstats())


def test_an_unexplained_view_is_the_one_with_fewest_differences() -> None:
    """A push that came late may count; what neither it nor Entra says is a fault."""
    world = office("ann", "bob", feeds=frozenset({"push", "graph"}))
    world.push("ann", attributes={**world.people["ann"].attributes, "jobTitle": "Late"})
    world.apply("update", "ann", world.mapped("ann", title="Late"))
    assert violations(world.observed()) == []
    world.apply("update", "ann", world.mapped("ann", title="Neither"))
    assert [each[1] for each in violations(world.observed())] == ["a"]
    assert Facts(world.observed()).account_of["ann"] == world.has["ann"]


@pytest.mark.parametrize("known", [False, True])
def test_what_is_shown_of_somebody_who_is_left_inactive_was_not_pushed(known: bool) -> None:
    """After a request without an answer what the endpoint shows was said; but it shows people as inactive by itself."""
    observer: Any = SimpleNamespace(pushes=[], now=START)
    told = Told(SimpleNamespace(about="ann"), observer)  # type: ignore[arg-type]  # all that it is asked
    url, resource = "https://bridge.example/scim/contoso/Users", {"userName": "ann@contoso.com", "active": False}
    if known:
        told.answered("POST", url, json.dumps(resource).encode(), 201, json.dumps({"id": "r-ann"}).encode())
    told.answered("POST", url, json.dumps(resource | {"active": True}).encode(), 0, b"")
    told.answered("GET", url, b"", 200, json.dumps({"Resources": [resource]}).encode())
    patch = {"Operations": [{"op": "Replace", "path": "title", "value": "Queen"}]}
    told.answered("PATCH", f"{url}/r-ann", json.dumps(patch).encode(), 200, json.dumps(resource).encode())
    assert observer.pushes[-1].said.enabled is not known
