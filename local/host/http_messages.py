"""HTTP requests and responses as Azure's host hands them to the worker, and back: GrpcMessageConversionExtensions."""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote

from local.host import worker_messages as protos
from local.serving import Response, Scope


def request_of(scope: Scope, path: str, body: bytes, parameters: Mapping[str, str]) -> protos.RpcHttp:
    """The request as Azure's host describes it to the worker: GrpcMessageConversionExtensions.ToRpcHttp."""
    headers = _joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    query = scope["query_string"].decode("ascii")
    return protos.RpcHttp(
        method=scope["method"],
        url=f"http://{headers.get('host', '')}{path}{'?' if query else ''}{query}",
        headers=headers,
        params=parameters,
        query=_joined(parse_qsl(query)),
        body=protos.TypedData(bytes=body) if body else protos.TypedData(),
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names with their values, several values of one name joined by commas, as .NET writes a StringValues."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def response_of(returned: protos.TypedData) -> Response:
    """The response a function returned: an HttpResponse, or a plain string."""
    if returned.kind != "http":
        return Response(200, str(returned.value).encode(), [("content-type", "text/plain; charset=utf-8")])
    http: protos.RpcHttp = returned.value
    cookies = [("set-cookie", _set_cookie(cookie)) for cookie in http.cookies or ()]
    return Response(int(http.status_code), http.body.value or b"", [*http.headers.items(), *cookies])


def _set_cookie(cookie: protos.RpcHttpCookie) -> str:
    """The header that ASP.NET Core writes for a cookie: the value escaped, the path `/` unless it is another.

    The domain is there even where it is empty, as the worker library makes it.
    """
    parts = [f"{cookie.name}={quote(cookie.value, safe='')}"]
    if cookie.max_age:
        parts.append(f"max-age={cookie.max_age.value:.0f}")
    if cookie.expires:
        parts.append(f"expires={cookie.expires.value:%a, %d %b %Y %H:%M:%S} GMT")
    if cookie.domain:
        parts.append(f"domain={cookie.domain.value}")
    parts.append(f"path={(cookie.path and cookie.path.value) or '/'}")
    if cookie.secure and cookie.secure.value:
        parts.append("secure")
    if cookie.same_site:
        parts.append(f"samesite={cookie.same_site}")
    if cookie.http_only and cookie.http_only.value:
        parts.append("httponly")
    return "; ".join(parts)
