"""Two hosts on one storage account, and many requests for one group at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Endpoint
from tests.sync.grouped import PATCH, Grouped


def test_requests_at_once_lose_nobody(two_hosts: list[Endpoint], grouped: Grouped) -> None:
    """Half of them add and half remove, each other people, on two hosts."""
    names = [f"p{number:02}" for number in range(16)]
    grouped.people(*names)
    grouped.group("Sales", *names[8:])

    def write(number: int) -> int:
        endpoint = Endpoint(two_hosts[number % 2].url, two_hosts[0].token)
        body = {
            "schemas": [PATCH],
            "Operations": [grouped.operation("Add" if number < 8 else "Remove", names[number])],
        }
        for _ in range(6):  # as Entra does with 503
            status = endpoint.request("PATCH", f"/Groups/{grouped.ids['Sales']}", json=body).status_code
            if status != 503:
                break
        return status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(16))) == {204}
    assert grouped.members("Sales") == grouped.in_zoho_one("Sales") == names[:8]


def test_two_creations_at_once_make_one_group(two_hosts: list[Endpoint], grouped: Grouped) -> None:
    def create(number: int) -> int:
        endpoint = Endpoint(two_hosts[number % 2].url, two_hosts[0].token)
        name = "Sales" if number % 3 else "SALES"
        return endpoint.request("POST", "/Groups", json={"displayName": name}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [201] + [409] * 7
    assert len(grouped.zoho_one.groups()) == 1
