"""The last check of an answer without an error."""

from shared.entra.errors import GraphImplausible


def ensure_plausible(what: str, before: int, after: int) -> None:
    """Raise GraphImplausible where a complete reading found nobody, but the store's tables hold somebody.

    Entra gives such answers for groups whose membership it hides from the app, and while it restores a tenant; and an
    administrator may have chosen an enterprise application without assignments. A smaller number of people is left to
    the guard; nobody at all never means that everyone left.

    ``before``: what the tables hold. An earlier reading's own memory is not used: another scope, other criteria, an
    unreadable note or a restored store would lose it.
    """
    if before and not after:
        raise GraphImplausible(
            f"{what}: nobody, where there were {before} before. Nothing was changed. Look at the assignments in Entra "
            "and at the app's permissions. If everybody is really to go, leave one of them assigned: then the guard "
            "shows you the others, and asks. Or stop the store's provisioning"
        )
