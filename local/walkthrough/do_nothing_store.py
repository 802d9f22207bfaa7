"""A second directory store, connected by a SCIM token, with status sync set to do nothing for deactivated users."""

from local.entra.directory import EntraDirectory
from local.entra.person import Person, id_of
from local.entra.provisioning_service import ProvisioningService
from local.walkthrough.another_store import add_another_store
from shared.app.container import Bridge
from shared.rules.status import Reflection, StatusRules

USER_NAME = "trial.account@contoso.example"


def disable_under_do_nothing(host: str, store_id: str, bridge: Bridge, scim_token: str) -> str:
    """Provision one person through such a store, disable them in Entra, and return their userName.

    Raises what the provisioning service raises.
    """
    rules = StatusRules(deactivated=Reflection.NOTHING)
    new_id, token = add_another_store(store_id, "do-nothing", bridge, scim_token=scim_token, status_rules=rules)
    person = Person(
        id=id_of(USER_NAME), user_principal_name=USER_NAME, display_name="Trial Account", mail_nickname="trial"
    )
    directory = EntraDirectory([person])
    service = ProvisioningService(directory, f"{host}/scim/{new_id}", token)
    service.cycle()
    directory.disable(person.id)
    service.cycle()
    return USER_NAME
