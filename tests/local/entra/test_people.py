"""The simulated people: as untidy as those of a real tenant, and the same on every run."""

import unicodedata
import uuid
from collections import Counter

from local.entra import people
from local.entra.people import PEOPLE, make_people


def test_there_are_25_with_distinct_ids_and_names() -> None:
    assert len(PEOPLE) == 25
    assert len({person.id for person in PEOPLE}) == 25
    assert len({person.user_principal_name.lower() for person in PEOPLE}) == 25
    assert all(str(uuid.UUID(person.id)) == person.id for person in PEOPLE)


def test_managers_are_among_them() -> None:
    ids = {person.id for person in PEOPLE}
    assert {person.manager for person in PEOPLE if person.manager} <= ids


def test_they_have_what_breaks_naive_code() -> None:
    nicknames = Counter(person.mail_nickname for person in PEOPLE)
    characters = set("".join(person.display_name for person in PEOPLE))
    assert sum("#EXT#" in person.user_principal_name for person in PEOPLE) >= 2
    assert max(nicknames.values()) == 2
    assert any("'" in person.user_principal_name for person in PEOPLE)
    assert "%" in characters
    assert max(characters) > "\uffff"
    assert {"R", "AL"} <= {unicodedata.bidirectional(character) for character in characters}
    assert any(person.given_name is None and person.surname for person in PEOPLE)
    assert any(len(person.job_title or "") > 100 for person in PEOPLE)


def test_those_the_walkthrough_changes_exist() -> None:
    by_id = {person.id: person for person in PEOPLE}
    changed = [people.RENAMED, people.MOVED, people.REHIRED, people.LEAVER, people.DISABLED_LATER]
    assert all(by_id[person_id].account_enabled for person_id in changed)
    assert by_id[people.MOVED].manager != by_id[people.NEW_MANAGER_OF_MOVED].id
    assert not by_id[people.DISABLED_FROM_THE_START].account_enabled


def test_made_people_are_the_same_each_time_and_a_prefix_of_more() -> None:
    assert make_people(40) == make_people(100)[:40]
    many = make_people(1000)
    assert len({person.id for person in many}) == 1000
    assert {person.manager for person in many[1:]} <= {person.id for person in many}
    assert many[0].manager is None
