"""API Integration: how the store connects to Zoho One and Microsoft Graph, and how Entra connects to the store."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from flask import Blueprint, request
from pydantic import BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError, ValidationInfo, field_validator

from shared.admin.store_settings import Section, SettingsChanged, fingerprint
from shared.connection.consent import CLIENT_SECRET
from shared.connection.organisation import in_the_way
from shared.console.consent_pages import CALLBACK
from shared.console.context import (
    View,
    admin,
    faults,
    go,
    go_saved,
    is_live,
    none_if_empty,
    origin,
    page,
    parts,
    texts,
    the_store,
)
from shared.console.entra_sign_in_pages import token_endpoint
from shared.console.probe_pages import tested
from shared.console.wizard import after
from shared.console.wording import WAYS_IN
from shared.entra.clients import SECRET
from shared.model import Model
from shared.rules.entra_connection import HOSTS, Credential, EntraConnection, ObjectId, Scope
from shared.rules.outside_address import AddressRefused
from shared.rules.store import Filters, Store, UpdateVerb, WayIn
from shared.rules.zoho_user import ZOHO_FIELDS, ZohoField
from shared.tables.connections import ConnectionState
from shared.zoho.data_centers import DATA_CENTERS
from shared.zoho.errors import ZohoBusy

blueprint = Blueprint("connection", __name__, url_prefix="/console/stores/<store_id>/api-integration")


VISIBLE = r"^[!-~]*$"
"""A header's value: visible ASCII, without spaces."""


class ZohoForm(Model):
    """Connection settings for Zoho One."""

    model_config = ConfigDict(extra="ignore")

    sync_endpoint: HttpUrl
    way_in: WayIn
    client_id: str = Field(default="", max_length=200)
    client_secret: str = Field(default="", max_length=500, repr=False)
    scim_token: str = Field(default="", max_length=2000, pattern=VISIBLE, repr=False)
    scim_path: str = Field(pattern=r"^(/[A-Za-z0-9._~/-]*)?$", max_length=200)
    update_verb: UpdateVerb
    group_update_verb: Annotated[UpdateVerb | None, BeforeValidator(none_if_empty)] = None
    filters: Filters = Filters.ALL
    first_index: Annotated[Literal[0, 1], BeforeValidator(int)] = 1
    active_as_text: bool = False
    left_out: tuple[ZohoField, ...] = ()
    members_shown: Annotated[int | None, BeforeValidator(none_if_empty)] = None
    parallel_calls: int
    page_size: int
    members_per_call: int
    calls_per_second: Annotated[float | None, BeforeValidator(none_if_empty)] = None
    sends_passwords: bool = False
    shares_organisation: bool = False

    @field_validator("left_out", mode="before")
    @classmethod
    def _listed(cls, text: object) -> object:
        return [name for name in re.split(r"[,\s]+", text) if name] if isinstance(text, str) else text

    @field_validator("client_id")
    @classmethod
    def _is_given(cls, text: str, info: ValidationInfo) -> str:
        if not text and info.data.get("way_in") is WayIn.CONSENT:
            raise ValueError("consent needs it")
        return text


class TenantForm(Model):
    """Tenant, and application, whose own tokens are accepted."""

    model_config = ConfigDict(extra="ignore")

    entra_tenant: Annotated[ObjectId | None, BeforeValidator(none_if_empty)] = None
    entra_app: Annotated[ObjectId | None, BeforeValidator(none_if_empty)] = None


@blueprint.get("")
def api_integration(store_id: str) -> View:
    return _shown(the_store(store_id))


