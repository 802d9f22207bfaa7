"""What happens in Entra."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from local.entra.person import Person, id_of
from tests.simulation.registry import act
from tests.simulation.world import World

DOMAIN = "contoso.example"


def _someone(world: World, number: int, *, there: bool = True) -> Person | None:
    """One of those who are in Entra, in its recycle bin where ``there`` is false."""
    people = [each for each in world.directory.people() if (each.deleted_date_time is None) is there]
    return people[number % len(people)] if people else None


def _group(world: World, number: int) -> str | None:
    groups = list(world.directory.groups)
    return groups[number % len(groups)] if groups else None


def _new_id(world: World) -> str:
    return str(uuid5(NAMESPACE_DNS, f"{world.plan.seed}-{next(world.numbers)}"))


def _taken(world: World, upn: str) -> bool:
    return any(each.user_principal_name.casefold() == upn.casefold() for each in world.directory.people())


def _hire(world: World, upn: str, name: str, **values: Any) -> None:
    given, _, surname = name.partition(" ")
    nickname = upn.partition("@")[0]
    world.directory.create(
        Person(
            id=_new_id(world),
            user_principal_name=upn,
            display_name=name,
            mail_nickname=nickname,
            mail=upn,
            given_name=given or None,
            surname=surname or None,
            **values,
        )
    )


@act("hire")
def _(world: World, a: int, b: int) -> None:
    upn = f"new{a % 40}@{DOMAIN}"
    if not _taken(world, upn):
        _hire(world, upn, f"New{a % 40} Person{b % 5}", job_title=f"Job {b % 7}")


@act("hire a guest")
def _(world: World, a: int, b: int) -> None:
    mail = f"guest{a % 5}@fabrikam.example"
    name = f"{mail.replace('@', '_')}#EXT#@{DOMAIN}"
    if id_of(name) not in world.directory.created:  # its id is made of its name, and no id comes twice
        world.directory.invite(mail, f"Guest {a % 5}")


@act("rename")
def _(world: World, a: int, b: int) -> None:
    person, upn = _someone(world, a), f"renamed{b % 30}@{DOMAIN}"
    if person and not _taken(world, upn):
        names = {"givenName": f"Given{b % 9}", "surname": f"Sur{b % 7}", "displayName": f"Given{b % 9} Sur{b % 7}"}
        world.directory.change(person.id, names | {"userPrincipalName": upn, "mail": upn})  # the alias stays


@act("disable")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a):
        world.directory.disable(person.id)


@act("enable")
def _(world: World, a: int, b: int) -> None:
    off = [each for each in world.directory.people() if not each.account_enabled and not each.deleted_date_time]
    if off:
        world.directory.enable(off[a % len(off)].id)


@act("recycle")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a):
        world.directory.soft_delete(person.id)


@act("restore")
def _(world: World, a: int, b: int) -> None:
    person = _someone(world, a, there=False)
    if person and not _taken(world, person.own_name):
        world.directory.restore(person.id)


@act("purge")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a, there=False):
        world.directory.hard_delete(person.id)


@act("create again")
def _(world: World, a: int, b: int) -> None:
    """The same person under a new object id: name, address and number as before."""
    person = _someone(world, a, there=False)
    if person and not _taken(world, person.own_name):
        back = person.out_of_bin().model_copy(update={"id": _new_id(world), "account_enabled": True})
        world.directory.create(back)


@act("hand the name on")
def _(world: World, a: int, b: int) -> None:
    """Somebody else gets the sign-in name of who is gone."""
    person = _someone(world, a, there=False)
    if person and not _taken(world, person.own_name):
        _hire(world, person.own_name, f"Other{b % 9} Human{a % 9}", employee_id=f"H{a:05}")


@act("new job")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a):
        world.directory.change_job(person.id, job_title=f"Job {b % 9}" if b % 11 else None, department=f"D{b % 3}")


@act("new manager")
def _(world: World, a: int, b: int) -> None:
    person, manager = _someone(world, a), _someone(world, b)
    if person and manager and person.id != manager.id:
        world.directory.change_manager(person.id, None if b % 5 == 0 else manager.id)


@act("unassign")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a):
        world.directory.unassign(person.id)


@act("assign")
def _(world: World, a: int, b: int) -> None:
    if person := _someone(world, a):
        world.directory.assign(person.id)


@act("new group")
def _(world: World, a: int, b: int) -> None:
    group, groups = str(uuid5(NAMESPACE_DNS, f"group {a % 6}")), world.directory.groups
    if group not in groups:
        people = [each.id for each in world.directory.people() if not each.deleted_date_time]
        groups.put(group, [each for number, each in enumerate(people) if (b >> number % 8) & 1])
        groups.rename(group, f"Group {a % 6}")
        groups.assigned[group] = None


@act("add member")
def _(world: World, a: int, b: int) -> None:
    group, person = _group(world, a), _someone(world, b)
    if group and person:
        world.directory.groups.add(group, person.id)


@act("remove member")
def _(world: World, a: int, b: int) -> None:
    if group := _group(world, a):
        members = world.directory.groups.members(group)
        if members:
            world.directory.groups.remove(group, members[b % len(members)])


@act("rename group")
def _(world: World, a: int, b: int) -> None:
    if group := _group(world, a):
        world.directory.groups.rename(group, f"Team {b % 12}")


@act("nest group")
def _(world: World, a: int, b: int) -> None:
    outer, inner = _group(world, a), _group(world, b)
    if outer and inner and outer != inner:
        world.directory.groups.add(outer, inner)


@act("assign group")
def _(world: World, a: int, b: int) -> None:
    if group := _group(world, a):
        world.directory.groups.assigned[group] = None


@act("unassign group")
def _(world: World, a: int, b: int) -> None:
    if group := _group(world, a):
        world.directory.groups.assigned.pop(group, None)


@act("delete group")
def _(world: World, a: int, b: int) -> None:
    if group := _group(world, a):
        world.directory.groups.delete(group)


@act("many leave")
def _(world: World, a: int, b: int) -> None:
    """Several at once, all in one way."""
    there = [each.id for each in world.directory.people() if each.deleted_date_time is None]
    leave = (world.directory.disable, world.directory.soft_delete, world.directory.unassign)[b % 3]
    for number in range(min(len(there), 2 + a % 4)):
        leave(there[(a + number) % len(there)])
