"""What Graph reported of one person, possibly incomplete, and how it is joined to what is known of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue, ValidationError

from shared.entra.errors import GraphUnclear
from shared.rules.azure_user import (
    AZURE_FIELDS,
    ENTRA_NAMES,
    EXTENSION_ATTRIBUTES,
    SNAKE,
    AzureUser,
    FieldType,
    extension_text,
    from_graph,
)

ALWAYS = ("id", "userPrincipalName", "accountEnabled")
"""Properties selected whatever the mapping needs: identity and account status depend on them."""

_EXTENSIONS = "onPremisesExtensionAttributes"
_ORG_DATA = "employeeOrgData"
_ELSEWHERE = {
    "objectId": "id",
    "originalUserPrincipalName": "userPrincipalName",
    "employeeOrgData.division": _ORG_DATA,
    "employeeOrgData.costCenter": _ORG_DATA,
}
"""Properties that are in Graph under another name, or part of one."""


def select_of(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the properties to ``$select`` so that these fields are known, in a fixed order: names of Graph's, of
    Entra's mapping pages, or of directory extensions (``extension_…``).

    Raises ValueError for a name that no property has.
    """
    found = set(ALWAYS)
    for name in fields:
        name = ENTRA_NAMES.get(name, name)
        if name == "IsSoftDeleted":
            found.add("accountEnabled")
        elif name in EXTENSION_ATTRIBUTES:
            found.add(_EXTENSIONS)
        elif name in _ELSEWHERE:
            found.add(_ELSEWHERE[name])
        elif name in AZURE_FIELDS or name.startswith("extension_"):
            found.add(name)
        else:
            raise ValueError(f"Microsoft Graph has no property {name} of a user")
    return tuple(sorted(found))


