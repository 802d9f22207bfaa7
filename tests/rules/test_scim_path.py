"""Attribute paths in plain JSON."""

import pytest
from pydantic import JsonValue

from shared.rules.scim_path import ENTERPRISE, Resource, ScimPath

PERSON: Resource = {
    "userName": "ada",
    "name": {"givenName": "Ada"},
    "emails": [{"type": "home", "value": "h"}, {"type": "Work", "value": "w"}],
    "addresses": "not a list",
    ENTERPRISE: {"department": "D", "manager": {"value": "m"}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("userName", "ada"),
        ("name.givenName", "Ada"),
        ("name.familyName", None),
        ("title.x", None),
        ('emails[type eq "work"].value', "w"),
        ('emails[type eq "other"].value', None),
        ('addresses[type eq "work"].locality', None),
        (f"{ENTERPRISE}:department", "D"),
        (f"{ENTERPRISE}:manager.value", "m"),
        ("urn:example:other:department", None),
    ],
)
def test_get(path: str, value: JsonValue) -> None:
    assert ScimPath.parse(path).get(PERSON) == value


def test_put_builds_what_get_reads() -> None:
    paths = ["userName", "name.givenName", "name.familyName", 'emails[type eq "work"].value']
    paths += ['addresses[type eq "work"].locality', 'addresses[type eq "work"].country', f"{ENTERPRISE}:manager.value"]
    resource: Resource = {}
    for path in paths:
        ScimPath.parse(path).put(resource, path)
    assert [ScimPath.parse(path).get(resource) for path in paths] == paths
    assert resource["addresses"] == [{"type": "work", "locality": paths[4], "country": paths[5]}]


@pytest.mark.parametrize("path", ["", "a.b.c", "emails[type eq work]", 'emails[value eq "x"]', "urn:x", "a b"])
def test_other_forms_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not an attribute path"):
        ScimPath.parse(path)
