"""The preview of a mapping over a store's people, on Azurite."""

from pathlib import Path

import pytest

from cli.__main__ import main
from local.parts import app_settings
from shared.app.container import Bridge
from shared.rules.mapping.mapping import HardCodedValue, Mapping, Rule
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from tests.conftest import ZohoOne


def test_a_changed_mapping_is_counted_before_it_is_saved(bridge: Bridge, store: Store, zoho_one: ZohoOne) -> None:
    for name, title in (("ada", "Analyst"), ("grace", "Admiral"), ("joan", None)):
        bridge.push.create(store, {"userName": f"{name}@contoso.example", "active": True, "title": title})
    bridge.push.create(store, {"userName": "gone@contoso.example", "active": False, "title": "Guest"})
    calls = zoho_one.calls()
    current = bridge.mappings.current(store.id).mapping
    rules = [
        rule.model_copy(update={"default": "Colleague"}) if rule.target is ZohoField.TITLE else rule
        for rule in current.rules
    ]
    rules.append(Rule(target=ZohoField.DEPARTMENT, source=HardCodedValue(value="switched off")))
    preview = bridge.mapping_preview.change(store, Mapping(rules=tuple(rules)))
    assert (preview.people, preview.changed) == (3, 1), "people without an account are not counted"
    assert preview.by_field == {ZohoField.TITLE: 1}, "fields that the store does not use neither"
    assert bridge.mappings.current(store.id).number == 0
    assert zoho_one.calls() == calls


def test_one_person_is_shown_field_by_field(bridge: Bridge, store: Store) -> None:
    person = bridge.push.create(store, {"userName": "ada@contoso.example", "active": True, "title": "Analyst"})
    lines = bridge.mapping_preview.person(store, bridge.mappings.current(store.id).mapping, person.id)
    shown = {line.field: (line.value, line.rule) for line in lines if line.value}
    assert shown == {
        ZohoField.USER_NAME: ("ada@contoso.example", "[userPrincipalName]"),
        ZohoField.TITLE: ("Analyst", "[jobTitle]"),
    }
    with pytest.raises(KeyError):
        bridge.mapping_preview.person(store, bridge.mappings.current(store.id).mapping, "0" * 32)


def test_the_command_counts_too(
    bridge: Bridge,
    store: Store,
    azurite: str,
    key: str,
    zoho_one: ZohoOne,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("ada", "grace"):
        bridge.push.create(store, {"userName": f"{name}@contoso.example", "active": True, "title": name})
    for setting, value in app_settings(azurite, key, zoho_one.parts).items():
        monkeypatch.setenv(setting, value)
    rules = [rule for rule in bridge.mappings.current(store.id).mapping.rules if rule.target is not ZohoField.TITLE]
    file = tmp_path / "mapping.json"
    file.write_text(Mapping(rules=tuple(rules)).model_dump_json())
    assert main(["mapping", "preview", str(file), "--store", store.id]) == 0
    assert capsys.readouterr().out == "2 of 2 people would change.\ntitle: 2\n"
    assert main(["mapping", "preview", str(file), "--store", "nobody"]) == 1
