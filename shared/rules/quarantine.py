"""What Entra's provisioning service does when its requests fail for long: its quarantine.

https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status. Whether the
service honours 503 with Retry-After is contradictory in Microsoft's pages, so each such answer is taken for a failure.
"""

from datetime import datetime, timedelta

SHARE = 40
"""Percent of a cycle's changes: if more fail, and at least FAILURES of them, the job is put in quarantine."""
FAILURES = 5_000
AT_ONCE = 60_000
"""Failures that put the job in quarantine whatever their share is."""
SWITCHED_OFF = timedelta(weeks=4)
"""In quarantine for so long, the job is switched off, and an administrator of Entra has to start it again."""

WHAT_FOLLOWS = (
    "Entra's pushes are answered 503 meanwhile, and Entra counts each as a failure. Where "
    f"{FAILURES:,} or more fail in a cycle, and {SHARE} % of all, or {AT_ONCE:,} in all, it puts its job in "
    "quarantine, tries about once a day, and goes on by itself when a try succeeds."
)


def forecast(until: datetime | None, now: datetime) -> str:
    """Return what Entra will do about its job while pushes are answered 503. ``until``: when that ends, if known."""
    off = f"After {SWITCHED_OFF.days // 7} weeks in quarantine it switches the job off: restart it in Entra then."
    if until is None:
        return f"{WHAT_FOLLOWS} {off}"
    if until - now < SWITCHED_OFF:
        return f"{WHAT_FOLLOWS} This ends before Entra would switch the job off."
    return f"{WHAT_FOLLOWS} This may last longer than {SWITCHED_OFF.days // 7} weeks. {off}"
