"""Who is in scope, followed through the simulated Graph into the tables: what it costs, and what goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.entra.people import PEOPLE
from shared.entra.errors import GraphBusy, GraphImplausible, LinkExpired
from shared.entra.members_delta import read_members
from shared.sync.progress import Unkept
from shared.sync.source.assigned_groups import read_assigned_groups
from shared.sync.source.groups import GroupReading, ScopeCheckpoint
from shared.tables.entra_groups import EntraGroups
from shared.tables.entra_scope import HIMSELF, EntraScope
from shared.tables.errors import TablesBusy
from shared.tables.identities import Identities
from shared.tables.service import connect
from tests.conftest import Entra
from tests.tables.memory.tables import MemoryTables

IDS = [person.id for person in PEOPLE]
ANNA, BERT, CARLA, DORA = IDS[:4]
GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(120)]
A, B, C, D = GROUPS[:4]
ASSIGNED_TO = "/v1.0/servicePrincipals/{id}/appRoleAssignedTo"
DELTA = "/v1.0/groups/delta"
STEPS = {f"GET {ASSIGNED_TO}": 1, f"GET {DELTA}": 1}


class Killed(BaseException):
    """The process is gone."""


class _Kept(Unkept[ScopeCheckpoint]):
    """Lets the reader keep what is reached, and end the reading."""

    def __init__(self, reader: "Reader", reached: ScopeCheckpoint) -> None:
        super().__init__(reached)
        self._reader = reader

    def keep(self, reached: ScopeCheckpoint) -> None:
        """Another place, as JSON."""
        self._reader.before_keeping(reached)
        super().keep(reached)
        self._reader.kept = reached.model_dump_json()
        self._reader.keeps += 1

    def may_end(self) -> None:
        """The process ends, if the test says so."""
        if self._reader.ends_at_checkpoints:
            raise Killed


class Reader:
    """One store's scope. It keeps what it is given as JSON, and whatever happens begins again from there."""

    def __init__(self, entra: Entra, scope: EntraScope, store_id: str) -> None:
        self.entra = entra
        self.scope = scope
        self.groups = EntraGroups(scope._table)
        self.identities = Identities(scope._table)
        self.store = store_id
        self.kept = ScopeCheckpoint().model_dump_json()
        self.keeps = 0
        self.told: list[str] = []
        self.ends_at_checkpoints = False
        self.before_keeping: Callable[[ScopeCheckpoint], None] = lambda _: None

    def read(self, *, mark: bool = True) -> set[str]:
        """One cycle's reading; everybody in scope."""
        self.keeps = 0
        known = ScopeCheckpoint.model_validate_json(self.kept)
        after = self.read_assigned_groups(known, mark=mark)
        self.kept = after.model_dump_json()
        return self.scope.everyone(self.store)

    def read_assigned_groups(self, known: ScopeCheckpoint, *, mark: bool = True) -> ScopeCheckpoint:
        """The reading itself, from where it is known to be."""
        reading = GroupReading(
            self.entra.client(), self.scope, self.groups, self.identities, self.store, mark, True, self.told
        )
        checkpoint = _Kept(self, known)
        read_assigned_groups(reading, self.entra.ready["enterprise_app"], checkpoint)
        return checkpoint.reached

    def at_first_mark(self, happens: Callable[[], None]) -> None:
        """Let something happen right before the first mark is written."""

        def look(progress: ScopeCheckpoint) -> None:
            if progress.marked:
                self.before_keeping = lambda _: None
                happens()

        self.before_keeping = look

    def read_although_killed(self) -> set[str]:
        """The same, in a second process after a first one that was killed before anything was kept."""

        def die(progress: ScopeCheckpoint) -> None:
            raise Killed

        self.before_keeping = die
        with suppress(Killed):
            self.read()
        self.before_keeping = lambda _: None
        return self.read()

    @property
    def progress(self) -> ScopeCheckpoint:
        return ScopeCheckpoint.model_validate_json(self.kept)

    def marked(self) -> set[str]:
        """Whose grants changed since the last time; they count as looked at then."""
        found = list(self.scope.marked(self.store))
        assert self.progress.marked or not found, "marks that nobody would look for"
        self.scope.unmark(self.store, found)
        self.kept = self.progress.model_copy(update={"marked": False}).model_dump_json()
        return set(found)