@blueprint.post("/zoho-one")
def save_zoho(store_id: str) -> View:
    store, form = the_store(store_id), texts(request.form)
    try:
        given = ZohoForm.model_validate(form)
        settings = given.model_dump(exclude={"client_secret", "scim_token"})
        wanted = store.zoho.changed(settings)
        if (other := _in_the_way(store.model_copy(update={"zoho": wanted}))) is not None:
            wrong = (
                f"The directory store {other.name} is connected to this organization. To allow it, select that below."
            )
            return _shown(store, {"sync_endpoint": wrong}, 422)
        parts().stores.settings.save(
            store_id,
            Section.ZOHO,
            form.get("seen", ""),
            lambda now: {"zoho": now.zoho.changed(settings)},
            str(admin()),
        )
    except (ValidationError, AddressRefused) as error:
        return _shown(store, faults(error), 422)
    except SettingsChanged:
        return _shown(the_store(store_id), conflict=True, status=409)
    if given.client_secret:
        parts().stores.settings.keep_secret(
            store_id, CLIENT_SECRET, given.client_secret, "Client secret of Zoho One", str(admin())
        )
    if given.scim_token and given.way_in is WayIn.TOKEN:
        parts().stores.scim_tokens.save(the_store(store_id), given.scim_token, str(admin()))
    return go_saved(".api_integration", store_id=store_id)


def ways_in() -> list[tuple[str, str, str]]:
    """The two ways in, as choices."""
    return [(way, *words) for way, words in WAYS_IN.items()]


def _in_the_way(store: Store) -> Store | None:
    """Find another store on the same organization, if this store is connected. If it is not, its consent checks
    that first.
    """
    connections = parts().stores.connections
    if connections.state(store.id).state is ConnectionState.NOT_CONNECTED:
        return None
    return in_the_way(store, parts().stores.table, connections)


@blueprint.post("/test")
def test(store_id: str) -> View:
    """Test Connection, as a piece of the page or as a page."""
    store = the_store(store_id)
    return tested(store, parts().stores.switch.check(store))


@blueprint.post("/disconnect")
def disconnect(store_id: str) -> View:
    store = the_store(store_id)
    # Recorded before the call, so that the record is true even if the process ends in between.
    parts().stores.settings.note(store_id, "Disconnection from Zoho One was requested", str(admin()))
    try:
        parts().stores.disconnect(store_id)
    except ZohoBusy as busy:
        return _shown(store, {"": f"Zoho could not be asked to revoke the tokens, so they were kept: {busy}"}, 503)
    return go(".api_integration", store_id=store_id)


@blueprint.post("/new-token")
def new_token(store_id: str) -> View:
    """Create a secret token. It is shown in this answer and never again."""
    the_store(store_id)
    try:
        store, token = parts().stores.settings.new_token(store_id, request.form.get("seen", ""), str(admin()))
    except SettingsChanged:
        return _tokens(the_store(store_id), conflict=True, status=409)
    return _tokens(store, token=token)


@blueprint.post("/end-older-token")
def end_older_token(store_id: str) -> View:
    the_store(store_id)
    try:
        store = parts().stores.settings.end_older_token(store_id, request.form.get("seen", ""), str(admin()))
    except SettingsChanged:
        return _tokens(the_store(store_id), conflict=True, status=409)
    return _tokens(store)


@blueprint.post("/tenant")
def save_tenant(store_id: str) -> View:
    store, form = the_store(store_id), texts(request.form)
    try:
        given = TenantForm.model_validate(form)
        parts().stores.settings.save(
            store_id,
            Section.TENANT,
            form.get("seen", ""),
            lambda _: {"entra_tenant": given.entra_tenant, "entra_app": given.entra_app},
            str(admin()),
        )
    except ValidationError as error:
        return _shown(store, faults(error), 422)
    except SettingsChanged:
        return _shown(the_store(store_id), conflict=True, status=409)
    return go_saved(".api_integration", store_id=store_id)


@blueprint.post("/discovery")
def save_discovery(store_id: str) -> View:
    the_store(store_id)
    lists = request.form.get("lists_unmanaged") == "yes"
    try:
        parts().stores.settings.save(
            store_id,
            Section.DISCOVERY,
            request.form.get("seen", ""),
            lambda _: {"lists_unmanaged": lists},
            str(admin()),
        )
    except SettingsChanged:
        return _shown(the_store(store_id), conflict=True, status=409)
    return go_saved(".api_integration", store_id=store_id)


