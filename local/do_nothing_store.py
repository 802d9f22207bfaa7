"""A second directory store, whose status sync is set to do nothing for deactivated users."""

import secrets

from local.entra_directory import EntraDirectory
from local.person import Person, id_of
from local.provisioning_service import ProvisioningService
from shared.bridge import Bridge
from shared.directory.password import PasswordNotification
from shared.directory.secret_token import token_hash
from shared.directory.status import Reflection, StatusRules

USER_NAME = "trial.account@contoso.example"


def disable_under_do_nothing(host: str, store_id: str, bridge: Bridge) -> str:
    """Provision one person through such a store, disable him in Entra, and return his userName.

    The store shares the connection of the one that is there. Raises what the provisioning service raises.
    """
    store, kept, token = bridge.stores.get(store_id), bridge.connections.read(store_id), secrets.token_urlsafe(32)
    assert store is not None  # the walkthrough has connected it
    assert kept is not None
    assert kept.connection.data_center is not None
    new_id = f"{store_id}-do-nothing"
    changes = {
        "id": new_id,
        "status_rules": StatusRules(deactivated=Reflection.NOTHING),
        "password_notification": PasswordNotification(),
        "token_hashes": (token_hash(token),),
    }
    bridge.connections.save(new_id, bridge.push.now(), kept.connection.data_center, kept.tokens)
    bridge.stores.put(store.model_copy(update=changes))
    person = Person(
        id=id_of(USER_NAME), user_principal_name=USER_NAME, display_name="Trial Account", mail_nickname="trial"
    )
    directory = EntraDirectory([person])
    service = ProvisioningService(directory, f"{host}/scim/{new_id}", token)
    service.cycle()
    directory.disable(person.id)
    service.cycle()
    return USER_NAME
