"""A directory store: one connection from one Entra app to one Zoho One organisation."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cached_property
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, HttpUrl, JsonValue, StringConstraints, field_validator, model_validator

from shared.model import Model
from shared.rules.criteria import Group
from shared.rules.email_address import DomainName
from shared.rules.entra_connection import EntraConnection, ObjectId
from shared.rules.groups.settings import GroupSettings
from shared.rules.guard_limits import GuardLimits
from shared.rules.guests import Guests
from shared.rules.inbound_sign_in import Federation, OAuthClient
from shared.rules.mail.password import PasswordNotice, PasswordNotification
from shared.rules.mapping.names import CustomNames
from shared.rules.matching import Matching
from shared.rules.schedule import Schedule
from shared.rules.scim_path import SEVERAL, ScimPath
from shared.rules.status import StatusRules
from shared.rules.zoho_user import CUSTOM_FIELDS, ZOHO_FIELDS, Paths, ZohoField, ZohoFieldFacts

STORE_ID = r"[a-z0-9][a-z0-9-]{0,62}"
"""A part of the sync endpoint's URL, and the partition of the store's rows."""

type CustomAttributeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,199}(\[\])?$")]
"""The name of a directory extension; one that holds several values ends with ``[]``."""

_NOT_CUSTOM = frozenset(("active", "password", "id", "groups", "meta", "schemas"))

type StoreId = Annotated[str, StringConstraints(pattern=f"^{STORE_ID}$")]


type DataCenterName = Literal["us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn", "ae"]
"""Zoho's data centres, as the ``location`` in its OAuth answers names them."""


class Drift(StrEnum):
    """The reaction of a full cycle to an account that differs from its confirmed state."""

    REPAIR = "repair"
    REPORT = "report only"


class UpdateVerb(StrEnum):
    """The verb for changes in Zoho One. Which ones it accepts is not documented, so a store may choose."""

    PATCH = "PATCH"
    PUT = "PUT"


class WayIn(StrEnum):
    """How a store signs in to Zoho One."""

    CONSENT = "consent"
    TOKEN = "SCIM token"  # noqa: S105 - the name of a choice


class Filters(StrEnum):
    """What Zoho One searches by; where it cannot, the bridge lists everything and looks itself."""

    ALL = "users and groups"
    USERS = "users only"
    NONE = "none"


class ValueType(StrEnum):
    """What a custom field holds in Zoho One."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes/no"


class CustomField(Model):
    """A field of Zoho One's that an administrator defined; its path stands in ``extensions``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    type: ValueType = ValueType.TEXT

    def typed(self, text: str) -> JsonValue:
        """Return a value as Zoho One takes it. Raises ValueError."""
        match self.type:
            case ValueType.NUMBER:
                number = float(text)
                if not isfinite(number):
                    raise ValueError(f"{self.label} is a number in Zoho One")
                return int(number) if number.is_integer() else number
            case ValueType.YES_NO:
                if text.lower() not in ("true", "false"):
                    raise ValueError(f"{self.label} is True or False in Zoho One")
                return text.lower() == "true"
        return text


