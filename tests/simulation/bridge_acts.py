"""What Entra's pushes, timers, administrators and people in Zoho One do."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shared.admin.person_actions import PersonActions
from shared.app.container import Bridge
from shared.connection.consent import ConsentAnswer, cookie_name
from shared.connection.errors import ConsentRefused
from shared.rules.criteria import Condition, Group, Operator
from shared.rules.job import MakePlan, ProvisionGroup, ProvisionPeople, Task
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping
from shared.rules.run import RunKind
from shared.rules.status import Deprovisioning
from shared.rules.store import Store
from tests.simulation.internet import BRIDGE
from tests.simulation.observed import Account, Decision
from tests.simulation.registry import act
from tests.simulation.world import STORE, World

ADMIN = "Ada Admin"
MAPPINGS = tuple(
    Mapping(rules=tuple(rule for rule in DEFAULT_MAPPING.rules if rule.target not in left_out))
    for left_out in ((), ("title",), ("phone", "fax"))
)

CRITERIA = (
    None,
    Group(match="all", of=(Condition(attribute="department", operator=Operator.NOT_EQUALS, values=("D0",)),)),
    Group(match="all", of=(Condition(attribute="jobTitle", operator=Operator.PRESENT),)),
    Group(
        match="any",
        of=(
            Condition(attribute="department", operator=Operator.EQUALS, values=("d1",)),
            Condition(attribute="displayName", operator=Operator.STARTS_WITH, values=("a",)),
        ),
    ),
)
DECIDED = "/oauth/v2/auth"


@act("push")
def _(world: World, a: int, b: int) -> None:
    world.push()


@act("push one")
def _(world: World, a: int, b: int) -> None:
    people = world.directory.people()
    if world.plan.push:
        person = people[a % len(people)].id
        world.schedule.spawn(
            world.entra, "service", lambda: world.service.alone(lambda: world.service.provision_on_demand(person))
        )


@act("tick")
def _(world: World, a: int, b: int) -> None:
    world.host.tick()


def _page(world: World, name: str, work: Callable[[Bridge, Store], Any], decided: Any = None) -> None:
    """What an administrator asks for on a page: it may fail, and nobody repeats it. ``decided``: a kind of Decision."""

    def asked(app: Bridge) -> None:
        store = app.stores.read(STORE)
        if store is not None:
            about = work(app, store)
            if decided and not (about is None and decided in ("approved", "discarded")) and about != "":
                told = about if isinstance(about, str) else ""
                world.observer.decisions.append(Decision(world.schedule.now(), decided, told))

    world.host.run(f"console {name}", asked)


def ask_cycle(world: World, kind: RunKind) -> None:
    """Run a cycle now."""

    def work(app: Bridge, store: Store) -> None:
        world.host.put("cycles", [app.cycles.ask(store, kind, ADMIN).model_dump_json()])

    _page(world, "cycle", work)


@act("cycle")
def _(world: World, a: int, b: int) -> None:
    ask_cycle(world, RunKind.CYCLE)


@act("full cycle")
def _(world: World, a: int, b: int) -> None:
    ask_cycle(world, RunKind.FULL_CYCLE)


def decide(world: World, *, approve: bool) -> None:
    """What becomes of the plan that is held, if one is."""

    def work(app: Bridge, store: Store) -> str | None:
        newest = app.held_plans.newest(store.id)
        if newest is not None and newest.held.is_open:
            decision = app.decisions.approve if approve else app.decisions.discard
            decision(store.id, newest.held.id, ADMIN)
            if approve:
                request = app.cycles.ask(store, RunKind.CYCLE, ADMIN)
                world.host.put("cycles", [request.model_dump_json()])
            return newest.held.id
        return None

    _page(world, "decision", work, "approved" if approve else "discarded")


@act("approve")
def _(world: World, a: int, b: int) -> None:
    decide(world, approve=True)


@act("discard")
def _(world: World, a: int, b: int) -> None:
    decide(world, approve=False)


@act("stop")
def _(world: World, a: int, b: int) -> None:
    _page(world, "stop", lambda app, store: app.switch.stop(store, ADMIN), "stopped")


def start(world: World) -> None:
    """Start provisioning."""
    _page(world, "start", lambda app, store: app.switch.start(store, ADMIN), "started")


@act("start")
def _(world: World, a: int, b: int) -> None:
    start(world)


@act("pause")
def _(world: World, a: int, b: int) -> None:
    until = world.schedule.now() + timedelta(minutes=5 + a % 60)
    _page(world, "pause", lambda app, store: app.switch.pause(store, until, ADMIN), "other")


def _job(world: World, task: Task) -> None:
    def work(app: Bridge, store: Store) -> None:
        job = app.job_runner.ask(store, task, ADMIN)
        world.host.put("errands", [f'{{"store": "{store.id}", "errand": "{job.id}"}}'])

    _page(world, "job", work)


@act("provision")
def _(world: World, a: int, b: int) -> None:
    people = world.directory.people()
    if world.plan.graph:
        chosen = tuple(dict.fromkeys(people[(a + step * b) % len(people)].id for step in range(1 + a % 3)))
        _job(world, ProvisionPeople(object_ids=chosen))


@act("provision group")
def _(world: World, a: int, b: int) -> None:
    groups = list(world.directory.groups)
    if world.plan.graph and groups:
        group = groups[a % len(groups)]
        members = [each for each in world.directory.groups.members(group) if world.directory.find(each)][: b % 4]
        _job(world, ProvisionGroup(object_id=group, members=tuple(members)))


@act("plan")
def _(world: World, a: int, b: int) -> None:
    if world.plan.graph:
        _job(world, MakePlan())


@act("mapping")
def _(world: World, a: int, b: int) -> None:
    mapping = MAPPINGS[a % len(MAPPINGS)]

    def work(app: Bridge, store: Store) -> None:
        number = app.mappings.current(store.id).number
        app.mappings.save(store.id, mapping, based_on=number, by=ADMIN, at=world.schedule.now(), why="")

    _page(world, "mapping", work, "settings")


@act("rules")
def _(world: World, a: int, b: int) -> None:
    def work(app: Bridge, store: Store) -> None:
        leaving = Deprovisioning.DELETE if a % 2 else Deprovisioning.DEACTIVATE
        field = ("on_deactivated", "on_deleted", "on_unassigned")[b % 3]

        def changed(now: Store) -> Store:
            return now.model_copy(update={"status_rules": now.status_rules.model_copy(update={field: leaving})})

        app.stores.change(store.id, changed)

    _page(world, "rules", work, "settings")


@act("criteria")
def _(world: World, a: int, b: int) -> None:
    criteria = CRITERIA[a % len(CRITERIA)]
    _page(
        world,
        "criteria",
        lambda app, _: app.stores.change(STORE, lambda now: now.model_copy(update={"criteria": criteria})) and None,
        "settings",
    )


@act("unmanage")
def _(world: World, a: int, b: int) -> None:
    def work(app: Bridge, store: Store) -> str:
        people = sorted(stored.identity.id for stored in app.identities.everybody(store.id))
        if people:
            care = PersonActions(app.identities, app.deprovisionings, app.users, world.schedule.now)
            care.unmanage(store, people[a % len(people)], ADMIN)
            return people[a % len(people)]
        return ""

    _page(world, "unmanage", work, "unmanaged")


@act("entra tokens end")
def _(world: World, a: int, b: int) -> None:
    world.graph._login.expire_tokens()


@act("zoho tokens end")
def _(world: World, a: int, b: int) -> None:
    world.zoho.accounts.expire_access_tokens()


@act("other pages")
def _(world: World, a: int, b: int) -> None:
    """Graph's pages become smaller or larger, repeat people, and tell managers and members by themselves or not."""
    settings = world.graph.settings
    settings.page_size, settings.collection_page = (1, 2, 3, 200)[a % 4], (1, 2, 5, 999)[b % 4]
    settings.replays, settings.split_managers, settings.split_members = a % 3, a % 7 < 2, b % 7 < 2


