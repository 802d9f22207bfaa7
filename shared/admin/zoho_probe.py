"""The probe: asks Zoho One's SCIM API how it behaves. It reads; with a test account (zoho_trial.py) it writes too.

About fifteen calls. What is kept of the answers are names of attributes, counts and statuses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.rules.store import Store
from shared.rules.user_name import folded
from shared.rules.zoho_probe import CAP_LOOKS_LIKE, ProbeFacts, ProbeReport, Style
from shared.zoho.errors import ZohoError
from shared.zoho.probe_calls import Notes, ProbeAnswer, ProbeCalls
from shared.zoho.scim_calls import quoted

PATHS = ("/scim", "", "/scim/v2", "/v2")
"""Paths that are tried after the store's own."""
NOBODY = "no-such-user@bridge.invalid"
NO_ID = "999999999999999999"
FEW_GROUPS = 5
"""Groups that are looked at one by one, if a list of them shows no members."""
_SPELLED = ("userName", "displayName", "totalResults", "Resources", "externalId", "phoneNumbers")

type Clients = Callable[[Store], ProbeCalls]


class Stopped(Exception):
    """The probe cannot go on; the message says why."""


@dataclass
class Probing:
    """One probe under way: a client, what was asked, and what is known so far."""

    clients: Clients
    store: Store
    notes: Notes = field(default_factory=Notes)
    facts: ProbeFacts = field(default_factory=ProbeFacts)

    def __post_init__(self) -> None:
        self.calls = self.clients(self.store)

    def learn(self, **facts: object) -> None:
        """Add to what is known."""
        self.facts = self.facts.model_copy(update=facts)

    def ask(self, what: str, method: str, path: str, body: Any = None, **query: str) -> ProbeAnswer:
        """Make one call."""
        return self.calls.ask(self.notes, what, method, path, body, **query)

    def read(self) -> None:
        """Find out what reading shows. Raises Stopped and ZohoError."""
        users = self._find_path()
        self._discover()
        self._look_at_users(users)
        self._look_at_groups()
        missing = self.ask("an account that does not exist", "GET", f"/Users/{NO_ID}")
        if not missing.is_success:
            self.learn(errors=_style(missing.object), error_status=missing.response.status_code)

    def finds(self, collection: str, attribute: str, value: str) -> bool:
        """Whether Zoho One answers a search with what was searched for, and nothing else."""
        answer = self.ask(
            f"{collection} by {attribute}", "GET", f"/{collection}", filter=f"{attribute} eq {quoted(value)}"
        )
        found = answer.lowered.get("resources") or []
        return answer.is_success and bool(found) and all(_is_named(one, attribute, value) for one in found)

    def _find_path(self) -> ProbeAnswer:
        """Find the path at which users are listed. Raises Stopped."""
        size = str(self.store.zoho.page_size)
        for path in dict.fromkeys((self.store.zoho.scim_path, *PATHS)):
            zoho = self.store.zoho.model_copy(update={"scim_path": path})
            self.calls = self.clients(self.store.model_copy(update={"zoho": zoho}))
            answer = self.ask(f"a page of users below {path or '/'}", "GET", "/Users", startIndex="1", count=size)
            if answer.is_success and "totalresults" in answer.lowered:
                self.learn(scim_path=path)
                return answer
            if answer.means in (401, 403):
                raise Stopped(f"Zoho One answers {answer.means}: Test Connection says what to do")
        raise Stopped("No address below the sync endpoint lists users as SCIM: compare it with what Zoho One shows")

    def _discover(self) -> None:
        config = self.ask("ServiceProviderConfig", "GET", "/ServiceProviderConfig")
        if config.is_success:
            said = config.lowered
            self.learn(patch_declared=_supported(said, "patch"), filter_declared=_supported(said, "filter"))
        schemas = self.ask("Schemas", "GET", "/Schemas")
        if schemas.is_success:
            listed = [one for one in schemas.lowered.get("resources") or [] if isinstance(one, dict)]
            user = next((one for one in listed if str(one.get("id", "")).endswith(":core:2.0:User")), {})
            names = [str(each.get("name")) for each in user.get("attributes") or [] if isinstance(each, dict)]
            self.learn(schemas=tuple(str(one.get("id")) for one in listed), user_attributes=tuple(names))
        types = self.ask("ResourceTypes", "GET", "/ResourceTypes")
        if types.is_success:
            listed = [one for one in types.lowered.get("resources") or [] if isinstance(one, dict)]
            self.learn(resource_types=tuple(str(one.get("name")) for one in listed))

    def _look_at_users(self, answer: ProbeAnswer) -> None:
        said = answer.lowered
        total, listed = int(said.get("totalresults") or 0), said.get("resources") or []
        self.learn(accounts=total)
        if len(listed) < min(total - 1, self.store.zoho.page_size):
            self.learn(page=len(listed))
        if total >= 2:
            zero = _ids(self.ask("a list from 0", "GET", "/Users", startIndex="0", count="1"))
            one = _ids(self.ask("a list from 1", "GET", "/Users", startIndex="1", count="1"))
            if one:
                self.learn(first_index=0 if zero and zero != one else 1)
        if not listed:
            nobody = self.ask("Users by userName", "GET", "/Users", filter=f"userName eq {quoted(NOBODY)}")
            self.learn(finds_users=None if nobody.is_success else False)
            return
        shown = answer.object
        names = {*shown, *(name for one in next(_lists(shown), []) for name in one)}
        attributes = tuple(sorted(_attributes(one for one in listed)))
        kinds = {type(one["active"]) for one in listed if "active" in one}
        self.learn(
            shown=attributes,
            other_letter_case=any(each not in names and each.lower() in map(str.lower, names) for each in _SPELLED),
            numeric_ids=isinstance(listed[0].get("id"), int),
            active="text" if str in kinds else "boolean" if bool in kinds else None,
            finds_users=self.finds("Users", "userName", str(listed[0].get("username"))),
        )

    def _look_at_groups(self) -> None:
        answer = self.ask("a page of groups", "GET", "/Groups", startIndex=str(self.first), count="100")
        if not answer.is_success:
            return
        said = answer.lowered
        listed = said.get("resources") or []
        self.learn(groups=int(said.get("totalresults") or 0))
        if not listed:
            nobody = self.ask("Groups by displayName", "GET", "/Groups", filter=f"displayName eq {quoted(NOBODY)}")
            self.learn(finds_groups=None if nobody.is_success else False)
            return
        self.learn(finds_groups=self.finds("Groups", "displayName", str(listed[0].get("displayname"))))
        sizes = [len(one["members"]) for one in listed if one.get("members")]
        if not sizes:
            several = [self.ask("a group", "GET", f"/Groups/{one.get('id')}").lowered for one in listed[:FEW_GROUPS]]
            sizes = [len(one.get("members") or []) for one in several]
        most = max(sizes, default=0)
        if most and most % CAP_LOOKS_LIKE == 0 and sizes.count(most) > 1:
            self.learn(members_shown=most)

    @property
    def first(self) -> int:
        """The number of the first resource of a list, as far as it is known."""
        return 1 if self.facts.first_index is None else self.facts.first_index