class ZohoConnection(Model):
    """Where and how a store reaches Zoho One's SCIM API.

    Zoho One's wire contract is not documented beyond plain SCIM 2.0, so everything that could differ is a setting here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sync_endpoint: HttpUrl = Field(description="The Sync endpoint copied from Zoho One, with or without /scim")
    scim_path: str = Field(default="/scim", description="The path between the sync endpoint and /Users")
    data_center: DataCenterName = Field(description="The organisation's data center, where consent is asked for")
    way_in: WayIn = Field(default=WayIn.CONSENT, description="How the store signs in to Zoho One")
    client_id: str = Field(
        default="", description="The client id that the organisation registered in Zoho's API console, for consent"
    )
    update_verb: UpdateVerb = UpdateVerb.PATCH
    group_update_verb: UpdateVerb | None = Field(default=None, description="The verb for groups; None: as for users")
    members_per_call: int = Field(
        default=500, ge=1, le=10_000, description="Most members of a group that one PATCH adds or removes"
    )
    members_shown: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most members of a group that Zoho One shows; None: it shows all of them",
    )
    filters: Filters = Field(default=Filters.ALL, description="What Zoho One searches by name")
    first_index: Literal[0, 1] = Field(default=1, description="The number of the first account of a list")
    active_as_text: bool = Field(default=False, description='Whether `active` is sent as "True" or "False"')
    left_out: tuple[ZohoField, ...] = Field(
        default=(), description="Documented fields that this Zoho One drops or refuses: they are not sent"
    )
    extensions: dict[ZohoField, str | None] = Field(
        default_factory=dict,
        description="Fields that Zoho One does not document for SCIM, each with its path if not the default",
    )
    custom_fields: dict[ZohoField, CustomField] = Field(
        default_factory=dict, description="What the custom fields among the extensions are"
    )

    parallel_calls: int = Field(
        default=8, ge=1, le=16, description="Maximum number of simultaneous calls for the store"
    )
    calls_per_second: float | None = Field(
        default=None, gt=0, le=1000, description="If the organisation's rate limit is known; Zoho One documents none"
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Accounts per page of Zoho One's list")
    shares_organisation: bool = Field(
        default=False,
        description="Whether an administrator allowed other directory stores to use the same organisation",
    )
    sends_passwords: bool = Field(
        default=False,
        description="Whether one-time passwords go to Zoho One over SCIM, as `password`: not documented by Zoho One",
    )

    @field_validator("extensions")
    @classmethod
    def _are_extensions(cls, extensions: dict[ZohoField, str | None]) -> dict[ZohoField, str | None]:
        for field, path in extensions.items():
            if not ZOHO_FIELDS[field].extension:
                raise ValueError(f"{field} is no extension: it is always on")
            if path is not None:
                ScimPath.parse(path)
        return extensions

    @field_validator("left_out")
    @classmethod
    def _can_be_left_out(cls, fields: tuple[ZohoField, ...]) -> tuple[ZohoField, ...]:
        for field in fields:
            if ZOHO_FIELDS[field].required or ZOHO_FIELDS[field].extension:
                raise ValueError(f"{field} cannot be left out: it is required, or it is off by default")
        return tuple(dict.fromkeys(fields))

    @model_validator(mode="after")
    def _defines_custom_fields(self) -> Self:
        custom = {field: path for field, path in self.extensions.items() if field.is_custom}
        if custom.keys() != self.custom_fields.keys() or None in custom.values():
            raise ValueError("a custom field has a path, a label and a type")
        taken = [path.text.lower() for path in self.paths.values()]
        if len(set(taken)) < len(taken):
            raise ValueError("two fields have the same SCIM path")
        if any(path.attribute.lower() in _NOT_CUSTOM for field, path in self.paths.items() if field.is_custom):
            raise ValueError("a custom field cannot be the status, the password, the id or the groups of an account")
        return self

    def changed(self, settings: Mapping[str, object]) -> Self:
        """Return the connection with other settings. Raises ValueError for what contradicts the rest."""
        return type(self).model_validate(self.model_dump() | dict(settings))

    def with_custom_field(self, path: str, custom: CustomField) -> Self:
        """Return the connection with one more custom field. Raises ValueError."""
        free = next((field for field in CUSTOM_FIELDS if field not in self.custom_fields), None)
        if free is None:
            raise ValueError(f"there are {len(CUSTOM_FIELDS)} custom fields already")
        extensions, custom_fields = {**self.extensions, free: path}, {**self.custom_fields, free: custom}
        return self.changed({"extensions": extensions, "custom_fields": custom_fields})

    def without_extension(self, field: ZohoField) -> Self:
        """Return the connection without an extension, which may be a custom field."""
        left = {each: path for each, path in self.extensions.items() if each is not field}
        custom = {each: one for each, one in self.custom_fields.items() if each is not field}
        return self.changed({"extensions": left, "custom_fields": custom})

    @property
    def known_fields(self) -> dict[ZohoField, ZohoFieldFacts]:
        """All fields that a rule may fill, or an administrator switch on; custom ones as they were defined."""
        known = {field: facts for field, facts in ZOHO_FIELDS.items() if not field.is_custom}
        for field, custom in self.custom_fields.items():
            label, path = custom.label, self.paths[field]
            known[field] = replace(ZOHO_FIELDS[field], label=label, path=path, description=f"Custom {custom.type}")
        return known

    @property
    def verb_for_groups(self) -> UpdateVerb:
        """The verb for changes of groups."""
        return self.group_update_verb or self.update_verb

    @cached_property
    def paths(self) -> Paths:
        """The fields that this store uses, and their place in its Zoho One's SCIM."""
        always = {
            field: facts.path
            for field, facts in ZOHO_FIELDS.items()
            if not facts.extension and field not in self.left_out
        }
        chosen = {
            field: ScimPath.parse(path) if path else ZOHO_FIELDS[field].path for field, path in self.extensions.items()
        }
        return always | chosen

    @property
    def scim_base(self) -> str:
        """The URL that ``/Users`` is appended to, whether or not the administrator included ``/scim``."""
        return str(self.sync_endpoint).rstrip("/").removesuffix("/scim") + self.scim_path


