"""Whether two directory stores would change the accounts of one Zoho One organisation, each against the other."""

from shared.rules.store import Store, share_organisation
from shared.tables.connections import Connections, ConnectionState
from shared.tables.stores import Stores


def in_the_way(store: Store, stores: Stores, connections: Connections) -> Store | None:
    """Another store that is connected to the organisation of this one, where no administrator has allowed that.

    One round trip, and one for each such store. Raises TablesBusy.
    """
    for other in stores.all():
        if share_organisation(store, other) and connections.state(other.id).state is not ConnectionState.NOT_CONNECTED:
            return other
    return None
