"""A form that cannot be saved keeps what was typed, and is saved wherever its page was shown."""

import html
import re
from pathlib import Path

import pytest

from shared.admin.store_settings import Section, fingerprint
from shared.rules.mapping.mapping import DEFAULT_MAPPING, Mapping
from shared.rules.store import Store
from tests.console.conftest import Pages

TEMPLATES = Path("shared/console/templates")
TYPED = "typed-by-ada"


def _seen(pages: Pages, store: Store, section: Section) -> str:
    return fingerprint(_fresh(pages, store), section)


def _fresh(pages: Pages, store: Store) -> Store:
    found = pages.parts.stores.table.read(store.id)
    assert found is not None
    return found


def _form(text: str, field: str) -> tuple[str, dict[str, str]]:
    """The address of the form with a field, below /console, and what it sends as it is."""
    form = next(form for form in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'name="{field}"' in form)
    action = re.search(r'action="/console([^"]+)"', form)
    assert action
    values = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"(?![^>]*type="radio")[^>]*>', form))
    values |= dict(re.findall(r'<input type="radio"[^>]* name="([^"]+)" value="([^"]*)" checked', form))
    values |= dict(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', form))
    values |= {
        name: chosen
        for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL)
        for chosen in re.findall(r'<option value="([^"]*)" selected', options)
    }
    return html.unescape(action[1]), {
        name: html.unescape(value) for name, value in values.items() if name[:4] != "form"
    }


def test_every_form_names_its_address() -> None:
    """Without one, a browser sends it to wherever its page was shown: to another form's address, for example."""
    for file in sorted(TEMPLATES.rglob("*.html")):
        for form in re.findall(r"<form\b[^>]*>", file.read_text()):
            assert ' action="' in form, (file.name, form)


def test_settings_are_saved_after_the_domains_were_read(pages: Pages, store: Store) -> None:
    for setup in ("", "?setup=1"):
        address, form = _form(pages.get(f"/stores/{store.id}/settings{setup}").text, "admins")
        admins = f"ada{len(setup)}@contoso.example"
        read = pages.post(f"/stores/{store.id}/settings/verified-domains{setup}", **form | {"admins": admins})
        assert read.status_code == 422, "there is no Graph to read them from"
        again, kept = _form(read.text, "admins")
        assert (again, kept["admins"]) == (address, admins)
        saved = pages.post(again, **kept)
        assert saved.status_code == 303
        assert '<p class="note good" role="status">Saved.' in pages.client.get(saved.headers["Location"]).text
        assert _fresh(pages, store).password_notification.admins == (admins,)


def test_the_schedule_is_saved_after_a_pause_that_was_wrong(pages: Pages, store: Store) -> None:
    wrong = pages.post(f"/stores/{store.id}/pause", do="pause", until="2020-01-01T00:00")
    assert (wrong.status_code, 'value="2020-01-01T00:00"' in wrong.text) == (422, True)
    address, form = _form(wrong.text, "interval_minutes")
    assert pages.post(address, **form | {"interval_minutes": "45"}).status_code == 303
    assert _fresh(pages, store).schedule.interval_minutes == 45


