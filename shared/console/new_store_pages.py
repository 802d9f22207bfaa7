"""Add Directory: the two pages before the store exists."""

from flask import Blueprint, request
from pydantic import ConfigDict, Field, HttpUrl, ValidationError, ValidationInfo, field_validator

from shared.admin.store_settings import id_from
from shared.console.connection_pages import VISIBLE, ways_in
from shared.console.consent_pages import CALLBACK
from shared.console.context import (
    View,
    admin,
    faults,
    go,
    origin,
    page,
    parts,
    texts,
)
from shared.console.wording import WAYS_IN
from shared.model import Model
from shared.rules.outside_address import AddressRefused
from shared.rules.store import DataCenterName, StoreId, WayIn, ZohoConnection
from shared.tables.errors import Conflict
from shared.zoho.data_centers import DATA_CENTERS

blueprint = Blueprint("new_store", __name__, url_prefix="/console/stores/new")


class NewStore(Model):
    """The form of the first step."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1, max_length=100)
    id: StoreId
    data_center: DataCenterName


class NewConnection(NewStore):
    """The form of the second step, with which the store is created."""

    sync_endpoint: HttpUrl
    way_in: WayIn = WayIn.CONSENT
    client_id: str = Field(default="", max_length=200, validate_default=True)
    client_secret: str = Field(default="", max_length=500, repr=False, validate_default=True)
    scim_token: str = Field(default="", max_length=2000, pattern=VISIBLE, repr=False, validate_default=True)

    @field_validator("client_id", "client_secret", "scim_token")
    @classmethod
    def _is_given(cls, text: str, info: ValidationInfo) -> str:
        way = info.data.get("way_in")
        if not text and way is (WayIn.TOKEN if info.field_name == "scim_token" else WayIn.CONSENT):
            raise ValueError(f"{WAYS_IN[way][0]} needs it")
        return text


@blueprint.get("")
def first() -> View:
    """Step 1. Nothing is stored yet: its form leads to step 2, and Back leads here, with the values in the address."""
    return _new_store(texts(request.args), {})


def _new_store(given: dict[str, str], wrong: dict[str, str]) -> View:
    status = 422 if wrong else 200
    return page("console/new_store.html", status, given=given, faults=wrong, data_centers=DATA_CENTERS, setting_up=True)


@blueprint.get("/api-integration")
def second() -> View:
    given = _with_id(texts(request.args))
    try:
        NewStore.model_validate(given)
    except ValidationError as error:
        return _new_store(given, faults(error))
    if parts().stores.table.read(given["id"]) is not None:
        return _new_store(given, {"id": f"There is a directory store {given['id']} already: choose another id"})
    return _new_connection(given, {})


@blueprint.post("/api-integration")
def create() -> View:
    given = _with_id(texts(request.form))
    try:
        form = NewConnection.model_validate(given)
        zoho = ZohoConnection(
            sync_endpoint=form.sync_endpoint,
            data_center=form.data_center,
            way_in=form.way_in,
            client_id=form.client_id,
        )
        store = parts().stores.settings.create(form.id, form.name, zoho, form.client_secret, str(admin()))
        if form.way_in is WayIn.TOKEN:
            parts().stores.scim_tokens.save(store, form.scim_token, str(admin()))
    except (ValidationError, AddressRefused) as error:
        return _new_connection(given, faults(error), 422)
    except Conflict:
        return _new_connection(given, {"": f"There is a directory store {given['id']} already"}, 422)
    return go("connection.api_integration", store_id=store.id, setup="1")


def _new_connection(given: dict[str, str], wrong: dict[str, str], status: int = 200) -> View:
    kept = {name: value for name, value in given.items() if name not in ("client_secret", "scim_token")}
    redirect_uri = origin() + CALLBACK
    return page(
        "console/new_connection.html",
        status,
        given=kept,
        faults=wrong,
        redirect_uri=redirect_uri,
        ways_in=ways_in(),
        setting_up=True,
        new_step=2,
    )


def _with_id(given: dict[str, str]) -> dict[str, str]:
    # A form may have been sent without some.
    given = dict.fromkeys(NewConnection.model_fields, "") | {"way_in": WayIn.CONSENT} | given
    return given | {"id": given.get("id") or id_from(given.get("name", ""))}
