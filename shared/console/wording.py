"""How values are written on a page: times, counts, states."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from shared.rules.change import ChangeKind
from shared.rules.held_plan import HeldState
from shared.rules.history import EventKind
from shared.rules.job import Job, JobState
from shared.rules.run import Result, RunOutcome, RunState
from shared.rules.store import WayIn
from shared.rules.store_state import StoreState
from shared.tables.connections import ConnectionState

TONES: Mapping[str, str] = {
    **dict.fromkeys((StoreState.RECONNECT, StoreState.FAILING, RunState.FAILED, Result.FAILED), "bad"),
    **dict.fromkeys((StoreState.HELD, StoreState.PAUSED, StoreState.WITH_ERRORS, RunOutcome.WITH_ERRORS), "wait"),
    **dict.fromkeys((Result.PARKED, Result.NOT_TRIED), "wait"),
    **dict.fromkeys((StoreState.STARTED, RunState.DONE, ConnectionState.CONNECTED), "good"),
    RunState.RUNNING: "busy",
    JobState.ASKED: "wait",
    StoreState.INTERRUPTED: "wait",
    StoreState.STOPPED: "off",
    **dict.fromkeys((StoreState.OBSERVING, RunState.OBSERVED), "busy"),
    ConnectionState.NOT_CONNECTED: "off",
    **dict.fromkeys((ChangeKind.DEACTIVATE, ChangeKind.DELETE, EventKind.REFUSED, EventKind.DELETED), "bad"),
    **dict.fromkeys((ChangeKind.ADOPT, ChangeKind.PROPOSE, EventKind.PROPOSED, Result.WAITS), "wait"),
    **dict.fromkeys((ChangeKind.CREATE, ChangeKind.REACTIVATE, EventKind.CREATED, EventKind.REACTIVATED), "good"),
    EventKind.DEACTIVATED: "wait",
    "active": "good",
    "inactive": "off",
    "pending": "wait",
}
"""Color of a badge. It only repeats what the word says."""


TITLES = {
    "plan": "Preview of changes",
    "people": "Provision on demand",
    "group": "Provision a group on demand",
    "retry": "Retry what is pending",
}
"""Title of each kind of job's page."""


SHOWN: Mapping[str, str] = {
    StoreState.RECONNECT: "reconnect required",
    EventKind.UNMANAGED: "no longer managed",
    EventKind.PARKED: "retried daily",
    HeldState.OVERTAKEN: "superseded",
    EventKind.RECORDED: "no change needed",
    ChangeKind.NOTHING: "no change",
}
"""Words of a badge whose stored word is not plain."""


WAYS_IN: Mapping[WayIn, tuple[str, str]] = {
    WayIn.CONSENT: (
        "OAuth consent",
        "An owner or admin of Zoho One accepts once, for a client that you register in Zoho's API console.",
    ),
    WayIn.TOKEN: (
        "SCIM token",
        "Zoho One shows a token beside its sync endpoint; nothing is registered, and you replace it yourself.",
    ),
}
"""The two ways in, each with a sentence."""


def when(at: datetime | None) -> Markup:
    """A time in UTC, to the minute."""
    if at is None:
        return Markup("–")
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M} UTC")


def ago(at: datetime | None, now: datetime) -> Markup:
    """The time since or until then, with the time itself as a tooltip."""
    if at is None:
        return Markup("–")
    text = f"{spell(abs(now - at))} ago" if at <= now else f"in {spell(at - now)}"
    iso = at.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso, f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", text
    )


def spell(span: timedelta | None) -> str:
    """A span of time in its largest unit that is not zero."""
    if span is None:
        return "–"
    seconds = span.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:.0f} ms"


def counted(number: int) -> str:
    """A number with a thin space between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def roughly(found: tuple[int, bool]) -> str:
    """A number of people that may be an estimate."""
    number, exact = found
    if exact:
        return counted(number)
    unit = 10 ** (len(str(number)) - 2)
    return f"about {counted(round(number / unit) * unit)}"


def or_more(found: tuple[int, bool]) -> str:
    """A number that was counted to its end, or not."""
    number, exact = found
    return counted(number) if exact else f"{counted(number)} or more"


def badge(state: str) -> Markup:
    """A state as a word in a color."""
    return Markup('<span class="badge {}">{}</span>').format(TONES.get(state, "plain"), SHOWN.get(state, str(state)))


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def job_title(job: Job) -> str:
    """Title of a job."""
    return TITLES[job.task.kind]


def zip_same(options: Iterable[str]) -> list[tuple[str, str]]:
    """Options of a list whose labels are their values."""
    return [(str(option), str(option)) for option in options]


FILTERS: dict[str, Callable[..., object]] = {
    "when": when,
    "ago": ago,
    "spell": spell,
    "counted": counted,
    "roughly": roughly,
    "or_more": or_more,
    "badge": badge,
    "sentence": sentence,
    "job_title": job_title,
    "zip_same": zip_same,
}