@pytest.fixture(scope="module")
def scope(azurite: str) -> Iterator[EntraScope]:
    with connect(azurite) as service:
        yield EntraScope(service.get_table_client("entra"))


def begin(entra: Entra) -> None:
    """Anna is assigned; group A has 10 people, B has Bert; pages hold three members."""
    entra.act(*({"do": "unassign", "id": each} for each in IDS[1:]))
    put(entra, A, IDS[1:11])
    put(entra, B, [BERT])
    entra.set(page_size=3)


def put(entra: Entra, group: str, members: list[str]) -> None:
    entra.act({"do": "put group", "id": group, "members": members}, {"do": "assign group", "id": group})


@pytest.fixture
def reader(entra: Entra, scope: EntraScope, store_id: str) -> Reader:
    """A store that nothing was read for."""
    begin(entra)
    return Reader(entra, scope, store_id)


def test_joins_assignments_and_members_and_then_costs_two_calls(reader: Reader, table_calls: list[str]) -> None:
    assert reader.read(mark=False) == set(IDS[:11])
    assert reader.marked() == set()
    known = reader.progress
    reader.entra.forget("calls")
    table_calls.clear()
    after = reader.read_assigned_groups(known)
    assert reader.entra.calls() == STEPS
    assert table_calls == []
    assert after.model_copy(update={"chunks": known.chunks}) == known
    assert "deltatoken" not in repr(after)


def test_a_change_is_written_alone_whoever_else_is_there(reader: Reader, table_calls: list[str]) -> None:
    reader.read()
    assert reader.marked() == set(IDS[:11])
    reader.entra.act({"do": "remove member", "id": A, "members": [DORA]})
    table_calls.clear()
    reader.read()
    assert table_calls == ["GET", "POST", "GET"], "the name, a transaction; the test reads everybody"
    assert reader.marked() == {DORA}


def test_who_loses_one_of_two_groups_stays(reader: Reader) -> None:
    reader.read()
    reader.marked()
    reader.entra.act({"do": "remove member", "id": A, "members": [BERT, CARLA]})
    assert reader.read() == {ANNA, BERT, *IDS[3:11]}
    assert reader.marked() == {BERT, CARLA}


def test_direct_assignments_come_and_go(reader: Reader) -> None:
    reader.read()
    reader.marked()
    reader.entra.act({"do": "unassign", "id": ANNA}, *({"do": "assign", "id": each} for each in (BERT, IDS[20])))
    assert reader.read() == {*IDS[1:11], IDS[20]}
    assert reader.marked() == {ANNA, BERT, IDS[20]}


def test_groups_are_assigned_and_unassigned(reader: Reader) -> None:
    reader.read()
    reader.marked()
    put(reader.entra, C, [IDS[20], BERT])
    reader.entra.act({"do": "unassign group", "id": A})
    assert reader.read() == {ANNA, BERT, IDS[20]}
    assert reader.marked() == {*IDS[1:11], IDS[20]}
    reader.entra.act({"do": "add member", "id": A, "members": [IDS[22]]})
    assert reader.read() == {ANNA, BERT, IDS[20]}
    reader.entra.act({"do": "assign group", "id": A})
    assert reader.read() == {*IDS[:11], IDS[20], IDS[22]}


def test_the_members_of_a_deleted_group_are_out_and_of_a_restored_one_in(reader: Reader) -> None:
    reader.read()
    reader.entra.act({"do": "delete group", "id": A})
    assert reader.read() == {ANNA, BERT}
    reader.entra.forget("links")
    assert reader.read() == {ANNA, BERT}, "it is not there, and gave nobody before"
    reader.marked()
    put(reader.entra, A, IDS[1:11])
    assert reader.read() == set(IDS[:11])
    reader.entra.act({"do": "delete group", "id": A})
    put(reader.entra, A, [CARLA])
    assert reader.read() == {ANNA, BERT, CARLA}, "who was in it before is told by listing it anew"


