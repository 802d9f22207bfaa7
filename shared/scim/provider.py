"""What the sync endpoint announces and tolerates: schemas, resource types, capabilities, policy."""

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Filter,
    Pagination,
    Patch,
    Required,
    Schema,
    SchemaExtension,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)
from scim2_server.utils import load_default_resource_types, load_default_schemas

from shared.rules.azure_user import AZURE_FIELDS, EXTENDED_SOURCES
from shared.rules.groups.group import GROUP
from shared.rules.scim_path import ENTERPRISE, ENTRA, SEVERAL, USER

MAX_BODY = 1024 * 1024
"""Bytes of a request body."""
MAX_RESULTS = 200
"""Resources in one page; Entra asks for one at a time."""
MAX_BULK_OPERATIONS = 25
"""Number of operations that take less than a second of processor time, and reach Zoho One long before the platform's
limit of 230 seconds for an HTTP answer. Entra sends none in bulk.
"""
CURSOR_SECONDS = 600

ENTRA_POLICY = ScimPolicy(
    # Entra keeps sending attributes that were once mapped, and names extensions that it never declared.
    unknown=ScimPolicy.Unknown.ignore,
    # {"op": "Remove", "path": "members", "value": [...]}: a strict server would clear the whole attribute.
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    # emails[type eq "work"].value where there is no such entry: Entra expects it to be made.
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def _entra_extension(custom: tuple[str, ...]) -> Schema:
    """Return the schema of Entra's properties that have no place in SCIM, so that an administrator can map them in
    Entra.
    """
    ours = {name: path for name, path in EXTENDED_SOURCES.items() if path.schema == ENTRA}
    described = {name: AZURE_FIELDS[name].description for name in ours}
    described |= {name.removesuffix(SEVERAL): "Directory extension" for name in custom}
    several = {name for name in ours if AZURE_FIELDS[name].multi_valued}
    several |= {name.removesuffix(SEVERAL) for name in custom if name.endswith(SEVERAL)}
    attributes = [
        {
            "name": name,
            "type": "string",
            "multiValued": name in several,
            "description": description,
            "mutability": "readWrite",
            "returned": "default",
        }
        for name, description in described.items()
    ]
    return Schema.model_validate({"id": ENTRA, "name": "EntraUser", "description": "Entra", "attributes": attributes})


def sync_endpoint_provider(custom: tuple[str, ...] = ()) -> ScimProvider:
    """Return the description of a sync endpoint that accepts these directory extensions.

    Models come from the schemas, not from classes with checks of their own: Entra's values are kept as they are sent.
    """
    schemas = load_default_schemas()
    user = schemas[USER]
    # A password has no place here: it would have to be stored, and nothing that Entra sends needs it.
    user.attributes = [attribute for attribute in user.attributes or [] if attribute.name != "password"]
    user_type = load_default_resource_types()["User"]
    user_type.schema_extensions = [
        SchemaExtension.model_validate({"schema": urn, "required": False}) for urn in (ENTERPRISE, ENTRA)
    ]
    group = schemas[GROUP]
    # A PUT without members leaves them as they are, and the bridge stores nothing of a member but the id.
    for attribute in group.attributes or []:
        if attribute.name == "members":
            attribute.required = Required.false
            attribute.sub_attributes = [
                part for part in attribute.sub_attributes or [] if part.name in ("value", "$ref")
            ]
    return ScimProvider.from_discovery(
        [user, schemas[ENTERPRISE], _entra_extension(custom), group],
        [user_type, load_default_resource_types()["Group"]],
        config=ServiceProviderConfig(
            patch=Patch(supported=True),
            bulk=Bulk(supported=True, max_operations=MAX_BULK_OPERATIONS, max_payload_size=MAX_BODY),
            filter=Filter(supported=True, max_results=MAX_RESULTS),
            change_password=ChangePassword(supported=False),
            sort=Sort(supported=True),
            etag=ETag(supported=True),
            pagination=Pagination(
                cursor=True,
                index=True,
                default_pagination_method=Pagination.DefaultPaginationMethod.index,
                default_page_size=MAX_RESULTS,
                max_page_size=MAX_RESULTS,
                cursor_timeout=CURSOR_SECONDS,
            ),
            authentication_schemes=[
                AuthenticationScheme(
                    type=AuthenticationScheme.Type.oauthbearertoken,
                    name="Secret token",
                    description="The directory store's secret token, as a bearer token (RFC 6750)",
                ),
                AuthenticationScheme(
                    type=AuthenticationScheme.Type.oauth2,
                    name="OAuth 2.0 client credentials",
                    description="An access token of the sync endpoint's own /oauth/token (RFC 6749 §4.4, RFC 7523)",
                ),
            ],
        ),
        policy=ENTRA_POLICY,
    )


def multi_valued_of(provider: ScimProvider) -> frozenset[str]:
    """Return the attributes, in lower case, that hold several values in a resource of any type."""
    attributes = (attribute for schema in provider.schemas for attribute in schema.attributes or ())
    return frozenset(str(attribute.name).lower() for attribute in attributes if attribute.multi_valued) | {"schemas"}
