"""What the simulated Graph answers where it does not answer what was asked."""

from local.serving import Headers


class GraphError(Exception):
    """An answer that is not a success, with Graph's error code.

    Source: https://learn.microsoft.com/graph/errors
    """

    def __init__(self, status: int, code: str, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"error": {"code": code, "message": message}}
        self.headers = headers
