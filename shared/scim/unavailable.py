"""The answer to every request while the app cannot work: Entra sends the request again later."""

import json

from scim2_models import Error

from shared.obstacle import Obstacle
from shared.scim.endpoint import HEADERS, HttpResponse


def unavailable(obstacle: Obstacle) -> HttpResponse:
    """Return 503 with a SCIM error, whose text Entra shows in its provisioning log."""
    headers = {"Content-Type": "application/scim+json", "Retry-After": str(obstacle.retry_after)} | HEADERS
    body = Error(status=503, detail=obstacle.summary).model_dump()
    return HttpResponse(503, headers, json.dumps(body, ensure_ascii=False).encode())
