"""Zoho's ten data centres: where an organisation's people sign in, and where its tokens come from.

An organisation lives in one of them, and only there its codes and tokens are worth something.
https://www.zoho.com/accounts/protocol/oauth/multi-dc.html; the live map is https://accounts.zoho.com/oauth/serverinfo.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.rules.store import DataCenterName

SCOPE = "ZohoOne.SCIM.ALL"

_GALLERY_APP = (
    "access_type=offline&prompt=consent&response_type=code&state=&client_id=1000.T3YYZHB8J5Y2BQ185U2FWOIKREUWAH"
    f"&scope={SCOPE}&redirect_uri=https%3A%2F%2Fportal.azure.com%2FTokenAuthorize"
)
"""Of Microsoft's gallery app, letter by letter as steps 5 and 6 of Zoho One's guide have it."""


@dataclass(frozen=True)
class DataCenter:
    """One data centre."""

    name: DataCenterName
    accounts_server: str
    """Scheme and host, in the form that Zoho's callback names it in ``accounts-server``."""
    api_domain: str

    @property
    def authorization_endpoint(self) -> str:
        """What to paste into Authorization Endpoint in Azure, by those who connect the gallery app directly."""
        return f"{self.accounts_server}/oauth/v2/auth?{_GALLERY_APP}"

    @property
    def token_endpoint(self) -> str:
        """What to paste into Token Endpoint in Azure, by those who connect the gallery app directly."""
        return f"{self.accounts_server}/oauth/v2/token"


def _of_zoho(name: DataCenterName, accounts: str, api: str) -> tuple[DataCenterName, DataCenter]:
    return name, DataCenter(name, f"https://{accounts}", f"https://{api}")


DATA_CENTERS: Mapping[DataCenterName, DataCenter] = MappingProxyType(
    dict(
        (
            _of_zoho("us", "accounts.zoho.com", "www.zohoapis.com"),
            _of_zoho("eu", "accounts.zoho.eu", "www.zohoapis.eu"),
            _of_zoho("in", "accounts.zoho.in", "www.zohoapis.in"),
            _of_zoho("au", "accounts.zoho.com.au", "www.zohoapis.com.au"),
            _of_zoho("jp", "accounts.zoho.jp", "www.zohoapis.jp"),
            _of_zoho("ca", "accounts.zohocloud.ca", "www.zohoapis.ca"),
            _of_zoho("sa", "accounts.zoho.sa", "www.zohoapis.sa"),
            _of_zoho("uk", "accounts.zoho.uk", "www.zohoapis.uk"),  # not in Zoho's documentation, but in use
            _of_zoho("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn"),
            _of_zoho("ae", "accounts.zoho.ae", "www.zohoapis.ae"),  # the accounts server: the same
        )
    )
)


def data_center_of(
    accounts_server: str, among: Mapping[DataCenterName, DataCenter] = DATA_CENTERS
) -> DataCenter | None:
    """The data centre whose accounts server this is, letter by letter but for one slash at the end; otherwise None.

    The text comes from whoever calls the callback, so nothing of it is parsed: a port, a user, another scheme, another
    letter case or a host that only begins alike makes it another text.
    """
    named = accounts_server.removesuffix("/")
    return next((data_center for data_center in among.values() if data_center.accounts_server == named), None)


def replaced(accounts_servers: Mapping[DataCenterName, str]) -> Mapping[DataCenterName, DataCenter]:
    """The data centres with other accounts servers, such as simulated ones; what is not named there is not there."""
    return {
        name: DataCenter(name, server.removesuffix("/"), DATA_CENTERS[name].api_domain)
        for name, server in accounts_servers.items()
    }