@blueprint.post("/graph")
def save_graph(store_id: str) -> View:
    store, form = the_store(store_id), texts(request.form)
    try:
        connection = _graph_connection(form, store)
        parts().stores.settings.save(
            store_id, Section.ENTRA, form.get("seen", ""), lambda _: {"entra": connection}, str(admin())
        )
    except AddressRefused as refusal:
        return _shown(store, faults(refusal), 422)
    except ValidationError as error:
        return _shown(store, {f"graph.{name}" if name else "": said for name, said in faults(error).items()}, 422)
    except SettingsChanged:
        return _shown(the_store(store_id), conflict=True, status=409)
    if form.get("graph_secret") and connection is not None:
        parts().stores.settings.keep_secret(
            store_id, SECRET, form["graph_secret"], f"The {connection.credential} for Microsoft Graph", str(admin())
        )
    return go_saved(".api_integration", store_id=store_id)


@blueprint.post("/graph/test")
def test_graph(store_id: str) -> View:
    store = the_store(store_id)
    if store.entra is None:
        return _shown(store, {"": "Save the connection to Microsoft Graph first."}, 422)
    steps = parts().health.graph_check(store)
    return _steps(steps, all(step.reason is None for step in steps))


def _graph_connection(form: Mapping[str, str], store: Store) -> EntraConnection | None:
    """Read the form. The hosts of Graph follow the chosen cloud, or stay those of the store."""
    if form.get("credential") == "":
        return None
    graph = form.get("cloud") or (store.entra.graph.host if store.entra else None) or parts().site.cloud.graph
    hosts: dict[str, object] = {}
    if graph in HOSTS:
        hosts = {"graph": f"https://{graph}", "login": f"https://{HOSTS[graph]}"}
    elif store.entra is not None:
        hosts = {"graph": store.entra.graph, "login": store.entra.login}
    given = {name: form.get(f"graph_{name}") or None for name in ("tenant_id", "client_id", "enterprise_app")}
    chosen = {"credential": form.get("credential"), "scope": form.get("scope")}
    return EntraConnection.model_validate(given | chosen | hosts)


def _shown(store: Store, wrong: dict[str, str] | None = None, status: int = 200, *, conflict: bool = False) -> View:
    return page("console/api_integration.html", status, **_values(store, wrong or {}, conflict))


def _values(store: Store, wrong: dict[str, str], conflict: bool) -> dict[str, object]:
    return {
        "store": store,
        "faults": wrong,
        "conflict": conflict,
        "given": {} if conflict else texts(request.form),
        "connection": parts().stores.connections.state(store.id),
        "center": DATA_CENTERS[store.zoho.data_center],  # Zoho's own, for the portal
        "redirect_uri": origin() + CALLBACK,
        "sync_endpoint": f"{origin()}/scim/{store.id}",
        "token_endpoint": token_endpoint(store.id),
        "seen": {section.name: fingerprint(store, section) for section in Section},
        "clouds": HOSTS,
        "own_cloud": parts().site.cloud,
        "credentials": list(Credential),
        "scopes": list(Scope),
        "verbs": list(UpdateVerb),
        "ways_in": ways_in(),
        "filters": list(Filters),
        "can_be_left_out": [field for field, facts in ZOHO_FIELDS.items() if not (facts.required or facts.extension)],
        "token": None,
        "next": after("connection.api_integration"),
    }


def _tokens(store: Store, token: str | None = None, status: int = 200, *, conflict: bool = False) -> View:
    values = _values(store, {}, conflict) | {"token": token}
    return page("console/secret_tokens.html" if is_live() else "console/api_integration.html", status, **values)


def _steps(steps: object, passed: bool) -> View:
    template = "console/connection_steps.html" if is_live() else "console/connection_test.html"
    return page(template, steps=steps, passed=passed)
