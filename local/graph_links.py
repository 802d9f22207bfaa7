"""The tokens in the simulated Graph's delta links: sealed, so that nobody reads them, and all ended at once when told.

Source: https://learn.microsoft.com/graph/delta-query-overview#state-tokens
"""

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ValidationError

from local.graph_errors import GraphError
from local.graph_request import GraphRequest
from local.graph_settings import GraphSettings


class GraphLinks:
    """Seals where a reading stands into a token, and opens it again."""

    def __init__(self, settings: GraphSettings) -> None:
        self._settings = settings
        self._seal = Fernet(Fernet.generate_key())
        self._generation = 0

    def expire(self) -> None:
        """Let every link that was given so far be worth nothing."""
        self._generation += 1

    def sealed(self, place: BaseModel) -> str:
        """A token that stands for a place."""
        return self._seal.encrypt(f"{self._generation} {place.model_dump_json()}".encode()).decode()

    def opened[P: BaseModel](self, request: GraphRequest, name: str, kind: type[P]) -> P:
        """What the request's token of this name stands for."""
        try:
            generation, _, place = self._seal.decrypt(request.query[name].encode()).decode().partition(" ")
            opened = kind.model_validate_json(place)
        except (InvalidToken, ValidationError):
            raise GraphError(400, "Request_BadRequest", f"Invalid {name}") from None
        if int(generation) != self._generation:
            text = "The delta token is expired and data must be synchronized again."
            if self._settings.expired_status != 410:
                raise GraphError(self._settings.expired_status, "syncStateNotFound", text)
            location = f"{request.base}{request.path}?$deltatoken="
            raise GraphError(410, "resyncRequired", text, [("Location", location)])
        return opened
