"""HTTP: what Entra's provisioning service calls."""

import azure.functions as func

from functions.answer import answer_of
from shared.app.startup import NotStarted, startup
from shared.scim.endpoint import HttpRequest
from shared.scim.unavailable import unavailable

ROUTE, METHODS = "scim/{store}/{*path}", ["GET", "POST", "PUT", "PATCH", "DELETE"]

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it untyped


@blueprint.function_name("scim")
@blueprint.route(
    ROUTE,
    methods=METHODS,
    auth_level=func.AuthLevel.ANONYMOUS,  # the store's secret token is checked by the endpoint itself
)
def scim(req: func.HttpRequest) -> func.HttpResponse:
    """Answer one SCIM request to a directory store's sync endpoint."""
    try:
        endpoint = startup().bridge().sync_endpoint
    except NotStarted as reason:
        return answer_of(unavailable(reason.obstacle))
    request = HttpRequest(req.method, req.url, req.headers, req.get_body())
    return answer_of(endpoint.handle(req.route_params.get("store", ""), request))
