"""The tenant's verified domains."""

from pydantic import ConfigDict, Field

from shared.entra.answers import Permission
from shared.entra.errors import GraphUnclear
from shared.entra.graph_client import GraphClient
from shared.model import Model


class _Domain(Model):
    model_config = ConfigDict(extra="ignore")

    name: str = Field(alias="id", min_length=1)
    verified: bool = Field(alias="isVerified")


def verified_domains(graph: GraphClient) -> frozenset[str]:
    """Return their names in lower case. Raises as GraphClient does; GraphUnclear where there is none, which no tenant
    has.

    https://learn.microsoft.com/graph/api/domain-list
    """
    url = graph.url("/domains", {"$select": "id,isVerified"})
    pages = graph.pages(_Domain, url, Permission.DOMAINS)
    found = frozenset(domain.name.lower() for page in pages for domain in page if domain.verified)
    if not found:
        raise GraphUnclear("Microsoft Graph names no verified domain, and every tenant has one")
    return found
