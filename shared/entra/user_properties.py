"""What Graph said of one person, which may be less than everything, and how it joins what was known of him."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from shared.entra.errors import GraphUnclear
from shared.rules.azure_user import (
    AZURE_FIELDS,
    ENTRA_NAMES,
    EXTENSION_ATTRIBUTES,
    AzureUser,
    FieldType,
    extension_text,
    from_graph,
)

ALWAYS = ("id", "userPrincipalName", "accountEnabled")
"""Selected whatever the mapping needs: without them a person cannot be told apart, nor his account's status."""

_EXTENSIONS = "onPremisesExtensionAttributes"
_SNAKE = {to_camel(snake): snake for snake in AzureUser.model_fields}


def select_of(fields: Iterable[str]) -> tuple[str, ...]:
    """The properties to ``$select`` so that these fields are known: names of Graph's, of Entra's mapping pages, or of
    directory extensions (``extension_…``). In a fixed order.

    Raises ValueError for a name that no property has.
    """
    found = set(ALWAYS)
    for name in fields:
        name = ENTRA_NAMES.get(name, name)
        if name == "IsSoftDeleted":
            found.add("accountEnabled")
        elif name in EXTENSION_ATTRIBUTES:
            found.add(_EXTENSIONS)
        elif name in AZURE_FIELDS or name.startswith("extension_"):
            found.add(name)
        else:
            raise ValueError(f"Microsoft Graph has no property {name} of a user")
    return tuple(sorted(found))


@dataclass(frozen=True)
class UserProperties:
    """Some of a person's properties. A property that is not here is not known: it may be unset, or just unchanged."""

    id: str
    """His object id in Entra."""
    values: Mapping[str, JsonValue]
    """By Graph's names. ``manager`` is an id or None, and only here where Graph was asked for him outright."""
    managers: tuple[str, ...] = ()
    """Who became his manager: the last one is."""
    former_managers: tuple[str, ...] = ()
    """Who is his manager no longer."""
    misread: tuple[str, ...] = ()
    """What else Graph said that is not understood: a relation, or ``user`` for all of it."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The properties whose value is not of their kind: they change nothing of what was known."""
        return self.misread + self._sorted_out[1]

    @property
    def complete(self) -> bool:
        """Whether a new person can be made of it. If not, read them by their id (users.read_users)."""
        readable, _ = self._sorted_out
        return bool(readable.get("userPrincipalName")) and isinstance(readable.get("accountEnabled"), bool)

    def onto(self, known: AzureUser | None) -> AzureUser:
        """The person as he is now. Idempotent: applied twice it changes nothing more.

        Manager ids are Entra's, here and in ``known``. What is unreadable leaves what was known as it was. Raises
        GraphUnclear where the person is not known and this is not complete.
        """
        if known is None and not self.complete:
            raise GraphUnclear("Microsoft Graph said too little of a person that is not known yet")
        values, _ = self._sorted_out
        try:
            said = from_graph({"userPrincipalName": known.user_principal_name if known else None, **values})
        except ValidationError:
            # The error's own text quotes the person's data.
            raise GraphUnclear("Microsoft Graph described a person in a way that is not understood") from None
        if known is None:
            return said.model_copy(update={"manager": self._manager(None)})
        changed = {snake: getattr(said, snake) for camel, snake in _SNAKE.items() if camel in values}
        changed["manager"] = self._manager(known.manager)
        changed["extension_attributes"] = _extension_attributes(values.get(_EXTENSIONS), known, said)
        kept = {name: value for name, value in known.custom.items() if name not in values}
        changed["custom"] = kept | said.custom
        return known.model_copy(update=changed)

    def then(self, later: "UserProperties") -> "UserProperties":
        """Both together, where the later one has the last word that is understood."""
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
        """The values that are of their property's kind, and the names of the others."""
        readable, odd = dict[str, JsonValue](), list[str]()
        for name, value in self.values.items():
            if (name, value) == ("accountEnabled", None):
                continue  # no word on whether an account is enabled, and AzureUser would take it for yes
            if name == _EXTENSIONS and isinstance(value, Mapping):
                texts = {each: extension_text(text) for each, text in value.items()}
                readable[name] = {each: text for each, text in texts.items() if text is None or isinstance(text, str)}
                odd += [each for each, text in texts.items() if text is not None and not isinstance(text, str)]
            elif _is_readable(name, value):
                readable[name] = value
            else:
                odd.append(name)
        return readable, tuple(odd)

    def _manager(self, known: str | None) -> str | None:
        if "manager" in self.values:
            return str(self.values["manager"]) if self.values["manager"] else None
        if self.managers:
            return self.managers[-1]
        # A page that is repeated may still say that a former manager left, when there has long been another one.
        return None if known in self.former_managers else known


def _extension_attributes(named: JsonValue, known: AzureUser, said: AzureUser) -> dict[str, str]:
    gone = {name for name, value in named.items() if value is None} if isinstance(named, Mapping) else set[str]()
    kept = {name: value for name, value in known.extension_attributes.items() if name not in gone}
    return kept | said.extension_attributes


def _is_readable(name: str, value: JsonValue) -> bool:
    """Whether a value is of its property's kind. Null unsets any property but the name, which everybody has."""
    if name == "userPrincipalName":
        return isinstance(value, str) and bool(value)
    if value is None:
        return True
    if name == _EXTENSIONS:
        return False  # the caller has looked at those that are an object
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
