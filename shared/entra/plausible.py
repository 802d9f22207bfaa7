"""The last look at an answer that came without any error."""

from shared.entra.errors import GraphImplausible


def ensure_plausible(what: str, before: int, after: int) -> None:
    """Raise GraphImplausible where a whole reading found nobody, but the store's tables hold somebody.

    Entra gives such answers for groups whose membership it hides from the app, and while it restores a tenant; and an
    enterprise application may have been chosen to which nobody is assigned. Fewer people are left to the guard; nobody
    at all never means that everyone left.

    ``before``: what the tables hold. What an earlier reading remembers of itself is no measure: it is gone with another
    scope, other criteria, a note that cannot be read any more, a restored store.
    """
    if before and not after:
        raise GraphImplausible(
            f"{what}: nobody, where there were {before} before. Nothing was changed. Look at the assignments in Entra "
            "and at the app's permissions. If everybody is really to go, leave one of them assigned: then the guard "
            "shows you the others, and asks. Or stop the store's provisioning"
        )