def test_an_expired_link_is_a_full_round_that_removes_whom_it_does_not_list(reader: Reader) -> None:
    reader.read()
    reader.marked()
    reader.entra.act({"do": "put group", "id": A, "members": [*IDS[4:11], IDS[20]]})
    reader.entra.forget("links")
    assert reader.read() == {ANNA, BERT, *IDS[4:11], IDS[20]}
    assert reader.marked() == {BERT, CARLA, DORA, IDS[20]}


def test_a_link_that_expires_in_a_full_round_costs_another_and_no_third(reader: Reader) -> None:
    reader.entra.act({"do": "unassign", "id": ANNA})
    reader.at_first_mark(lambda: reader.entra.forget("links"))
    assert reader.read() == set(IDS[1:11])
    reader.entra.forget("links")
    reader.entra.set(page_seconds=0.000001)
    reader.entra.forget("calls")
    with pytest.raises(LinkExpired):
        reader.read()
    assert reader.entra.calls()[f"GET {DELTA}"] == 1 + 2, "the stored link; a first page and the link to the second"
    reader.entra.set(page_seconds=None)
    assert reader.read() == set(IDS[1:11])


@pytest.mark.parametrize("code", ["Directory_ExpiredPageToken", "UnknownError", "BadRequest", "resyncRequired"])
def test_whatever_graph_answers_to_a_link_that_is_too_old_it_is_read_anew_at_once(reader: Reader, code: str) -> None:
    reader.read()
    put(reader.entra, A, IDS[1:20])
    reader.entra.set(expired_page=code)
    reader.ends_at_checkpoints = True
    with suppress(Killed):
        reader.read()
    reader.ends_at_checkpoints = False
    assert reader.progress.chunks[0].midway
    reader.entra.set(page_calls=1)
    next(read_members(reader.entra.client(), (A,), None))
    assert reader.read() == set(IDS[:20])


def test_an_assignment_or_a_member_that_is_not_understood_takes_nobody_out(reader: Reader) -> None:
    reader.read()
    reader.entra.act({"do": "remove member", "id": A, "members": [BERT]})
    rows = [{"principalId": A, "principalType": "Group"}, {"principalId": ANNA}, {"principalId": B}]
    reader.entra.fail(ASSIGNED_TO, status=200, body={"value": rows})
    assert reader.read() == set(IDS[:11]), "Bert is in B"
    assert len(reader.told) == 2
    assert ANNA in reader.told[0] + reader.told[1]
    reader.entra.fail(ASSIGNED_TO, status=200, body={"value": [*rows[:1], {}]})
    assert reader.read() == set(IDS[:11]), "any may be the one without an id"
    link = reader.entra.ready["url"] + DELTA
    odd = [{"id": A, "members@delta": [{"id": CARLA, "@removed": {"reason": "deleted"}}]}]
    reader.entra.act({"do": "remove member", "id": A, "members": [DORA]})
    reader.entra.fail(DELTA, status=200, body={"value": odd, "@odata.deltaLink": f"{link}?$deltatoken=x"})
    assert reader.read() == {ANNA, BERT, CARLA, *IDS[4:11]}, "read in full at once"
    reader.entra.forget("links")
    whole = [{"id": A, "displayName": A, "members@delta": [{"id": CARLA}]}, {"id": B, "displayName": B}]
    reader.entra.fail(DELTA, status=410)
    reader.entra.fail(DELTA, status=200, body={"value": whole, "@odata.deltaLink": f"{link}?$deltatoken=x"})
    reader.entra.fail("/v1.0/groups/{id}/members", status=200, body={"value": [{"id": CARLA}]})
    reader.told.clear()
    with pytest.raises(GraphImplausible, match=f"{B} with nobody"):
        reader.read()
    assert reader.scope.everyone(reader.store) == {ANNA, BERT, CARLA, *IDS[4:11]}
    assert any(A in told and "stays as it was" in told for told in reader.told)


@pytest.mark.parametrize("replays", [1, 5])
def test_replays_change_nothing(reader: Reader, replays: int) -> None:
    reader.entra.set(replays=replays, split_members=True)
    assert reader.read() == set(IDS[:11])
    reader.entra.act(
        {"do": "remove member", "id": A, "members": IDS[1:5]}, {"do": "add member", "id": A, "members": [CARLA]}
    )
    for _ in range(3):
        assert reader.read() == {ANNA, BERT, CARLA, *IDS[5:11]}


