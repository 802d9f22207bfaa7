"""Routes match as Azure's host matches them."""

import pytest

from local.host.routes import Match, Route, Routes

ROUTES = Routes(
    Route(template, frozenset(methods), template)
    for template, *methods in [
        ("scim/{store}/{*path}",),
        ("scim/{store}/ping", "GET"),
        ("{anything}/x/y", "GET"),
        ("health", "GET"),
        ("health", "DELETE"),
    ]
)


@pytest.mark.parametrize(
    ("path", "template", "parameters"),
    [
        ("/scim/s1/Users/42", "scim/{store}/{*path}", {"store": "s1", "path": "Users/42"}),
        ("/scim/s1", "scim/{store}/{*path}", {"store": "s1"}),
        ("/scim/s1/", "scim/{store}/{*path}", {"store": "s1"}),
        ("/SCIM/s1/ping", "scim/{store}/ping", {"store": "s1"}),
        ("/scim/x/y", "scim/{store}/{*path}", {"store": "x", "path": "y"}),
        ("/other/x/y", "{anything}/x/y", {"anything": "other"}),
        ("/health", "health", {}),
        ("/scim/s1/Users/%C3%A9%20%2541", "scim/{store}/{*path}", {"store": "s1", "path": "Users/é %41"}),
        ("/scim/s1/Users/a%2fb", "scim/{store}/{*path}", {"store": "s1", "path": "Users/a%2Fb"}),
    ],
)
def test_the_most_specific_route_is_found(path: str, template: str, parameters: dict[str, str]) -> None:
    assert ROUTES.find("GET", path) == Match(template, parameters)


def test_a_path_without_a_route_allows_nothing() -> None:
    assert ROUTES.find("GET", "/scim") == frozenset()
    assert ROUTES.find("GET", "/health/deep") == frozenset()


def test_a_wrong_method_is_told_the_right_ones() -> None:
    assert ROUTES.find("POST", "/health") == frozenset({"GET", "DELETE"})


def test_a_less_specific_route_takes_the_method_a_specific_one_does_not() -> None:
    assert ROUTES.find("POST", "/scim/s1/ping") == Match("scim/{store}/{*path}", {"store": "s1", "path": "ping"})


@pytest.mark.parametrize("template", ["{id:int}", "{id?}", "{*path}/tail", "a{b}"])
def test_what_it_cannot_match_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="route"):
        Route(template, frozenset(), None)