def test_a_mail_template_is_saved_after_a_test_mail_that_was_not_sent(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/settings/templates/user/en"
    tested = pages.post(f"{path}/test", to="nowhere")
    assert 'value="nowhere"' in tested.text
    address, form = _form(tested.text, "body")
    assert (address, "{{ password }}" in form["body"]) == (path, True)
    assert pages.post(address, **form | {"subject": "Hello"}).status_code == 303
    assert "Hello" in {each.subject for each in _fresh(pages, store).password_notification.templates}


@pytest.mark.parametrize(
    ("path", "section", "form"),
    [
        ("settings", Section.NOTIFICATION, {"mail_notification": "x", "admins": TYPED}),
        ("settings/templates/user/en", Section.NOTIFICATION, {"subject": "", "body": TYPED}),
        ("settings/templates/user/en", Section.NOTIFICATION, {"subject": TYPED + "x" * 200, "body": "{{ password }}"}),
        ("settings/templates/user/en", Section.NOTIFICATION, {"subject": "Hello", "body": TYPED}),
        ("status-sync", Section.STATUS_SYNC, {"activated": TYPED}),
        ("guard", Section.GUARD, {"leavings_count": TYPED}),
        ("schedule", Section.SCHEDULE, {"interval_minutes": TYPED, "drift": "repair", "history_days": "1"}),
        ("groups/settings", Section.GROUPS, {"name_prefix": TYPED, "name_expression": "[mail]"}),
        ("criteria", Section.CRITERIA, {"do": "save", "takes": "matching", "n.0.attribute": TYPED, "n.0.values": "x"}),
        ("name", Section.NAME, {"name": TYPED + "x" * 100, "data_center": "us"}),
        ("api-integration/zoho-one", Section.ZOHO, {"sync_endpoint": "nowhere", "client_id": TYPED}),
        ("api-integration/graph", Section.ENTRA, {"credential": "client secret", "graph_tenant_id": TYPED}),
        ("api-integration/tenant", Section.TENANT, {"entra_tenant": TYPED}),
        ("mapping/attributes", Section.ATTRIBUTES, {"custom_attributes": f"{TYPED}!"}),
        ("mapping/fields/title", Section.ZOHO, {"kind": "expression", "expression": f"Nothing({TYPED}"}),
        ("people/provision", Section.NAME, {"object_ids": TYPED}),
        ("people/provision-group", Section.NAME, {"group": TYPED}),
    ],
)
def test_what_was_typed_stays_when_it_cannot_be_saved(
    path: str, section: Section, form: dict[str, object], pages: Pages, store: Store
) -> None:
    before = _fresh(pages, store)
    refused = pages.post(f"/stores/{store.id}/{path}", seen=_seen(pages, store, section), **form)
    assert refused.status_code == 422
    assert TYPED in refused.text or path.startswith(("status-sync", "people")), "a choice that is none has no box"
    assert _fresh(pages, store) == before


def test_a_store_says_whether_entra_sees_the_accounts_that_nobody_manages(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/api-integration/discovery"
    for form, listed in (({"lists_unmanaged": "yes"}, True), ({}, False)):
        saved = pages.post(path, seen=_seen(pages, store, Section.DISCOVERY), **form)
        assert saved.status_code == 303
        assert _fresh(pages, store).lists_unmanaged is listed
    assert pages.post(path, seen="of another time", lists_unmanaged="yes").status_code == 409
    assert "Account Discovery" in pages.get(f"/stores/{store.id}/changes").text


def test_a_switch_stays_when_the_settings_beside_it_are_wrong(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/api-integration/zoho-one"
    for sent, checked in (({"sends_passwords": "yes"}, True), ({}, False)):
        refused = pages.post(path, sync_endpoint="nowhere", seen=_seen(pages, store, Section.ZOHO), **sent)
        assert refused.status_code == 422
        assert ('id="sends_passwords" name="sends_passwords" value="yes" checked' in refused.text) is checked


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("settings", {"mail_notification": "No notification", "admins": TYPED}),
        ("status-sync", {"activated": "Change in Zoho One", "on_deleted": TYPED}),
        ("guard", {"leavings_count": "7", "one_field_count": "77777"}),
        ("name", {"name": TYPED, "data_center": "us"}),
        ("api-integration/tenant", {"entra_tenant": "11111111-2222-3333-4444-555555555555"}),
        ("settings/templates/user/en", {"subject": TYPED, "body": "{{ password }}\n{{ sign_in_url }}"}),
        ("mapping/attributes", {"custom_attributes": "extension_typed"}),
    ],
)
def test_what_was_typed_is_shown_when_somebody_else_was_first(
    path: str, form: dict[str, str], pages: Pages, store: Store
) -> None:
    refused = pages.post(f"/stores/{store.id}/{path}", seen="of another time", **form)
    assert refused.status_code in (409, 422)
    assert "meanwhile" in refused.text
    assert list(form.values())[-1].split("\n")[0] in html.unescape(refused.text)


def test_a_secret_that_was_not_saved_is_not_shown(pages: Pages, store: Store) -> None:
    form = {"credential": "client secret", "graph_secret": TYPED, "graph_tenant_id": store.id}
    for seen in ("of another time", _seen(pages, store, Section.ENTRA)):
        refused = pages.post(f"/stores/{store.id}/api-integration/graph", seen=seen, **form)
        assert refused.status_code in (409, 422)
        assert TYPED not in refused.text


def test_back_in_add_directory_brings_back_what_was_typed(pages: Pages) -> None:
    second = pages.get("/stores/new/api-integration?name=Contoso+%26+Co&id=contoso-x&data_center=eu").text
    back = re.search(r'href="/console(/stores/new[?][^"]+)">Back', second)
    assert back
    first = pages.get(html.unescape(back[1])).text
    for kept in ('value="Contoso &amp; Co"', 'value="contoso-x"', '<option value="eu" selected>'):
        assert kept in first


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/start", ""),
        ("/settings/verified-domains", "/settings"),
        ("/mapping/fields/title/extension", "/mapping/fields/title"),
    ],
)
def test_the_address_of_a_form_that_is_opened_leads_to_its_page(
    path: str, page: str, pages: Pages, store: Store
) -> None:
    led = pages.get(f"/stores/{store.id}{path}")
    assert (led.status_code, led.headers["Location"]) == (302, f"/console/stores/{store.id}{page}")


