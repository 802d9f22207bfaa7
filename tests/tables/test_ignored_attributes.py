"""What Entra sends and nothing uses: by name, bounded, and without a round trip for each request."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.app.container import Bridge
from shared.calls import counted
from shared.rules.ignored_attributes import MOST, IgnoredAttributes
from shared.tables.errors import TablesBusy
from shared.tables.ignored_attributes import PAUSE, IgnoredNotes

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Process:
    """One process's notes, and its clock."""

    def __init__(self, bridge: Bridge, store_id: str) -> None:
        self.now, self.store_id = NOON, store_id
        self.notes = IgnoredNotes(bridge.table("identities"), lambda: self.now)

    def note(self, *names: str) -> int:
        """One request; the round trips that it cost."""
        with counted() as calls:
            self.notes.note(self.store_id, names)
        return calls.taken().get("tables", 0)

    def shown(self) -> dict[str, int]:
        return {one.name: one.count for one in self.notes.read(self.store_id).attributes}


def test_a_name_is_written_once_and_the_counts_now_and_then(bridge: Bridge, store_id: str) -> None:
    process = Process(bridge, store_id)
    assert process.note() == 0
    assert process.note("shoeSize") == 2
    assert [process.note("shoeSize"), process.note("shoeSize", "shoeSize"), process.note()] == [0, 0, 0]
    assert process.shown() == {"shoeSize": 1}
    assert process.note("hatSize") == 2
    assert process.shown() == {"hatSize": 1, "shoeSize": 3}
    process.note("shoeSize")
    process.now += PAUSE
    assert process.note() == 2, "with the next request, whatever it is"
    assert process.shown() == {"shoeSize": 4, "hatSize": 1}


def test_processes_count_together(bridge: Bridge, store_id: str) -> None:
    first, second = Process(bridge, store_id), Process(bridge, store_id)
    first.note("shoeSize")
    second.note("shoeSize", "hatSize")
    assert first.shown() == {"shoeSize": 2, "hatSize": 1}


def test_names_are_bounded(bridge: Bridge, store_id: str) -> None:
    process = Process(bridge, store_id)
    for number in range(0, 3 * MOST, 10):
        process.note(*(f"attribute{number + i}" for i in range(10)))
    assert process.note("oneMore") == 0, "a process writes at once for so many names only"
    assert len(process.shown()) == MOST
    process.now += PAUSE
    process.note()
    assert len(process.shown()) == MOST


def test_tables_that_do_not_answer_are_no_trouble_for_a_request(
    bridge: Bridge, store_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(bridge, store_id)

    def busy(*_: object) -> None:
        raise TablesBusy("not now")

    with monkeypatch.context() as broken:
        broken.setattr(process.notes, "_read", busy)
        process.note("shoeSize")
    process.now += PAUSE
    process.note("hatSize")
    assert process.shown() == {"shoeSize": 1, "hatSize": 1}


def test_the_last_are_kept() -> None:
    ignored = IgnoredAttributes()
    for minute in range(MOST + 5):
        ignored = ignored.with_counts({f"attribute{minute}": 1}, NOON + timedelta(minutes=minute))
    assert len(ignored.attributes) == MOST
    assert ignored.attributes[0].name == f"attribute{MOST + 4}"
