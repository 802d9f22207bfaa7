"""Guests: one name, wherever it comes from."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl, JsonValue

from shared.entra.user_properties import UserProperties
from shared.rules.azure_user import AzureUser, from_graph, from_scim, value_of
from shared.rules.change import NO_CHANGE
from shared.rules.desired import Policy, desired_account, needed
from shared.rules.expressions import EvaluationContext
from shared.rules.guests import Guests, mapped_name
from shared.rules.mapping.compiled import CompiledMapping
from shared.rules.mapping.mapping import DEFAULT_MAPPING
from shared.rules.recycle_bin import is_in_bin, under_own_name
from shared.rules.scim_path import ENTRA
from shared.rules.scim_user import onto_scim, pushed_onto
from shared.rules.status import Action, Status
from shared.rules.store import Store, ZohoConnection

TENANT = "contoso.onmicrosoft.example"
STORE = Store(
    id="contoso",
    name="Contoso",
    zoho=ZohoConnection(sync_endpoint=HttpUrl("https://zoho.example/scim"), data_center="us", client_id="c"),
)
CONTEXT = EvaluationContext(datetime(2026, 3, 2, tzinfo=UTC), random.Random(1), lambda _: False)
HEX = "8f0a1b2c3d4e4f5a8b9c0d1e2f3a4b5c"


@pytest.mark.parametrize(
    ("stored", "mapped"),
    [
        (f"ann_fabrikam.com#EXT#@{TENANT}", "ann@fabrikam.com"),
        (f"ann_b_c_fabrikam.com#EXT#@{TENANT}", "ann_b_c@fabrikam.com"),
        (f"o'neil+x_a-b.co.uk#ext#@{TENANT}", "o'neil+x@a-b.co.uk"),
        (f"_fabrikam.com#EXT#@{TENANT}", f"_fabrikam.com#EXT#@{TENANT}"),
        (f"ann#EXT#@{TENANT}", f"ann#EXT#@{TENANT}"),
        ("ann_b@contoso.example", "ann_b@contoso.example"),
        (f"{HEX}ann_fabrikam.com#EXT#@{TENANT}", f"{HEX}ann@fabrikam.com"),
        ("", ""),
    ],
)
def test_a_guests_name_is_their_own_address(stored: str, mapped: str) -> None:
    assert mapped_name(stored) == mapped
    assert mapped_name(mapped) == mapped


ALIASES = st.text("abcé'+-._0", min_size=1, max_size=12)
DOMAINS = st.from_regex(r"[a-z0-9-]{1,8}(\.[a-z]{2,4}){1,2}", fullmatch=True)
FORMS = st.sampled_from(["mapped", "original", "both"])


@given(ALIASES, DOMAINS, FORMS, st.booleans())
def test_push_and_graph_agree_on_every_guest(alias: str, domain: str, form: str, graph_first: bool) -> None:
    stored = f"{alias}_{domain}#EXT#@{TENANT}"
    graph = UserProperties("id", {"userPrincipalName": stored, "accountEnabled": True})
    pushed: dict[str, JsonValue] = {"userName": stored if form == "original" else f"{alias}@{domain}"}
    extension: dict[str, JsonValue] = {ENTRA: {"originalUserPrincipalName": stored}} if form == "both" else {}
    resource = pushed | extension
    by_graph, by_push = graph.onto(None), from_scim(resource)
    assert by_graph.user_principal_name == by_push.user_principal_name == f"{alias}@{domain}"
    if graph_first:
        shown = onto_scim({}, by_graph, active=True, manager=None, custom=())
        assert shown["userName"] == f"{alias}@{domain}"
        after = pushed_onto(by_graph, shown, shown | resource)
        again = onto_scim(shown | resource, graph.onto(after), active=True, manager=None, custom=())
    else:
        after = graph.onto(by_push)
        again = onto_scim(resource, after, active=True, manager=None, custom=(), pushed_first=True)
    assert (after.user_principal_name, value_of("originalUserPrincipalName")(after)) == (f"{alias}@{domain}", stored)
    assert again["userName"] == pushed["userName"], "Entra finds the user by what it wrote"
    assert pushed_onto(after, again, again) == after


@given(ALIASES, DOMAINS)
def test_a_row_of_an_earlier_release_has_the_name_that_entra_maps(alias: str, domain: str) -> None:
    stored = f"{alias}_{domain}#EXT#@{TENANT}"
    for row in ({"user_principal_name": stored}, {"userPrincipalName": stored}):
        person = AzureUser.model_validate(row)
        assert (person.user_principal_name, person.original_user_principal_name) == (f"{alias}@{domain}", stored)
        assert AzureUser.model_validate_json(person.model_dump_json()) == person
    assert AzureUser(user_principal_name=stored) == person


def test_what_graph_made_in_an_earlier_release_is_shown_by_the_mapped_name() -> None:
    stored = f"ann_fabrikam.com#EXT#@{TENANT}"
    person = from_graph({"id": "x", "userPrincipalName": stored})
    shown = onto_scim({"userName": stored}, person, active=True, manager=None, custom=())
    assert shown["userName"] == "ann@fabrikam.com"
    pushed = onto_scim({"userName": stored.upper()}, person, active=True, manager=None, custom=(), pushed_first=True)
    assert pushed["userName"] == stored.upper()


def test_a_guest_in_the_recycle_bin_keeps_their_name() -> None:
    stored = f"ann_fabrikam.com#EXT#@{TENANT}"
    known = AzureUser(user_principal_name=stored)
    for name in (HEX + stored, f"{HEX}ann@fabrikam.com"):
        shown = AzureUser(user_principal_name=name, account_enabled=False)
        assert under_own_name(shown, known).user_principal_name == "ann@fabrikam.com"
        assert under_own_name(shown, known).original_user_principal_name in (stored, None)
        assert is_in_bin(name, known.user_principal_name)
        assert is_in_bin(name, stored)


def test_a_guest_who_becomes_a_member_has_one_name() -> None:
    known = AzureUser(user_principal_name=f"ann_fabrikam.com#EXT#@{TENANT}", user_type="Guest")
    values: dict[str, JsonValue] = {
        "userPrincipalName": "ann@contoso.example",
        "userType": "Member",
        "accountEnabled": True,
    }
    now = UserProperties("id", values).onto(known)
    assert (now.user_principal_name, now.original_user_principal_name, now.is_guest) == (
        "ann@contoso.example",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("person", "is_guest"),
    [
        ({"userPrincipalName": "a@b.example"}, False),
        ({"userPrincipalName": "a@b.example", "userType": "Guest"}, True),
        ({"userPrincipalName": "a@b.example", "userType": "guest"}, True),
        ({"userPrincipalName": "a_b.example#EXT#@c.example"}, True),
        ({"userPrincipalName": "a_b.example#EXT#@c.example", "userType": "Member"}, False),
        ({"userPrincipalName": "a@b.example", "originalUserPrincipalName": "a@b.example"}, False),
        ({"userPrincipalName": "a@b.example", "originalUserPrincipalName": "a_b.example#EXT#@c.example"}, True),
    ],
)
@pytest.mark.parametrize("guests", list(Guests))
@pytest.mark.parametrize("status", [Status.ACTIVATED, Status.DEACTIVATED])
def test_a_store_may_take_no_guests(person: dict[str, str], is_guest: bool, guests: Guests, status: Status) -> None:
    user = AzureUser.model_validate(person)
    assert user.is_guest is is_guest
    store = STORE.model_copy(update={"guests": guests})
    policy = Policy(CompiledMapping(DEFAULT_MAPPING), CONTEXT, store)
    desired, decision = desired_account(user, status, policy, None)
    taken = status is Status.ACTIVATED and not (is_guest and guests is Guests.NOT_AT_ALL)
    assert (decision.action is Action.PROVISION, desired is not None) == (taken, taken)
    assert (needed(None, desired, store.status_rules) is not NO_CHANGE) is taken