def test_a_custom_attribute_that_is_read_cannot_be_left_out(pages: Pages, store: Store) -> None:
    def listed(names: str) -> int:
        seen = _seen(pages, store, Section.ATTRIBUTES)
        return pages.post(f"/stores/{store.id}/mapping/attributes", seen=seen, custom_attributes=names).status_code

    assert listed("badge extension_skills[]") == 303
    versions = pages.parts.mappings.versions
    rule = {"target": "title", "source": {"kind": "expression", "expression": 'Join("", [badge], [jobTitle])'}}
    kept = [each for each in DEFAULT_MAPPING.rules if each.target != "title"]
    mapping = Mapping.model_validate({"rules": [*(each.model_dump() for each in kept), rule]})
    versions.save(store.id, mapping, based_on=0, by="t", at=pages.parts.site.now(), why="t")
    refused = pages.post(
        f"/stores/{store.id}/mapping/attributes", seen=_seen(pages, store, Section.ATTRIBUTES), custom_attributes="x"
    )
    assert refused.status_code == 422
    assert "the rule for title reads badge" in html.unescape(refused.text)
    assert listed("badge") == 303


def test_criteria_that_look_at_what_nobody_has_are_refused(pages: Pages, store: Store) -> None:
    form = {"do": "save", "takes": "matching", "n.0.kind": "custom attribute", "n.0.attribute": "shoeSize"}
    form |= {"n.0.operator": "equals", "n.0.values": "44", "seen": _seen(pages, store, Section.CRITERIA)}
    refused = pages.post(f"/stores/{store.id}/criteria", **form)
    assert refused.status_code == 422
    assert "shoeSize is not one of the store's custom attributes" in html.unescape(refused.text)


def test_a_matching_rule_that_reads_what_nobody_has_is_refused(pages: Pages, store: Store) -> None:
    form = {"rule-1.field": "email", "rule-1.place": "1", "rule-1.outcome": "propose"}
    for name, status in (("shoeSize", 422), ("mail", 303)):
        seen = _seen(pages, store, Section.MATCHING)
        sent = form | {"rule-1.expression": f"ToLower([{name}])", "seen": seen}
        answer = pages.post(f"/stores/{store.id}/matching", **sent)
        assert answer.status_code == status
        assert ("there is no attribute shoeSize" in html.unescape(answer.text)) is (status == 422)