@act("revoke")
def _(world: World, a: int, b: int) -> None:
    """An administrator of Zoho One takes the bridge's consent back."""
    world.zoho.accounts.grants.refresh_tokens.clear()
    world.zoho.accounts.expire_access_tokens()


@act("reconnect")
def _(world: World, a: int, b: int) -> None:
    reconnect(world)


def reconnect(world: World) -> None:
    """An administrator gives the consent again, as the pages have it."""

    def work(app: Bridge, store: Store) -> None:
        with suppress(ConsentRefused):
            question = app.consent.ask(store, ADMIN, f"{BRIDGE}/consent")
            asked = urlsplit(question.url)
            told = world.zoho.accounts.respond("POST", f"/dc/us{DECIDED}", asked.query, b"decision=accept")
            answer = dict(parse_qsl(urlsplit(dict(told.headers)["location"]).query))
            cookies = {cookie_name(question.opened.state): question.opened.cookie}
            app.consent.answer(ConsentAnswer.model_validate(answer), ADMIN, cookies, ADMIN)

    _page(world, "reconnect", work, "other")


@act("links end")
def _(world: World, a: int, b: int) -> None:
    world.graph._links.expire()


def _account(world: World, a: int) -> Account | None:
    accounts = list(world.zoho.users.values())
    return accounts[a % len(accounts)] if accounts else None


@act("hand title")
def _(world: World, a: int, b: int) -> None:
    if account := _account(world, a):
        world.zoho.by_hand(replace(account, fields={**account.fields, "title": f"By hand {b % 5}"}))


@act("hand deactivate")
def _(world: World, a: int, b: int) -> None:
    if account := _account(world, a):
        world.zoho.by_hand(replace(account, active=False))


@act("hand activate")
def _(world: World, a: int, b: int) -> None:
    if account := _account(world, a):
        world.zoho.by_hand(replace(account, active=True))


@act("hand delete")
def _(world: World, a: int, b: int) -> None:
    if account := _account(world, a):
        world.zoho.remove(account.id, "hand")


@act("hand group")
def _(world: World, a: int, b: int) -> None:
    groups = list(world.zoho.groups.values())
    if not groups:
        return
    group, account = groups[a % len(groups)], _account(world, b)
    match b % 4:
        case 0:
            world.zoho.remove_group(group.id, "hand")
        case 1:
            world.zoho.group_by_hand(replace(group, name=f"By hand {b % 3}"))
        case 2 if account:
            world.zoho.group_by_hand(replace(group, members=group.members | {account.id}))
        case _ if group.members:
            world.zoho.group_by_hand(replace(group, members=group.members - {min(group.members)}))
