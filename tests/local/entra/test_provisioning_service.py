"""The simulated Entra: an administrator's actions, and the resulting requests of its provisioning service."""

import json
import time
import uuid
from collections.abc import Iterator

import pytest

from local.entra.directory import EntraDirectory, UnknownPersonError
from local.entra.mapping import MANAGER
from local.entra.people import make_people
from local.entra.provisioning_service import Action, CycleReport, ProvisioningService
from local.entra.requests import ManagerForm
from local.zoho_one import scim_application
from local.zoho_one.scim_application import QuarantinedError
from tests.local.host.scim_recorder import Recorder, recorder

TOKEN = "made-up"


@pytest.fixture
def application() -> Iterator[Recorder]:
    with recorder() as record:
        yield record


@pytest.fixture
def directory() -> EntraDirectory:
    """Three people; the first manages the other two."""
    return EntraDirectory(make_people(3))


@pytest.fixture
def service(directory: EntraDirectory, application: Recorder) -> ProvisioningService:
    return ProvisioningService(directory, application.url, TOKEN)


def actions(report: CycleReport) -> list[Action]:
    assert report.quarantine is None
    assert not report.errors
    return [person.action for person in report.people]


def held_in_step(application: Recorder, directory: EntraDirectory) -> None:
    """Make the application hold `active` as the directory has it: the recorder applies no PATCH."""
    for person in directory.people():
        for user in application.users.values():
            if user["userName"] == person.user_principal_name:
                user["active"] = str(person.account_enabled and not person.deleted_date_time)


class TestDirectory:
    def test_recycle_bin(self, directory: EntraDirectory) -> None:
        boss, report, _ = (person.id for person in directory.people())
        with pytest.raises(ValueError, match="recycle bin"):
            directory.hard_delete(boss)
        directory.soft_delete(boss)
        directory.restore(boss)
        assert directory.get(boss).deleted_date_time is None
        directory.soft_delete(boss)
        directory.hard_delete(boss)
        assert directory.find(boss) is None
        assert directory.get(report).manager is None

    def test_rename_keeps_the_id(self, directory: EntraDirectory) -> None:
        person = directory.people()[1]
        directory.rename(
            person.id, user_principal_name="new@fabrikam.example", given_name="N", surname=None, display_name="N"
        )
        renamed = directory.get(person.id)
        assert (renamed.mail, renamed.mail_nickname) == ("new@fabrikam.example", "new")
        assert renamed.department == person.department

    def test_nobody_with_this_id(self, directory: EntraDirectory) -> None:
        with pytest.raises(UnknownPersonError):
            directory.disable(str(uuid.uuid4()))
        with pytest.raises(UnknownPersonError):
            directory.change_manager(directory.people()[0].id, str(uuid.uuid4()))