def test_an_error_in_page_seven_leaves_what_was_stored_and_goes_on_there(reader: Reader) -> None:
    reader.read()
    reader.marked()
    put(reader.entra, A, IDS[1:25])
    reader.entra.set(page_size=1)
    pages = iter(range(100))

    def fail_soon(progress: ScopeCheckpoint) -> None:
        if progress.marked and next(pages) == 6:
            reader.entra.fail(DELTA, status=500, times=5)

    reader.before_keeping = fail_soon
    with pytest.raises(GraphBusy):
        reader.read()
    assert len(reader.scope.everyone(reader.store)) == 11 + 6
    reader.entra.forget("calls")
    assert reader.read() == set(IDS)
    assert reader.entra.calls()[f"GET {DELTA}"] == 14 - 6 + 1, "the rest of that round, and what changed since it began"


def test_an_error_in_a_full_round_takes_nobody_out(reader: Reader) -> None:
    reader.read()
    reader.marked()
    reader.entra.act({"do": "put group", "id": A, "members": IDS[20:25]})
    reader.entra.forget("links")
    reader.at_first_mark(lambda: reader.entra.fail(DELTA, status=500, times=5))
    with pytest.raises(GraphBusy):
        reader.read()
    assert reader.scope.everyone(reader.store) == {*IDS[:11], *IDS[20:22]}
    assert reader.marked() == set(IDS[20:22])
    assert reader.read() == {ANNA, BERT, *IDS[20:25]}
    assert reader.marked() == {*IDS[2:11], *IDS[22:25], BERT}


def test_a_full_round_may_take_back_what_it_said(reader: Reader) -> None:
    reader.read()
    link = f"{reader.entra.ready['graph']}/groups/delta"
    user, removed = {"@odata.type": "#microsoft.graph.user"}, {"@removed": {"reason": "deleted"}}
    first = [
        {"id": A, **removed},
        {"id": B, **removed},
        {"id": A, "members@delta": [{**user, "id": each} for each in (BERT, IDS[20], CARLA)]},
    ]
    second = [{"id": A, "members@delta": [{**user, "id": each, **removed} for each in (CARLA, IDS[20])]}]
    reader.entra.fail(DELTA, status=410)
    reader.entra.fail(DELTA, status=200, body={"value": first, "@odata.nextLink": f"{link}?$skiptoken=x"})
    reader.entra.fail(DELTA, status=200, body={"value": second, "@odata.deltaLink": f"{link}?$deltatoken=x"})
    reader.read()
    assert list(reader.scope.of(reader.store, A)) == [BERT], "restored, whatever else was said of it"
    assert list(reader.scope.of(reader.store, B)) == []


def test_nothing_assigned_where_something_was_is_not_believed(reader: Reader) -> None:
    reader.read()
    reader.entra.fail(ASSIGNED_TO, status=200, body={"value": []})
    with pytest.raises(GraphImplausible, match="where there were 3"):
        reader.read()
    assert reader.read() == set(IDS[:11])


def test_a_group_that_hides_its_members_is_not_taken_for_empty(reader: Reader) -> None:
    reader.read()
    reader.marked()
    reader.entra.act({"do": "hide group", "id": A})
    reader.entra.forget("links")
    for _ in range(2):
        with pytest.raises(GraphImplausible, match=f"{A} hides its members.*unassign"):
            reader.read()
        assert reader.scope.everyone(reader.store) == set(IDS[:11])
        assert reader.marked() == set()
    reader.entra.act({"do": "unassign group", "id": A})
    assert reader.read() == {ANNA, BERT}


def test_a_list_without_anybody_is_looked_at_twice(reader: Reader) -> None:
    reader.read()
    reader.entra.forget("links")
    link = reader.entra.ready["url"] + DELTA
    nobody = [{"id": group, "displayName": group} for group in (A, B)]
    reader.entra.fail(DELTA, status=410)
    reader.entra.fail(DELTA, status=200, body={"value": nobody, "@odata.deltaLink": f"{link}?$deltatoken=x"})
    with pytest.raises(GraphImplausible, match="with nobody and with members"):
        reader.read()
    reader.entra.act({"do": "put group", "id": A, "members": []})
    assert reader.read() == {ANNA, BERT}, "it has nobody, whichever way one looks"