class Store(Model):
    """A directory store and its settings. Secrets are stored separately, encrypted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: StoreId
    incarnation: str = Field(
        default="", description="A new one for a store that is added again under its id, or restored from a backup"
    )
    name: str
    schedule: Schedule = Schedule()
    zoho: ZohoConnection
    entra: EntraConnection | None = Field(
        default=None, description="How the reconciler reads Microsoft Graph; None if people come from pushes only"
    )
    entra_tenant: ObjectId | None = Field(
        default=None,
        description="For testing: the tenant whose own tokens are accepted, with Secret Token left blank in the portal",
    )
    entra_app: ObjectId | None = Field(
        default=None, description="The application whose tokens are accepted for entra_tenant; None: any of the tenant"
    )
    oauth_client: OAuthClient | None = Field(default=None, description="Entra's client id, with its client secrets")
    federation: Federation | None = Field(
        default=None, description="The identity of Entra whose tokens are accepted in the place of a client secret"
    )
    token_hashes: tuple[str, ...] = Field(
        default=(), max_length=2, description="SHA-256 of the valid secret tokens: two, so that they can be rotated"
    )
    lists_unmanaged: bool = Field(
        default=False,
        description="Whether the sync endpoint lists accounts that nobody manages, for Entra's Account Discovery",
    )
    custom_attributes: tuple[CustomAttributeName, ...] = Field(
        default=(),
        max_length=50,
        description="Directory extensions that Entra's mapping pushes, spelled exactly; several values: []",
    )
    default_domain: DomainName | None = Field(
        default=None, description="The tenant's default domain, for the function DefaultDomain"
    )
    criteria: Group | None = Field(
        default=None, description="The people the reconciler includes; None: everybody in scope"
    )
    guests: Guests = Field(default=Guests.AS_OTHERS, description="Whether the store takes guests")
    matching: Matching = Field(
        default=Matching(), description="Which accounts that Zoho One already has become whose, or are proposed"
    )
    status_rules: StatusRules = StatusRules()
    guard: GuardLimits = GuardLimits()
    drift: Drift = Drift.REPAIR
    history_days: int = Field(
        default=90, ge=1, le=3650, description="Days for which runs and people's history are kept"
    )
    password_notification: PasswordNotification = PasswordNotification()
    groups: GroupSettings = GroupSettings()

    @property
    def custom_names(self) -> CustomNames:
        """The custom attributes that reach the store, and what else its expressions may use."""
        listed = frozenset(name.removesuffix(SEVERAL) for name in self.custom_attributes)
        return CustomNames(
            listed, reads_graph=self.entra is not None, knows_default_domain=self.default_domain is not None
        )

    @property
    def credentials(self) -> frozenset[str]:
        """The names of the credentials that an access token may have been issued for."""
        by_secret = self.oauth_client.credentials if self.oauth_client else frozenset[str]()
        return by_secret | ({self.federation.credential} if self.federation else frozenset[str]())

    @property
    def is_started(self) -> bool:
        """Whether the store provisions to Zoho One, unless it is paused."""
        return self.schedule.started_at is not None

    @property
    def has_cycles(self) -> bool:
        """Whether the store provisions to Zoho One or observes, unless it is paused."""
        return self.schedule.began_at is not None

    @model_validator(mode="after")
    def _can_send_passwords(self) -> Self:
        chosen = self.password_notification.password_notification
        if chosen is not PasswordNotice.NOBODY and not self.zoho.sends_passwords:
            raise ValueError(
                f"“{chosen}” needs one-time passwords to be sent to Zoho One over SCIM: Zoho One does not document that"
                " it accepts them, so try it with one account, then switch it on in the store's connection"
            )
        return self


def share_organisation(store: Store, other: Store) -> bool:
    """Return whether two stores reach one Zoho One organisation, by their sync endpoints, without permission for it."""
    allowed = store.zoho.shares_organisation or other.zoho.shares_organisation
    return store.id != other.id and not allowed and store.zoho.scim_base == other.zoho.scim_base
