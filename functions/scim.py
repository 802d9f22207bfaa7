"""HTTP: what Entra's provisioning service calls."""

import azure.functions as func

from shared.bridge import bridge
from shared.scim.endpoint import HttpRequest

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("scim")
@blueprint.route(
    "scim/{store}/{*path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    auth_level=func.AuthLevel.ANONYMOUS,  # the store's secret token is checked by the endpoint itself
)
def scim(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one SCIM request to a directory store's sync endpoint."""
    answer = bridge().sync_endpoint.handle(
        req.route_params["store"],
        HttpRequest(req.method, req.url, req.headers, req.get_body()),
    )
    return func.HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))