def test_the_last_member_may_go_where_graph_says_so(reader: Reader) -> None:
    reader.read()
    reader.entra.act({"do": "remove member", "id": B, "members": [BERT]}, {"do": "unassign", "id": ANNA})
    assert reader.read() == set(IDS[1:11])
    assert set(reader.scope.of(reader.store, B)) == set()


def test_the_first_reading_of_an_empty_scope(reader: Reader) -> None:
    reader.entra.act({"do": "unassign", "id": ANNA}, *({"do": "unassign group", "id": each} for each in (A, B)))
    assert reader.read() == set()
    assert reader.read() == set()
    put(reader.entra, C, [])
    assert reader.read() == set()


def test_many_groups_cost_a_call_for_fifty_and_spare_chunks_are_put_together(reader: Reader) -> None:
    entra = reader.entra
    entra.set(page_size=500)
    for group in GROUPS[2:]:
        put(entra, group, [DORA])
    reader.read()
    entra.forget("calls")
    reader.read()
    assert entra.calls() == STEPS | {f"GET {DELTA}": 3}
    entra.act(*({"do": "unassign group", "id": each} for each in GROUPS[3:120]))
    reader.read()
    assert [len(chunk.groups) for chunk in reader.progress.chunks] == [3]
    for count, group in enumerate(GROUPS[3:6], start=1):
        put(entra, group, [IDS[20 + count]])
        reader.read()
        sizes = [len(chunk.groups) for chunk in reader.progress.chunks]
        assert sizes == ([3] + [1] * count if count < 3 else [6])
    assert reader.read() == {*IDS[:11], *IDS[21:24]}


CHANGES = [
    {"do": "remove member", "id": A, "members": IDS[1:6]},
    {"do": "add member", "id": B, "members": [IDS[20]]},
    {"do": "unassign", "id": ANNA},
    {"do": "assign", "id": IDS[21]},
    {"do": "unassign group", "id": C},
    {"do": "put group", "id": D, "members": [IDS[22]]},
    {"do": "assign group", "id": D},
]
UNDONE = [
    {"do": "add member", "id": A, "members": IDS[1:6]},
    {"do": "remove member", "id": B, "members": [IDS[20]]},
    {"do": "assign", "id": ANNA},
    {"do": "unassign", "id": IDS[21]},
    {"do": "assign group", "id": C},
    {"do": "unassign group", "id": D},
]
BEFORE = {HIMSELF: {ANNA}, A: set(IDS[1:11]), B: {BERT}, C: {DORA, IDS[23]}, D: set()}
AFTER = {HIMSELF: {IDS[21]}, A: set(IDS[6:11]), B: {BERT, IDS[20]}, C: set(), D: {IDS[22]}}


MIND_CHANGED = [
    (CHANGES, UNDONE, BEFORE),
    ([{"do": "delete group", "id": A}], [{"do": "put group", "id": A, "members": IDS[1:11]}], BEFORE),
    (CHANGES, [], AFTER),
    ([{"do": "delete group", "id": A}], [], BEFORE | {A: set()}),
    ([{"do": "unassign group", "id": A}], [{"do": "assign group", "id": A}], BEFORE),
]
EVERYTHING = settings.get_current_profile_name() == "campaign"


@pytest.mark.parametrize(("changes", "undone", "expected"), MIND_CHANGED if EVERYTHING else MIND_CHANGED[:2])
def test_killed_at_any_step_it_comes_to_the_same(
    entra: Entra,
    scope: EntraScope,
    monkeypatch: pytest.MonkeyPatch,
    store_id: str,
    changes: list[dict[str, object]],
    undone: list[dict[str, object]],
    expected: dict[str, set[str]],
) -> None:
    """Before and after each write of grants, and each time the progress is kept; then Entra may change its mind."""
    change, steps_left = scope.change, [0]

    def step() -> None:
        steps_left[0] -= 1
        if steps_left[0] == 0:
            raise Killed

    def killed_around(*args: Any, **kwargs: Any) -> None:
        step()
        change(*args, **kwargs)
        step()

    monkeypatch.setattr(scope, "change", killed_around)
    for deadly in range(1, 100):
        entra.forget("state")
        begin(entra)
        put(entra, C, [DORA, IDS[23]])
        reader = Reader(entra, scope, f"{store_id}-{deadly}")
        reader.read(mark=False)
        entra.act(*changes)
        reader.before_keeping = lambda _: step()
        steps_left[0] = deadly
        try:
            reader.read()
        except Killed:
            entra.act(*undone)
        else:
            break
        steps_left[0] = 0
        assert reader.read() == set().union(*expected.values())
        assert {group: set(scope.of(reader.store, group)) for group in expected} == expected
        was, now = (set().union(*each.values()) for each in (BEFORE, expected))
        assert reader.marked() >= was ^ now
    assert 5 < deadly < 99


