"""The probe finds out how Zoho One behaves, and proposes the settings that go with it; its report names nobody."""

from dataclasses import replace
from typing import Any

import pytest

from local.in_process import InProcess
from local.zoho_one.directory import Directory
from local.zoho_one.server import ZohoOne as SimulatedZohoOne
from shared.admin.zoho_probe import PATHS, ZohoProbe
from shared.admin.zoho_trial import Trial, is_test_address
from shared.app.container import Bridge
from shared.rules.store import Filters, Store, UpdateVerb
from shared.rules.zoho_probe import differences, proposed
from shared.rules.zoho_user import ZohoField
from shared.zoho.probe_calls import ProbeCalls
from tests.conftest import ZohoOne
from tests.dialects import MODES, Mode
from tests.in_memory import ZOHO_ONE

ADDRESS = "Bridge-Test@Contoso.example"
UNKNOWABLE = {"members_per_call"}
"""Only a change of many members would show it."""
NO_SCHEMAS = "/Schemas does not say which attributes it has."
"""The plain directory has none."""
AS_THE_STANDARD = ("the standard", "PATCH alone", "no /scim", "another path", "429 with Retry-After")
NOT_DIFFERENT = (*AS_THE_STANDARD, "few members in a call")
FOUND_BY_TRYING = {"update_verb", "group_update_verb", "active_as_text", "left_out"}
"""Settings that reading alone does not show."""


@pytest.fixture
def probe(bridge: Bridge) -> ZohoProbe:
    """The app's, which waits for nobody."""

    def calls(store: Store) -> ProbeCalls:
        made = bridge._probe_calls(store)
        made._sleep = lambda _: None
        made._pace.throttled = lambda retry_after: None  # type: ignore[method-assign]  # noqa: ARG005
        return made

    return replace(bridge.zoho_probe, clients=calls)


def _speak(zoho_one: ZohoOne, mode: Mode) -> dict[str, Any]:
    """Let Zoho One speak, with some people and groups; return the settings that go with it."""
    dialect, settings = dict(mode.dialect), dict(mode.settings)
    if "members_shown" in dialect:  # two members of two groups would say little
        dialect["members_shown"] = settings["members_shown"] = 10
    people = zoho_one.add(
        *({"userName": f"Person{n}@contoso.example", "displayName": f"P{n}", "active": True} for n in range(13))
    )
    for name in ("Staff", "Sales"):
        zoho_one.add_group(name, *(person["id"] for person in people))
    zoho_one.speak(**dialect)
    if "page_size" in dialect:
        settings["page_size"] = dialect["page_size"]
    return {name: value for name, value in settings.items() if name not in UNKNOWABLE}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_it_proposes_what_goes_with_each_dialect(probe: ZohoProbe, store: Store, zoho_one: ZohoOne, mode: Mode) -> None:
    wanted = _speak(zoho_one, mode)
    if wanted.get("scim_path") not in (None, *PATHS):  # nobody could guess it
        zoho = store.zoho.model_copy(update={"scim_path": wanted.pop("scim_path")})
        store = store.model_copy(update={"zoho": zoho})
    before = zoho_one.users(), zoho_one.groups()
    read = probe(store)
    assert (read.stopped, read.facts.tried) == (None, False)
    assert (zoho_one.users(), zoho_one.groups()) == before
    found = proposed(read.facts, store.zoho)
    assert found == {name: value for name, value in wanted.items() if name not in FOUND_BY_TRYING}
    tried = probe(store, Trial(ADDRESS))
    assert (tried.stopped, tried.left_behind, tried.facts.deletes) == (None, False, True)
    assert proposed(tried.facts, store.zoho) == wanted | (
        {"left_out": tuple(wanted["left_out"])} if "left_out" in wanted else {}
    )
    assert (zoho_one.users(), zoho_one.groups()) == before
    differing = set(differences(tried.facts)) - {NO_SCHEMAS}
    assert bool(differing) is (mode.name not in NOT_DIFFERENT), differing
    for report in (read, tried):
        text = report.model_dump_json()
        for personal in ("person", "contoso", "staff", "sales", "bridge-test", *(user["id"] for user in before[0])):
            assert personal not in text.lower()
    settled = Store.model_validate(store.model_dump() | {"zoho": store.zoho.model_dump() | wanted})
    assert proposed(probe(settled, Trial(ADDRESS)).facts, settled.zoho) == {}, "what is set is not proposed again"


def test_an_empty_zoho_one_is_not_taken_for_a_strange_one(probe: ZohoProbe, store: Store, zoho_one: ZohoOne) -> None:
    assert zoho_one.users() == []
    assert proposed(probe(store).facts, store.zoho) == {}
    assert proposed(probe(store, Trial(ADDRESS)).facts, store.zoho) == {}


@pytest.mark.parametrize("page", ["/Users/{id}", "/Groups/{id}", "/Groups", "/Users"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
def test_whatever_fails_the_test_account_is_deleted_or_named(
    probe: ZohoProbe, store: Store, zoho_one: ZohoOne, method: str, page: str
) -> None:
    zoho_one.add({"userName": "ada@contoso.example", "active": True})
    zoho_one.fail(method=method, path=page, status=500, times=3)
    report = probe(store, Trial(ADDRESS))
    there = [user["userName"] for user in zoho_one.users() if user["userName"] != "ada@contoso.example"]
    assert bool(there or zoho_one.groups()) is report.left_behind


def test_an_account_that_is_there_is_not_touched(probe: ZohoProbe, store: Store, zoho_one: ZohoOne) -> None:
    zoho_one.add({"userName": ADDRESS.lower(), "active": True, "title": "Not yours"})
    before = zoho_one.users()
    report = probe(store, Trial(ADDRESS))
    assert "already" in (report.stopped or "")
    assert (zoho_one.users(), report.left_behind, report.facts.tried) == (before, False, False)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("bridge-test@a.example", True),
        ("Bridge-Test-2@a.example", True),
        ("ada@a.example", False),
        ("bridge-test", False),
    ],
)
def test_only_a_test_address_is_consent(address: str, is_one: bool) -> None:
    assert is_test_address(address) is is_one


def test_what_zoho_one_declares_counts_where_nothing_was_tried(
    probe: ZohoProbe, store: Store, zoho_one: ZohoOne, answering: dict[str, InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """scim2-server describes itself; the simulated Zoho One has no nickName, and here no preferredLanguage either."""
    whole = SimulatedZohoOne(ZOHO_ONE, "us", 0, None, Directory)
    whole.accounts = answering[ZOHO_ONE]._application.accounts  # type: ignore[attr-defined]
    whole.directory._accepts = whole.accounts.accepts  # type: ignore[attr-defined]
    monkeypatch.setitem(answering, ZOHO_ONE, InProcess(whole))
    facts = probe(store).facts
    assert (facts.patch_declared, facts.filter_declared) == (True, True)
    assert {"userName", "phoneNumbers"} <= set(facts.user_attributes)
    assert {"User", "Group"} <= set(facts.resource_types)
    assert proposed(facts, store.zoho) == {}
    names = tuple(name for name in facts.user_attributes if name != "preferredLanguage")
    less = facts.model_copy(update={"user_attributes": names, "patch_declared": False, "filter_declared": False})
    assert proposed(less, store.zoho) == {
        "left_out": (ZohoField.PREFERRED_LANGUAGE,),
        "update_verb": UpdateVerb.PUT,
        "filters": Filters.NONE,
    }