@dataclass(frozen=True)
class ZohoProbe:
    """Probes a store's Zoho One. Raises TablesBusy."""

    clients: Clients
    now: Callable[[], datetime]

    def __call__(self, store: Store, trial: Callable[[Probing], bool] | None = None) -> ProbeReport:
        """Read, and then carry out a trial, which answers whether it may have left anything behind."""
        probing, stopped, left = Probing(self.clients, store), None, False
        try:
            probing.read()
            if trial is not None:
                left = trial(probing)
        except (Stopped, ZohoError) as error:
            stopped = str(error)
        notes = probing.notes
        probing.learn(throttled=notes.throttled, retry_after=notes.retry_after if notes.throttled else None)
        return ProbeReport(
            at=self.now(), facts=probing.facts, asked=tuple(notes.asked), stopped=stopped, left_behind=left
        )


def _style(error: Mapping[str, Any]) -> Style:
    if "detail" in error or "schemas" in error:
        return "SCIM"
    return "Zoho" if error.keys() & {"code", "message", "error", "errors"} else "neither"


def _supported(config: Mapping[str, Any], feature: str) -> bool | None:
    said = config.get(feature)
    supported = said.get("supported") if isinstance(said, dict) else None
    return supported if isinstance(supported, bool) else None


def _ids(answer: ProbeAnswer) -> list[Any]:
    return [one.get("id") for one in answer.lowered.get("resources") or []] if answer.is_success else []


def _is_named(one: Mapping[str, Any], attribute: str, value: str) -> bool:
    return folded(str(one.get(attribute.lower()))) == folded(value)


def _lists(said: Mapping[str, Any]) -> Iterator[list[Any]]:
    return (value for name, value in said.items() if name.lower() == "resources" and isinstance(value, list))


def _attributes(resources: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of attributes that any of these has, with the types of entries, and no value."""
    found = set[str]()
    for one in resources:
        for name, value in one.items():
            if isinstance(value, dict):
                found |= {f"{name}.{sub}" for sub in value}
            elif isinstance(value, list):
                entries = [entry for entry in value if isinstance(entry, dict)]
                found |= {f"{name}[].{sub}" for entry in entries for sub in entry}
            else:
                found.add(name)
    return found