class TestConnection:
    def test_asks_for_a_user_that_cannot_exist(self, service: ProvisioningService, application: Recorder) -> None:
        service.test_connection()
        (asked,) = application.asked
        prefix, guid = asked.query["filter"].split('"')[:2]
        assert prefix == "userName eq "
        assert uuid.UUID(guid)
        assert asked.headers["Authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_fails_with_the_reason(self, service: ProvisioningService, application: Recorder, status: int) -> None:
        application.answers = [(status, {}, {"detail": "because"})]
        with pytest.raises(QuarantinedError, match="because"):
            service.test_connection()

    def test_fails_for_an_application_that_finds_anybody(
        self, service: ProvisioningService, application: Recorder
    ) -> None:
        application.answers = [(200, {}, {"totalResults": 1, "Resources": [{"id": "1"}]})]
        with pytest.raises(QuarantinedError):
            service.test_connection()


class TestCycle:
    def test_first_matches_and_creates_and_then_refers_to_managers(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        assert actions(service.cycle()) == [Action.CREATE] * 3
        steps = [asked.method for asked in application.asked]
        assert steps == ["GET", "POST"] * 3 + ["GET", "PATCH"] * 2
        check = application.asked[6].query
        assert check == {"filter": 'id eq "u2" and manager eq "u1"', "attributes": "id"}
        assert application.bodies("PATCH")[0]["Operations"][0]["value"] == [{"$ref": "../Users/u1", "value": "u1"}]
        assert service.user_id(directory.people()[1].id) == "u2"

    def test_asks_nothing_when_nothing_changed(self, service: ProvisioningService, application: Recorder) -> None:
        service.cycle()
        application.asked.clear()
        assert actions(service.cycle()) == [Action.NONE] * 3
        assert not application.asked

    def test_a_manager_the_application_knows_is_not_sent(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        application.users["x"] = {"id": "x", "userName": directory.people()[0].user_principal_name, "manager": None}
        application.users["y"] = {"id": "y", "userName": directory.people()[1].user_principal_name, "manager": "x"}
        service.cycle()
        checked = [asked.query["filter"] for asked in application.asked if asked.query.get("attributes") == "id"]
        sent = [asked.path for asked in application.asked if '"manager"' in json.dumps(asked.body)]
        assert checked == ['id eq "y" and manager eq "x"', 'id eq "u3" and manager eq "x"']
        assert sent == ["/Users/u3"]

    def test_adopts_who_is_there_and_sends_only_what_differs(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        person = directory.people()[0]
        service.cycle()
        first = application.users["u1"]
        application.asked.clear()
        first["title"] = "another"
        again = ProvisioningService(EntraDirectory([person]), application.url, TOKEN)
        assert actions(again.cycle()) == [Action.UPDATE]
        assert application.bodies("PATCH")[0]["Operations"] == [
            {"op": "Replace", "path": "title", "value": person.job_title}
        ]

    def test_never_creates_who_is_disabled_or_deleted_or_out_of_scope(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        disabled, deleted, unassigned = (person.id for person in directory.people())
        directory.disable(disabled)
        directory.soft_delete(deleted)
        directory.unassign(unassigned)
        assert actions(service.cycle()) == [Action.SKIP] * 3
        assert not application.users

    def test_disables_and_enables(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        person = directory.people()[2].id
        service.cycle()
        directory.disable(person)
        assert actions(service.cycle())[2] is Action.DISABLE
        held_in_step(application, directory)
        directory.enable(person)
        assert actions(service.cycle())[2] is Action.ENABLE
        values = [body["Operations"][0]["value"] for body in application.bodies("PATCH")[-2:]]
        assert values == ["False", "True"]

    def test_deletes_who_is_deleted_for_good(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        person = directory.people()[2].id
        service.cycle()
        directory.soft_delete(person)
        assert actions(service.cycle())[2] is Action.DISABLE
        directory.hard_delete(person)
        assert actions(service.cycle()) == [Action.DELETE, Action.NONE, Action.NONE]
        assert application.asked[-1].method == "DELETE"
        assert actions(service.cycle()) == [Action.NONE, Action.NONE]

    def test_forgets_who_is_unassigned(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        person = directory.people()[2].id
        service.cycle()
        directory.unassign(person)
        assert actions(service.cycle())[2] is Action.DISABLE
        directory.soft_delete(person)
        directory.hard_delete(person)
        service.cycle()
        assert "DELETE" not in {asked.method for asked in application.asked}

    def test_creates_again_who_vanished_from_the_application(
        self, service: ProvisioningService, directory: EntraDirectory, application: Recorder
    ) -> None:
        service.cycle()
        del application.users["u3"]
        directory.change_job(directory.people()[2].id, job_title="Other", department=None)
        assert actions(service.cycle())[2] is Action.CREATE

    def test_sends_a_manager_in_the_requested_form_and_clears_it(
        self, directory: EntraDirectory, application: Recorder
    ) -> None:
        service = ProvisioningService(
            directory, f"{application.url}?aadOptscim062020", TOKEN, manager_form=ManagerForm.BARE
        )
        service.cycle()
        directory.change_manager(directory.people()[2].id, None)
        assert actions(service.cycle())[2] is Action.UPDATE
        operations = [body["Operations"][0] for body in application.bodies("PATCH")[1:]]
        assert operations == [
            {"op": "add", "path": MANAGER, "value": "u1"},
            {"op": "replace", "path": MANAGER, "value": ""},
        ]

    def test_on_demand_never_uses_the_flag(self, directory: EntraDirectory, application: Recorder) -> None:
        service = ProvisioningService(directory, f"{application.url}?aadOptscim062020", TOKEN)
        assert service.provision_on_demand(directory.people()[0].id).action is Action.CREATE
        service.cycle()
        assert [body["active"] for body in application.bodies("POST")] == ["True", True, True]


class TestTrouble:
    def test_busy_is_asked_again(self, service: ProvisioningService, application: Recorder) -> None:
        application.answers = [(503, {"Retry-After": "0"}, None)] * 2
        service.test_connection()
        assert len(application.asked) == 3

    def test_waits_as_long_as_asked(
        self, service: ProvisioningService, application: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []
        monkeypatch.setattr(time, "sleep", waits.append)
        application.answers = [(503, {"Retry-After": value}, None) for value in ("7", "Mon, 23 Nov 2026")]
        service.test_connection()
        assert waits == [7, 1]

    def test_a_longer_wait_is_for_the_next_cycle(
        self, service: ProvisioningService, application: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
        application.answers = [(503, {"Retry-After": "3600"}, {"detail": "busy"})]
        report = service.cycle()
        assert [person.error for person in report.people] == ["503: busy", None, None]

    def test_gives_up_and_tries_in_the_next_cycle(self, service: ProvisioningService, application: Recorder) -> None:
        application.answers = [(503, {"Retry-After": "0"}, {"detail": "busy"})] * scim_application.ATTEMPTS
        report = service.cycle()
        assert [person.error for person in report.people] == ["503: busy", None, None]
        assert actions(service.cycle())[0] is Action.CREATE

    def test_a_refusal_is_recorded_with_its_reason_and_stops_nobody_else(
        self, service: ProvisioningService, application: Recorder
    ) -> None:
        application.answers = [(200, {}, {"Resources": []}), (409, {}, {"scimType": "uniqueness", "detail": "taken"})]
        report = service.cycle()
        assert [person.error for person in report.people] == ["409: uniqueness: taken", None, None]
        assert len(application.users) == 2

    @pytest.mark.parametrize(("status", "reason"), [(401, "401"), (404, "empty list")])
    def test_quarantine_ends_the_cycle(
        self, service: ProvisioningService, application: Recorder, status: int, reason: str
    ) -> None:
        application.answers = [(status, {}, None)]
        report = service.cycle()
        assert report.quarantine
        assert reason in report.quarantine
        assert len(application.asked) == 1

    def test_nobody_listening_is_an_error_of_each_person(self, directory: EntraDirectory) -> None:
        report = ProvisioningService(directory, "http://127.0.0.1:9", TOKEN).cycle()
        assert len(report.errors) == 3
