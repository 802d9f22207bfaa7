"""Nothing personal and nothing secret leaves a process in its log: a whole run's log is searched."""

import re
from pathlib import Path

import pytest

from local.entra.directory import EntraDirectory
from local.entra.people import PEOPLE
from local.entra.provisioning_service import ProvisioningService
from local.parts import app_settings
from local.processes import Processes
from local.store import add_store
from tests.conftest import Endpoint, ZohoOne


def _secrets_of(text: str) -> set[str]:
    """Every access and refresh token that Zoho handed out, as they look."""
    return set(re.findall(r"1000\.[0-9a-f]{8,}\.[0-9a-f]{8,}", text))


@pytest.mark.timeout(100)
def test_the_log_of_a_whole_run_names_nobody(
    processes: Processes, azurite: str, key: str, zoho_one: ZohoOne, store_id: str
) -> None:
    token = add_store(azurite, key, zoho_one.parts, store_id)
    environment = app_settings(azurite, key, zoho_one.parts)
    process, ready = processes.start_module("local.host", "--port", "0", "--no-timers", environment=environment)
    endpoint = Endpoint(f"{ready['url']}/scim/{store_id}", token)
    directory = EntraDirectory(PEOPLE)
    service = ProvisioningService(directory, endpoint.url, token)
    assert not service.cycle().errors
    people = [person for person in directory.people() if person.account_enabled]
    directory.disable(people[0].id)
    directory.change_job(people[1].id, job_title="Countess of Lovelace", department="Sums")
    zoho_one.fail(method="PATCH", status=400, body={"detail": f"{people[1].mail} is refused"})
    zoho_one.fail(method="PATCH", status=503, body={"detail": f"{people[1].mail} must wait"}, times=3)
    service.cycle()
    endpoint.request("GET", "/Users", query={"filter": 'displayName co "Nobody Special"', "sortBy": "title"})
    endpoint.request("POST", "/Users", json={"userName": "bad@contoso.example", "active": "perhaps"})
    endpoint.request("POST", "/Users", json={"userName": people[2].user_principal_name})
    assert Endpoint(endpoint.url, "not-the-token").request("GET", "/Users").status_code == 401
    process.stop()

    log = process.log.read_text() + process.output.read_text()
    assert log.count("status=") > len(PEOPLE), "the log was kept"
    personal = {
        value.lower()
        for person in PEOPLE
        for value in (person.user_principal_name, person.mail, person.display_name, person.surname, person.mobile_phone)
        if value and len(value) > 4
    }
    personal |= {"countess", "nobody special", "bad@contoso", "perhaps", "contoso.example"}
    secret = {token, "not-the-token", key, zoho_one.parts.client_secret, zoho_one.parts.refresh_token, "AccountKey"}
    found = [value for value in personal if value in log.lower()] + [value for value in secret if value in log]
    assert not found
    assert not _secrets_of(log)


def test_what_would_be_found_is_found(tmp_path: Path) -> None:
    """The search itself can fail: it knows a token when it sees one."""
    assert _secrets_of("x 1000.0123456789abcdef.fedcba9876543210 y")
