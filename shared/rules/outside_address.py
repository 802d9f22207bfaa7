"""The one gate for every address that a secret follows: Zoho One's sync endpoint, Microsoft Graph, a mail server.

It is checked where an address is entered (shared/admin/store_settings.py, shared/admin/backup.py), and again where the
secret is added (shared/zoho/scim_calls.py, shared/entra/credentials.py, shared/mail/smtp.py), because rows of earlier
releases come by no form. No session of the app follows a redirect (shared/outgoing.py). Zoho's accounts servers need no
gate: they are chosen from a list by name (shared/zoho/data_centers.py).
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType

from shared.rules.entra_connection import HOSTS, EntraConnection
from shared.rules.store import DataCenterName, Store, ZohoConnection

ZOHO_DOMAINS: Mapping[DataCenterName, tuple[str, ...]] = MappingProxyType(
    {
        "us": ("zoho.com", "zohoapis.com"),
        "eu": ("zoho.eu", "zohoapis.eu"),
        "in": ("zoho.in", "zohoapis.in"),
        "au": ("zoho.com.au", "zohoapis.com.au"),
        "jp": ("zoho.jp", "zohoapis.jp"),
        "ca": ("zohocloud.ca", "zohoapis.ca"),
        "sa": ("zoho.sa", "zohoapis.sa"),
        "uk": ("zoho.uk", "zohoapis.uk"),
        "cn": ("zoho.com.cn", "zohoapis.com.cn"),
        "ae": ("zoho.ae", "zohoapis.ae"),
    }
)
"""The domains of each data center, from the hosts in shared/zoho/data_centers.py: a test compares the two."""

# An expression instead of a parser: what it lets through is read in the same way by every parser.
_HTTPS = re.compile(r"https://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::443)?(?:/[A-Za-z0-9._~/%-]*)?")
_ON_THIS_MACHINE = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%-]*)?")


class AddressRefused(ValueError):
    """No secret is sent to this address; the message says what an address has to be."""

    def __init__(self, field: str, message: str) -> None:
        """``field``: the setting with the address."""
        super().__init__(message)
        self.field = field


def ensure_zoho_one(zoho: ZohoConnection, *, local: bool) -> None:
    """Raise AddressRefused unless a store's sync endpoint is Zoho's, in the store's data center.

    ``local``: whether this is the app on one machine, whose simulators are on loopback.
    """
    address = zoho.scim_base  # with the path that is called
    domains = ZOHO_DOMAINS[zoho.data_center]
    found = _HTTPS.fullmatch(address)
    if found and any(found["host"] == domain or found["host"].endswith(f".{domain}") for domain in domains):
        return
    if local and _ON_THIS_MACHINE.fullmatch(address):
        return
    raise AddressRefused(
        "sync_endpoint",
        f"The sync endpoint of a store in the data center {zoho.data_center} begins with https:// and a host in "
        f"{' or '.join(domains)}, and has no user, port, query or fragment: copy it from Zoho One",
    )


def ensure_microsoft(entra: EntraConnection, *, local: bool) -> None:
    """Raise AddressRefused unless a store's Graph and its sign-in belong to one of Microsoft's clouds."""
    graph, login = str(entra.graph).rstrip("/"), str(entra.login).rstrip("/")
    if any((graph, login) == (f"https://{host}", f"https://{issuer}") for host, issuer in HOSTS.items()):
        return
    if local and _ON_THIS_MACHINE.fullmatch(graph) and _ON_THIS_MACHINE.fullmatch(login):
        return
    raise AddressRefused(
        "cloud", "Microsoft Graph and its sign-in are not the hosts of one of Microsoft's clouds: choose one"
    )


def ensure_outside(store: Store, *, local: bool) -> None:
    """Raise AddressRefused for the first address of a store that no secret may follow."""
    ensure_zoho_one(store.zoho, local=local)
    if store.entra is not None:
        ensure_microsoft(store.entra, local=local)


def ensure_reachable(address: str, *, private: bool, loopback: bool) -> None:
    """Raise AddressRefused for an IP address that a freely chosen name must not lead to.

    Link-local addresses hold the metadata and identity services of clouds. ``private``: whether the organisation's own
    network is allowed; ``loopback``: whether this machine is.
    """
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        allowed = loopback
    elif ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved or ip in _METADATA:
        allowed = False
    else:
        allowed = ip.is_global or (private and ip.is_private)
    if not allowed:
        raise AddressRefused("smtp_host", "The name leads to an address that is not on the internet")


_METADATA = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
"""Services of clouds for their machines, outside of the link-local range: Azure's (a public address), Alibaba's,
Oracle's, Amazon's.

https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
"""
