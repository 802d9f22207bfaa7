"""What the pages do, over the run's Azurite and the simulated Zoho One."""

import csv
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from werkzeug.datastructures import FileStorage

from shared.admin.store_settings import Section, fingerprint
from shared.app.container import Bridge
from shared.console.guard_pages import sentence_of_groups
from shared.rules.change import ChangeKind, FieldChange
from shared.rules.guard_limits import GroupLimit, Share
from shared.rules.history import EventKind
from shared.rules.plan import PlannedChange
from shared.rules.run import Result, Run, RunChange, RunKind, RunState
from shared.rules.status import Deprovisioning
from shared.rules.store import Store
from shared.rules.zoho_user import ZohoField
from shared.tables.by_time import new_id
from tests.conftest import Endpoint, ZohoOne
from tests.console.conftest import Pages
from tests.tables.test_people_found import person

NOW = datetime.now(UTC)


def _fresh(pages: Pages, store: Store) -> Store:
    found = pages.parts.stores.table.read(store.id)
    assert found is not None
    return found


def _seen(pages: Pages, store: Store, section: Section) -> str:
    return fingerprint(_fresh(pages, store), section)


def test_deletion_of_accounts_has_to_be_confirmed_by_the_name(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/status-sync"
    form = {
        **dict.fromkeys(("activated", "deactivated", "deleted", "unassigned"), "Change in Zoho One"),
        **dict.fromkeys(("on_deactivated", "on_unassigned"), "Deactivate"),
        "on_deleted": "Delete",
        "seen": _seen(pages, store, Section.STATUS_SYNC),
    }
    refused = pages.post(path, **form, typed="contoso")
    assert refused.status_code == 422
    assert "would be deleted from Zoho One for good" in refused.text
    assert _fresh(pages, store).status_rules.on_deleted is Deprovisioning.DEACTIVATE
    assert pages.post(path, **form, typed=store.name).status_code == 303
    assert _fresh(pages, store).status_rules.on_deleted is Deprovisioning.DELETE
    (record,) = pages.parts.stores.table.records(store.id, 10)
    assert record.by == "local"
    assert "Deactivate" in pages.get(f"/stores/{store.id}/changes").text


def test_a_secret_is_never_shown_again(pages: Pages, store: Store, zoho_one: ZohoOne) -> None:
    pages.parts.stores.settings.keep_secret(
        store.id, "entra-secret", "graph-secret-value", "The client secret", "local"
    )
    made = pages.post(f"/stores/{store.id}/api-integration/new-token", seen=_seen(pages, store, Section.TOKENS))
    token = re.search(r'id="new-token">([^<]+)<', made.text)
    assert token
    shown = pages.get(f"/stores/{store.id}/api-integration").text
    for secret in (token[1], zoho_one.parts.client_secret, zoho_one.parts.refresh_token, "graph-secret-value"):
        assert secret not in shown
    again = pages.post(f"/stores/{store.id}/api-integration/new-token", seen="old")
    assert again.status_code == 409
    assert "The secret tokens were changed meanwhile" in again.text


def test_graph_credentials_are_saved_and_what_is_missing_is_named(pages: Pages, store: Store, bridge: Bridge) -> None:
    path, tenant = f"/stores/{store.id}/api-integration/graph", "11111111-2222-3333-4444-555555555555"
    form = {
        "seen": _seen(pages, store, Section.ENTRA),
        "credential": "client secret",
        "graph_tenant_id": tenant,
        "scope": "assigned users and groups",
        "cloud": "graph.microsoft.com",
    }
    refused = pages.post(path, **form)
    assert refused.status_code == 422
    assert "needs the Application (client) ID" in refused.text
    saved = pages.post(path, **form, graph_client_id=tenant, graph_enterprise_app=tenant, graph_secret="s3cret-value")
    assert saved.status_code == 303
    entra = _fresh(pages, store).entra
    assert entra is not None
    assert entra.graph_origin == "https://graph.microsoft.com"
    assert bridge.secrets.get(store.id, "entra-secret") == "s3cret-value"
    assert pages.post(path, seen=_seen(pages, store, Section.ENTRA), credential="").status_code == 303
    assert _fresh(pages, store).entra is None


def test_criteria_are_built_button_by_button_and_checked(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/criteria"
    form = {"seen": _seen(pages, store, Section.CRITERIA), "takes": "matching", "n.match": "all"}
    grown = pages.post(path, **form, do="add-condition n")
    assert 'name="n.0.attribute"' in grown.text
    form |= {
        "n.0.kind": "profile field",
        "n.0.attribute": "departmnt",
        "n.0.operator": "equals",
        "n.0.values": "Sales",
        "n.1.match": "any",
        "n.1.0.kind": "profile field",
        "n.1.0.attribute": "country",
        "n.1.0.operator": "matches one of",
        "n.1.0.values": "Germany\r\nFrance",
    }
    refused = pages.post(path, **form, do="save")
    assert refused.status_code == 422
    assert "Condition 1" in refused.text
    assert "did you mean department?" in refused.text
    assert _fresh(pages, store).criteria is None
    assert pages.post(path, **(form | {"n.0.attribute": "department"}), do="save").status_code == 303
    expected = 'department equals "Sales" and (country matches one of "Germany", "France")'
    assert str(_fresh(pages, store).criteria) == expected
    shown = pages.get(path).text
    assert "departmnt" not in shown
    assert "Germany\nFrance" in shown
    taken_away = pages.post(path, **(form | {"n.0.attribute": "department"}), do="remove n.1")
    assert "Germany" not in taken_away.text


@pytest.mark.parametrize("page", ["guard", "schedule"])
def test_numbers_that_are_none_are_told_where_they_are(page: str, pages: Pages, store: Store) -> None:
    form: dict[str, object] = {
        "guard": {"leavings_count": "x", "leavings_percent": 300, "one_field_count": 1, "one_field_percent": 1},
        "schedule": {"interval_minutes": "7", "drift": "repair", "history_days": "0"},
    }[page]  # type: ignore[assignment]  # each a form
    section = {"guard": Section.GUARD, "schedule": Section.SCHEDULE}[page]
    refused = pages.post(f"/stores/{store.id}/{page}", seen=_seen(pages, store, section), **form)
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert _fresh(pages, store) == store


def test_provisioning_is_paused_until_a_time_to_come(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/pause"
    past = f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert pages.post(path, do="pause", until=past).status_code == 422
    assert pages.post(path, do="pause", until="soon").status_code == 422
    later = NOW + timedelta(days=1)
    assert pages.post(path, do="pause", until=f"{later:%Y-%m-%dT%H:%M}").status_code == 303
    until = _fresh(pages, store).schedule.paused_until
    assert until is not None
    assert abs(until - later) < timedelta(minutes=1)
    assert pages.post(path, do="go on").status_code == 303
    assert "Provisioning is paused until" not in pages.get(f"/stores/{store.id}/schedule").text


def test_a_mapping_is_exported_imported_and_restored(pages: Pages, store: Store) -> None:
    exported = pages.get(f"/stores/{store.id}/mapping/export")
    assert exported.headers["Content-Disposition"] == f'attachment; filename="mapping-{store.id}-0.json"'
    mapping = json.loads(exported.text)
    mapping["rules"][0]["source"]["field"] = "mail"
    file = FileStorage(io.BytesIO(json.dumps(mapping).encode()), "mapping.json")
    assert pages.post(f"/stores/{store.id}/mapping/import", file=file).status_code == 303
    assert pages.parts.mappings.versions.current(store.id).number == 0, "it is looked at first"
    assert "not saved" in pages.get(f"/stores/{store.id}/mapping").text
    assert pages.post(f"/stores/{store.id}/mapping/save", why="Sign in by mail").status_code == 303
    versions = pages.get(f"/stores/{store.id}/mapping/versions").text
    assert "Sign in by mail" in versions
    assert pages.post(f"/stores/{store.id}/mapping/versions/0/restore", based_on="0").status_code == 409
    assert pages.post(f"/stores/{store.id}/mapping/versions/0/restore", based_on="1").status_code == 303
    current = pages.parts.mappings.versions.current(store.id)
    assert (current.number, current.saved_by, current.why) == (2, "local", "Version 0 restored")
    broken = FileStorage(io.BytesIO(b'{"rules": [{"target": "titel"}]}'), "mapping.json")
    refused = pages.post(f"/stores/{store.id}/mapping/import", file=broken)
    assert refused.status_code == 422
    assert "did you mean title?" in refused.text


def test_an_extension_is_switched_on_before_it_can_be_filled(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/mapping/fields/workLocation"
    rule = {"kind": "hard-coded value", "value": "Main Building", "apply": "always"}
    assert pages.post(path, do="keep", **rule).status_code == 422
    assert (
        pages.post(f"{path}/extension", do="on", seen=_seen(pages, store, Section.ZOHO), path="((").status_code == 422
    )
    on = pages.post(f"{path}/extension", do="on", seen=_seen(pages, store, Section.ZOHO), **rule)
    assert (on.status_code, 'value="Main Building"' in on.text) == (200, True), "what was typed is kept"
    assert ZohoField.WORK_LOCATION in _fresh(pages, store).zoho.extensions
    assert pages.post(path, do="keep", **rule).status_code == 303
    draft = pages.parts.mappings.versions.draft(store.id, "local")
    assert draft is not None
    assert str(draft.mapping.rules[-1]) == '"Main Building"'


def test_the_effect_of_a_change_is_counted_in_steps(
    pages: Pages, store: Store, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.console.mapping_version_pages.STEP", 2)
    for number in range(5):
        bridge.identities.write(store.id, None, person(f"Person {number}", f"p{number}@contoso.example"))
    pages.post(f"/stores/{store.id}/mapping/fields/title", do="keep", kind="hard-coded value", value="Colleague")
    tally, steps = "{}", 0
    while True:
        piece = pages.post(f"/stores/{store.id}/mapping/impact", tally=tally).text
        steps += 1
        found = re.search(r"hx-vals='([^']+)'", piece)
        if found is None:
            break
        tally = json.loads(found[1])["tally"]
    assert steps == 3
    assert "5 of 5 people" in piece
    assert "Designation: 5" in piece
    garbage = pages.post(f"/stores/{store.id}/mapping/impact", tally="<script>")
    assert "cannot be counted" in garbage.text


def test_a_person_shows_what_happened_and_is_let_go(
    endpoint: Endpoint, store_id: str, pages: Pages, zoho_one: ZohoOne
) -> None:
    body = {"userName": "ada@contoso.example", "displayName": "=Ada()", "active": True, "title": "<b>Countess"}
    created = endpoint.request("POST", "/Users", json=body).json()
    path = f"/stores/{store_id}/people/{created['id']}"
    shown = pages.get(path).text
    assert "&lt;b&gt;Countess" in shown
    assert "<b>Countess" not in shown
    assert "The person is active in Entra." in shown
    looked = pages.post(f"{path}/look").text
    assert "Current state: active." in looked
    rows = list(csv.reader(io.StringIO(pages.get(f"{path}/history.csv").text.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["at", "what", "why"]
    assert ["displayName", "", "'=Ada()"] in [row[3:] for row in rows]
    assert pages.get(f"{path}/history.json").json[0]["kind"] == "created"  # type: ignore[index]  # JSON
    assert pages.post(f"{path}/let-go").status_code == 303
    gone = pages.get(path)
    assert "<h1>=Ada() <span" in gone.text
    assert "local unmanaged the person" in gone.text
    history = pages.parts.people.identities.history(store_id, created["id"])
    assert history[0].kind is EventKind.UNMANAGED
    assert [user["active"] for user in zoho_one.users()] == [True], "the account stays as it is"
    assert pages.post(f"{path}/let-go").status_code == 404


def test_a_new_one_time_password_that_cannot_be_sent_says_why(endpoint: Endpoint, store_id: str, pages: Pages) -> None:
    created = endpoint.request("POST", "/Users", json={"userName": "ada@contoso.example", "active": True}).json()
    refused = pages.post(f"/stores/{store_id}/people/{created['id']}/new-password")
    assert refused.status_code == 409
    assert "the mail notification is set to" in refused.text


def test_a_run_is_shown_and_downloaded_whole(pages: Pages, store: Store) -> None:
    run = Run(
        id=new_id(NOW),
        store=store.id,
        kind=RunKind.CYCLE,
        asked_by="schedule",
        started=NOW,
        planned={ChangeKind.UPDATE: 120},
        results={Result.DONE: 119, Result.FAILED: 1},
        calls={"graph": 3, "zoho": 120},
    ).finished(RunState.DONE, NOW + timedelta(seconds=9))
    pages.parts.runs.table.put(run)
    changes = [
        RunChange(
            change=PlannedChange(
                kind=ChangeKind.UPDATE,
                identity=f"{number:032x}",
                name=f"Person {number}",
                user_name=f"p{number}@contoso.example",
                fields=(FieldChange(field=ZohoField.TITLE, before=None, after="=1+1"),),
                reason="The mapping changed.",
            ),
            result=Result.DONE,
            at=NOW,
        )
        for number in range(120)
    ]
    pages.parts.runs.table.put_changes(store.id, run.id, 0, changes)
    listed = pages.get(f"/stores/{store.id}/runs").text
    assert "update 120" in listed
    assert "<svg" in listed
    first = pages.get(f"/stores/{store.id}/runs/{run.id}").text
    assert "Person 99<" in first
    assert "Person 100<" not in first
    assert "Person 119<" in pages.get(f"/stores/{store.id}/runs/{run.id}?first=100").text
    rows = list(csv.reader(io.StringIO(pages.get(f"/stores/{store.id}/runs/{run.id}/changes.csv").text)))
    assert len(rows) == 121
    assert rows[1][6] == "title: – → =1+1"
    whole = pages.get(f"/stores/{store.id}/runs/{run.id}/changes.json").json
    assert whole is not None
    assert len(whole["changes"]) == 120
    assert pages.get("/").status_code == 200


def test_a_store_is_added_and_deleted_by_an_owner(pages: Pages, store_id: str, zoho_one: ZohoOne) -> None:
    query = f"name=New+store&id={store_id}&data_center=us"
    assert "Sync endpoint of Zoho One" in pages.get(f"/stores/new/api-integration?{query}").text
    for wrong in ("name=&id=x&data_center=us", "name=x&id=UPPER!&data_center=us", "name=x&id=x&data_center=mars"):
        assert pages.get(f"/stores/new/api-integration?{wrong}").status_code == 422, wrong
    form = {
        "name": "New store",
        "id": store_id,
        "data_center": "us",
        "sync_endpoint": zoho_one.parts.sync_endpoint,
        "client_id": zoho_one.parts.client_id,
        "client_secret": zoho_one.parts.client_secret,
    }
    assert pages.post("/stores/new/api-integration", **(form | {"sync_endpoint": "nowhere"})).status_code == 422
    assert pages.post("/stores/new/api-integration", **form).status_code == 303
    twice = pages.post("/stores/new/api-integration", **form)
    assert twice.status_code == 422
    assert zoho_one.parts.client_secret not in twice.text
    cannot = pages.post(f"/stores/{store_id}/start")
    assert cannot.status_code == 409
    assert "is not connected to Zoho One" in cannot.text
    assert pages.post(f"/stores/{store_id}/delete", typed="new store").status_code == 422
    for _ in range(5):
        gone = pages.post(f"/stores/{store_id}/delete", typed="New store")
        if gone.status_code == 303:
            break
    assert pages.parts.stores.table.read(store_id) is None


def test_groups_are_set_and_their_deletion_is_confirmed(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/groups/settings"
    form = {
        "resource_sync": "Users and groups",
        "name_prefix": "Entra ",
        "name_expression": "ToUpper([displayName])",
        "deleted": "Change in Zoho One",
        "seen": _seen(pages, store, Section.GROUPS),
    }
    refused = pages.post(path, **form)
    assert (refused.status_code, "deleted from Zoho One for good" in refused.text) == (422, True)
    wrong = pages.post(path, **form | {"name_expression": "[mail]", "typed": store.name})
    assert (wrong.status_code, "a group has no [mail]" in wrong.text) == (422, True)
    assert pages.post(path, **form, typed=store.name).status_code == 303
    groups = _fresh(pages, store).groups
    assert (groups.name_prefix, groups.deleted.value) == ("Entra ", "Change in Zoho One")
    assert "Groups" in pages.get(f"/stores/{store.id}/changes").text


def test_the_guard_of_groups_is_set(pages: Pages, store: Store) -> None:
    limits = {"leavings": "10", "members": "70", "one_field": "50", "groups": "5"}
    form = {f"{name}_{part}": value for name, value in limits.items() for part in ("count", "percent")}
    form |= {"groups_share": "80", "groups_most": "20"}
    saved = pages.post(f"/stores/{store.id}/guard", **form, seen=_seen(pages, store, Section.GUARD))
    assert saved.status_code == 303
    guard = _fresh(pages, store).guard
    assert (guard.members.count, guard.groups) == (70, GroupLimit(count=5, percent=5, share=80, most=20))
    assert "This store has no group yet." in pages.get(f"/stores/{store.id}/guard").text


@pytest.mark.parametrize(
    ("groups", "exact", "sentence"),
    [
        (1, True, "With 1 group, all may be deleted without a decision."),
        (2, True, "With 2 groups, all may be deleted without a decision."),
        (3, True, "With 3 groups, at most 1 may be deleted without a decision; one more waits for an administrator."),
        (8, True, "With 8 groups, at most 3 may be deleted without a decision; one more waits for an administrator."),
        (60, True, "With 60 groups, at most 6 may be deleted without a decision; one more waits for an administrator."),
        (1000, False, "With at least 1,000 groups, 50 or more may be deleted without a decision."),
    ],
)
def test_the_limit_on_deleted_groups_is_said_for_this_store(groups: int, exact: bool, sentence: str) -> None:
    assert sentence_of_groups(GroupLimit(), groups, exact=exact) == sentence


def test_the_three_limits_on_departures_are_set_and_told_for_this_store(pages: Pages, store: Store) -> None:
    path = f"/stores/{store.id}/guard"
    pages.parts.runs.deprovisionings.change(store.id, lambda recent: recent.counted(60, NOW))
    told = "holds from 11 on, the second limit holds from 31 on; the third never: 10 may be deprovisioned"
    assert told in html.unescape(pages.get(path).text)
    limits = {"leavings_share_percent": "25", "leavings_share_of_at_least": "4", "leavings_most": ""}
    assert pages.post(path, **limits, seen=_seen(pages, store, Section.GUARD)).status_code == 303
    guard = _fresh(pages, store).guard
    assert (guard.leavings_share, guard.leavings_most) == (Share(percent=25, of_at_least=4), None)
    half = pages.post(path, leavings_share_percent="", seen=_seen(pages, store, Section.GUARD))
    assert (half.status_code, 'id="leavings_share_percent-fault"' in half.text) == (422, True)
    none = {"leavings_share_percent": "", "leavings_share_of_at_least": ""}
    assert pages.post(path, **none, seen=_seen(pages, store, Section.GUARD)).status_code == 303
    assert _fresh(pages, store).guard.leavings_share is None


def test_groups_are_shown_with_their_members(endpoint: Endpoint, store_id: str, pages: Pages) -> None:
    ada = endpoint.request(
        "POST", "/Users", json={"userName": "ada@contoso.example", "displayName": "Ada", "active": True}
    ).json()
    body = {"displayName": "Research & <b>", "externalId": "g-1", "members": [{"value": ada["id"]}]}
    made = endpoint.request("POST", "/Groups", json=body)
    assert made.status_code == 201, made.text
    shown = pages.get(f"/stores/{store_id}/groups/{made.json()['id']}").text
    assert "Research &amp; &lt;b&gt;" in shown
    assert ">Ada</a>" in shown
    assert "Research &amp; &lt;b&gt;" in pages.get(f"/stores/{store_id}/groups").text
    assert f"/groups/{made.json()['id']}" in pages.get(f"/stores/{store_id}/people/{ada['id']}").text
    assert pages.get(f"/stores/{store_id}/groups/{'0' * 32}").status_code == 404


def test_entra_is_given_a_client_and_its_secrets(pages: Pages, store: Store) -> None:
    path, tables = f"/stores/{store.id}/api-integration", pages.parts.stores.table

    def fresh() -> Store:
        found = tables.read(store.id)
        assert found is not None
        return found

    def post(to: str, section: Section, **form: str) -> str:
        answer = pages.post(f"{path}/{to}", seen=fingerprint(fresh(), section), **form)
        assert answer.status_code in (200, 303, 422)
        return answer.text

    shown = post("client-secret", Section.OAUTH)
    client = fresh().oauth_client
    assert client is not None
    (secret,) = re.findall(r'<code id="oauth-client-secret">([^<]+)<', shown)
    assert client.credential_of(client.client_id, secret) in client.credentials
    assert secret not in pages.get(path).text
    assert client.client_id in pages.get(path).text
    post("client-secret", Section.OAUTH)
    again = fresh().oauth_client
    assert again is not None
    assert (again.client_id, len(again.secret_hashes)) == (client.client_id, 2)
    post("end-client", Section.OAUTH, what="older")
    left = fresh().oauth_client
    assert left is not None
    assert left.secret_hashes == again.secret_hashes[:1]
    assert pages.post(f"{path}/client-secret", seen="of another time").status_code == 303
    assert fresh().oauth_client == left
    post("end-client", Section.OAUTH, what="all")
    assert fresh().oauth_client is None


def test_an_identity_of_entra_is_named_whole_or_not_at_all(pages: Pages, store: Store) -> None:
    path, tables = f"/stores/{store.id}/api-integration", pages.parts.stores.table
    form = {"tenant_id": str(uuid4()), "subject": str(uuid4()), "audience": "api://bridge"}

    def post(given: dict[str, str]) -> int:
        now = tables.read(store.id)
        assert now is not None
        return pages.post(f"{path}/federation", seen=fingerprint(now, Section.FEDERATION), **given).status_code

    assert post(form | {"subject": ""}) == 422
    assert post(form) == 303
    saved = tables.read(store.id)
    assert saved is not None
    assert saved.federation is not None
    assert form["subject"] in pages.get(path).text
    assert post(dict.fromkeys(form, "")) == 303
    gone = tables.read(store.id)
    assert gone is not None
    assert gone.federation is None


def test_the_overview_says_what_entra_does_while_pushes_are_refused(pages: Pages, store: Store, bridge: Bridge) -> None:
    def shown(**changes: object) -> str:
        bridge.stores.put(store.model_copy(update=changes))
        return pages.get(f"/stores/{store.id}").text

    running = store.schedule.started(NOW)
    assert "What Entra does meanwhile" not in shown(schedule=running)
    paused = running.model_copy(update={"paused_until": NOW + timedelta(days=3)})
    assert "before Entra would switch the job off" in shown(schedule=paused)
    longer = running.model_copy(update={"paused_until": NOW + timedelta(days=40)})
    assert "may last longer than 4 weeks" in shown(schedule=longer)
    assert "What Entra does meanwhile" not in shown(schedule=longer, token_hashes=())
