"""The ETag of a SCIM resource."""

import hashlib


def resource_version(resource: str) -> str:
    """Return a weak ETag (RFC 7644 §3.14) from the content: equal content has an equal version."""
    return f'W/"{hashlib.sha256(resource.encode("utf-8", "surrogatepass")).hexdigest()[:16]}"'
