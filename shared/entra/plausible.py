"""The last look at an answer that came without any error."""

from shared.entra.errors import GraphImplausible


def ensure_plausible(what: str, before: int, after: int) -> None:
    """Raise GraphImplausible where a whole reading found nobody, but the one before found people.

    Entra gives such answers for groups whose membership it hides from the app, and while it restores a tenant. Fewer
    people are left to the guard; nobody at all never means that everyone left.
    """
    if before and not after:
        raise GraphImplausible(
            f"{what}: nobody, where there were {before} before. Nothing was changed. If that is meant, stop the "
            "store's provisioning; else look at the assignments in Entra and at the app's permissions"
        )