@dataclass(frozen=True)
class UserProperties:
    """Some of a person's properties. A property that is not here is not known: it may be unset, or just unchanged."""

    id: str
    """The person's object id in Entra."""
    values: Mapping[str, JsonValue]
    """Values by Graph's names. ``manager`` is an id or None, and only present where Graph was asked for it explicitly.
    """
    managers: tuple[str, ...] = ()
    """New managers; the last one counts."""
    former_managers: tuple[str, ...] = ()
    """Former managers."""
    misread: tuple[str, ...] = ()
    """Other parts that are not understood: a relation, or ``user`` for everything."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The properties whose value is of a wrong type: they change nothing of what is known."""
        return self.misread + self._sorted_out[1]

    @property
    def is_heard(self) -> bool:
        """Whether the answer was understood as one about the person."""
        return "user" not in self.misread

    @property
    def complete(self) -> bool:
        """Whether a new person can be made of it. If not, read them by their id (users.read_users)."""
        readable, _ = self._sorted_out
        return bool(readable.get("userPrincipalName")) and isinstance(readable.get("accountEnabled"), bool)

    def onto(self, known: AzureUser | None) -> AzureUser:
        """Return the person as they are now. Idempotent: a second application changes nothing.

        Manager ids are Entra's, here and in ``known``. What is unreadable leaves what is known as it is. Raises
        GraphUnclear where the person is not known and this is incomplete.
        """
        if known is None and not self.complete:
            raise GraphUnclear("Microsoft Graph said too little of a person that is not known yet")
        values, _ = self._sorted_out
        try:
            name = known.user_principal_name if known else None
            said = from_graph({"userPrincipalName": name, **values, "id": self.id})
        except ValidationError:
            # The error's own text quotes the person's data.
            raise GraphUnclear("Microsoft Graph described a person in a way that is not understood") from None
        if known is None:
            return said.model_copy(update={"manager": self._manager(None)})
        changed = {snake: getattr(said, snake) for name, snake in SNAKE.items() if _ELSEWHERE.get(name, name) in values}
        changed["object_id"] = said.object_id
        if "userPrincipalName" in values:
            changed["original_user_principal_name"] = said.original_user_principal_name
        changed["manager"] = self._manager(known.manager)
        changed["extension_attributes"] = _extension_attributes(values.get(_EXTENSIONS), known, said)
        kept = {name: value for name, value in known.custom.items() if name not in values}
        changed["custom"] = kept | said.custom
        return known.model_copy(update=changed)

    def leaves_out(self, known: AzureUser, select: Collection[str]) -> bool:
        """Whether one of the selected properties has a value in ``known``, and is not mentioned here.

        A list of everybody has no nulls, so it was unset meanwhile, or only left out. The answer by id tells.
        """
        named, extensions = self.values.get(_EXTENSIONS), known.extension_attributes if _EXTENSIONS in select else {}
        if not extensions.keys() <= (named if isinstance(named, Mapping) else {}).keys():
            return True
        told = {*ALWAYS, *self.values, *self.misread, _EXTENSIONS}
        return any(name not in told and self._is_missed(name, known) for name in select)

    def then(self, later: "UserProperties") -> "UserProperties":
        """Return both together; the later one wins where it is understood."""
        odd = tuple(name for name in later.unreadable if name in later.values and name in self.values)
        values: dict[str, JsonValue] = {**self.values, **later.values, **{name: self.values[name] for name in odd}}
        managers, said = self.managers, "manager" in later.values
        if said or later.managers:
            managers = later.managers
        elif self._manager(None) in later.former_managers:
            managers, said = (), True
            values["manager"] = None
        if managers and not said:
            values.pop("manager", None)  # of the earlier one
        former, misread = (*self.former_managers, *later.former_managers), (*self.misread, *later.misread, *odd)
        return UserProperties(self.id, values, managers, former, misread)

    @cached_property
    def _sorted_out(self) -> tuple[dict[str, JsonValue], tuple[str, ...]]:
        """Return the values that are of their property's type, and the names of the others."""
        readable, odd = dict[str, JsonValue](), list[str]()
        for name, value in self.values.items():
            if (name, value) == ("accountEnabled", None):
                continue  # without a value for enabled, which AzureUser would take for true
            if name == _EXTENSIONS and isinstance(value, Mapping):
                texts = {each: extension_text(text) for each, text in value.items()}
                readable[name] = {each: text for each, text in texts.items() if text is None or isinstance(text, str)}
                odd += [each for each, text in texts.items() if text is not None and not isinstance(text, str)]
            elif _is_readable(name, value):
                readable[name] = value
            else:
                odd.append(name)
        return readable, tuple(odd)

    def _is_missed(self, name: str, known: AzureUser) -> bool:
        if name == "manager":
            return bool(known.manager) and not self.managers
        if name.startswith("extension_"):
            return bool(known.custom.get(name))
        return any(getattr(known, snake) for own, snake in SNAKE.items() if _ELSEWHERE.get(own, own) == name)

    def _manager(self, known: str | None) -> str | None:
        if "manager" in self.values:
            return str(self.values["manager"]) if self.values["manager"] else None
        if self.managers:
            return self.managers[-1]
        # A repeated page may still report the end of a former manager when there is already another one.
        return None if known in self.former_managers else known


def _extension_attributes(named: JsonValue, known: AzureUser, said: AzureUser) -> dict[str, str]:
    gone = {name for name, value in named.items() if value is None} if isinstance(named, Mapping) else set[str]()
    kept = {name: value for name, value in known.extension_attributes.items() if name not in gone}
    return kept | said.extension_attributes


def _is_readable(name: str, value: JsonValue) -> bool:
    """Whether a value is of its property's type. Null unsets any property but the name, which everybody has."""
    if name == "userPrincipalName":
        return isinstance(value, str) and bool(value)
    if value is None:
        return True
    if name == _EXTENSIONS:
        return False  # the caller has handled objects
    if name == _ORG_DATA:
        return isinstance(value, Mapping) and all(each is None or isinstance(each, str) for each in value.values())
    if name.startswith("extension_"):
        text = extension_text(value)
        return all(isinstance(each, str) for each in (text if isinstance(text, list) else [text]))
    match AZURE_FIELDS[name].type if name in AZURE_FIELDS else FieldType.TEXT:
        case FieldType.YES_NO:
            return isinstance(value, bool)
        case FieldType.TEXTS:
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case _:
            return isinstance(value, str)