def test_tables_that_do_not_answer_end_it_where_it_can_go_on(
    reader: Reader, memory: MemoryTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.read()
    reader.entra.act({"do": "remove member", "id": A, "members": [DORA]})
    with monkeypatch.context() as broken:
        broken.setattr(memory, "around", no_answer)
        with pytest.raises(TablesBusy):
            reader.read()
    assert reader.read() == {*IDS[:3], *IDS[4:11]}


def no_answer(*args: object, **kwargs: object) -> None:
    raise ServiceRequestError("no answer")


class Tenant:
    """What Entra should show: plain sets, changed by the same actions."""

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}
        self.groups: set[str] = set()
        self.direct = {IDS[24]}
        self.deleted: set[str] = set()

    def scope(self) -> set[str]:
        """Who is in scope."""
        found = self.direct.union(*(self.members.get(group, set()) for group in self.groups))
        return found - self.deleted

    def act(self, do: str, user: str, group: str) -> dict[str, object] | None:
        """Carry out an action, or None if it cannot be."""
        there, members = group in self.members, self.members.get(group, set())
        possible: dict[str, tuple[bool, Callable[[], object]]] = {
            "add member": (there, lambda: members.add(user)),
            "remove member": (user in members, lambda: members.remove(user)),
            "put group": (True, lambda: self.members.update({group: {user}})),
            "delete group": (there, lambda: self.members.pop(group)),
            "assign group": (True, lambda: self.groups.add(group)),
            "unassign group": (True, lambda: self.groups.discard(group)),
            "assign": (True, lambda: self.direct.add(user)),
            "unassign": (True, lambda: self.direct.discard(user)),
            "soft-delete": (user not in self.deleted, lambda: self.deleted.add(user)),
            "restore": (user in self.deleted, lambda: self.deleted.remove(user)),
        }
        can_be, change = possible[do]
        if not can_be:
            return None
        change()
        of_group = "group" in do or "member" in do
        return {"do": do, "id": group if of_group else user, "members": [user]}


KINDS = [
    "add member", "add member", "remove member", "put group", "delete group", "assign group", "assign group",
    "unassign group", "assign", "unassign", "soft-delete", "restore",
]  # fmt: skip
ACTIONS = st.tuples(st.sampled_from(KINDS), st.sampled_from(IDS[:5]), st.sampled_from([A, B, C]))
CYCLES = st.lists(
    st.tuples(st.lists(ACTIONS, max_size=8), st.sampled_from(["", "", "links expire", "killed"]), st.integers(1, 3)),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 2)
@given(CYCLES, st.integers(0, 2))
def test_whatever_happens_it_follows(
    entra: Entra,
    scope: EntraScope,
    cycles: list[tuple[list[tuple[str, str, str]], str, int]],
    replays: int,
) -> None:
    entra.forget("state")
    entra.set(replays=replays)
    entra.act(*({"do": "unassign", "id": each} for each in IDS[:24]))
    tenant, reader = Tenant(), Reader(entra, scope, f"t-{uuid4().hex}")
    seen = set[str]()
    for wanted, event, page_size in cycles:
        entra.set(page_size=page_size)
        entra.act(*(done for each in wanted if (done := tenant.act(*each)) is not None))
        if event == "links expire":
            entra.forget("links")
        found = reader.read_although_killed() if event == "killed" else reader.read()
        assert found == tenant.scope()
        assert reader.marked() >= found ^ seen
        seen = found
