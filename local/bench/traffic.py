"""Which requests a case sends: those of Entra's provisioning service, for the people of the store."""

import itertools
import json
from collections.abc import Sequence
from urllib.parse import quote

from local.bench.figures import Case
from local.bench.load import Request
from local.bench.seeding import Seeded
from local.entra.mapping import ACTIVE, USER_NAME, mapped_values
from local.entra.person import Person
from local.entra.requests import Change, Dialect, create_body, update_body

SWITCHED = 32
"""People switched off and then on in one run of PATCH: twice the connections, so that no two meet at one person."""
CREATED = 3_000
"""People ready to be created in one run of POST, more than come to it."""

STATUS = {Case.GET: 200, Case.PATCH: 200, Case.POST: 201}


class Traffic:
    """The requests of every run. A run has people of its own, so that none finds what another left."""

    def __init__(self, path: str) -> None:
        """`path` is the sync endpoint's, such as `/scim/contoso`."""
        self._users = f"{path}/Users"
        self._patches = itertools.count()
        self._posts = itertools.count()

    def of(self, case: Case, seeded: Sequence[Seeded]) -> list[Request]:
        """The requests of one more run of a case. All but POST may be repeated from the first on."""
        match case:
            case Case.GET:
                return [self._get(one.person) for one in spread_out(seeded, 1000)]
            case Case.PATCH:
                start = next(self._patches) * SWITCHED % len(seeded)
                people = [*seeded, *seeded][start : start + min(SWITCHED, len(seeded))]
                return [self._patch(one.id, active) for active in (False, True) for one in people]
            case Case.POST:
                run = next(self._posts)
                return [self._post(seeded[0].person, f"new.{run}.{number}") for number in range(CREATED)]

    def _get(self, person: Person) -> Request:
        return Request("GET", f"{self._users}?filter={quote(f'userName eq "{person.user_principal_name}"')}")

    def _patch(self, user_id: str, active: bool) -> Request:
        body = update_body([Change(ACTIVE, str(active), str(not active))], Dialect.WITHOUT_FLAG)
        return Request("PATCH", f"{self._users}/{user_id}", json.dumps(body))

    def _post(self, like: Person, name: str) -> Request:
        address = f"{name}@contoso.example"
        names = {"user_principal_name": address, "mail": address, "mail_nickname": name}
        values = mapped_values(like.model_copy(update=names))
        assert values[USER_NAME] == address  # or every creation would be a conflict
        return Request("POST", self._users, json.dumps(create_body(values, Dialect.WITHOUT_FLAG)))


def spread_out[T](items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, evenly from first to last."""
    return [items[index * len(items) // count] for index in range(count)] if count < len(items) else list(items)
