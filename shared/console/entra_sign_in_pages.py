"""API Integration: how Entra's provisioning service signs in to the sync endpoint, beside the secret token."""

from flask import Blueprint, request
from pydantic import ValidationError

from shared.admin.store_settings import Section, SettingsChanged
from shared.console.context import View, admin, go, go_saved, origin, page, parts, texts, the_store
from shared.rules.inbound_sign_in import TOKEN_PATH, Federation

blueprint = Blueprint("entra_sign_in", __name__, url_prefix="/console/stores/<store_id>/api-integration")


def token_endpoint(store_id: str) -> str:
    """The address of a store's token endpoint."""
    return f"{origin()}/scim/{store_id}{TOKEN_PATH}"


@blueprint.post("/client-secret")
def new_client_secret(store_id: str) -> View:
    """Create a client secret, and the client if there is none. It is shown in this answer and never again."""
    the_store(store_id)
    try:
        store, secret = parts().stores.settings.new_client_secret(store_id, request.form.get("seen", ""), str(admin()))
    except SettingsChanged:
        return go("connection.api_integration", store_id=store_id)
    return page("console/client_secret.html", store=store, secret=secret, token_endpoint=token_endpoint(store_id))


@blueprint.post("/end-client")
def end_client(store_id: str) -> View:
    """End the older client secret, or the client with all its secrets. Tokens issued for them end at once."""
    the_store(store_id)
    older_only = request.form.get("what") == "older"
    try:
        parts().stores.settings.end_client(store_id, request.form.get("seen", ""), str(admin()), older_only=older_only)
    except SettingsChanged:
        return go("connection.api_integration", store_id=store_id)
    return go_saved("connection.api_integration", store_id=store_id)


@blueprint.post("/federation")
def save_federation(store_id: str) -> View:
    """Save the identity whose tokens are accepted; none of its boxes filled: nobody's."""
    the_store(store_id)
    form = texts(request.form)
    given = {name: form.get(name, "").strip() for name in Federation.model_fields}
    try:
        federation = Federation.model_validate(given) if any(given.values()) else None
        parts().stores.settings.save(
            store_id, Section.FEDERATION, form.get("seen", ""), lambda _: {"federation": federation}, str(admin())
        )
    except ValidationError as error:
        wrong = ", ".join(sorted({str(detail["loc"][0]).replace("_", " ") for detail in error.errors()}))
        return page("console/federation_refused.html", 422, store=the_store(store_id), wrong=wrong, given=given)
    except SettingsChanged:
        return go("connection.api_integration", store_id=store_id)
    return go_saved("connection.api_integration", store_id=store_id)
