"""A plan as an administrator reads it: counts first, then the changes, person by person."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.rules.change import ChangeKind, FieldChange
from shared.rules.guard import Breach
from shared.rules.plan import ORDER, Plan, PlannedChange
from shared.rules.zoho_user import ZohoField

MOST_OF_A_KIND = 20
"""Maximum number of people shown per kind, so that three deletions stay visible after a thousand updates."""

MOST_NAMES = 5
"""Maximum number of names shown of people who are left unchanged for the same reason."""

MOST_CHARACTERS = 80
"""Maximum number of characters shown of a value."""

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move the cursor, break the line or reverse the text: a name in Entra may contain them."""
_MARKUP = re.compile(r"([\\`*_\[\]<>|&~$:.])")
"""Characters that Markdown interprets within a line; colon and dot turn addresses into links."""


@dataclass(frozen=True)
class _Style:
    """The templates of one format. Values from a directory are escaped; reasons are the bridge's own sentences."""

    title: str
    count: str
    group_count: str
    breach: str
    heading: str
    change: str
    account: str
    field: str
    groups_heading: str
    group: str
    members: str
    more: str
    suppressed_heading: str
    suppressed: str
    markup: bool

    def plain(self, text: str) -> str:
        shown = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        shown = shown if len(shown) <= MOST_CHARACTERS else shown[: MOST_CHARACTERS - 1] + "…"
        return _MARKUP.sub(r"\\\1", shown) if self.markup else shown

    def value(self, text: str | None) -> str:
        return "–" if text is None else f'"{self.plain(text)}"'


_TEXT = _Style(
    title="Plan for {store}: {changes} changes",
    count="  {kind:<10} {count:>7}",
    group_count="  {kind:<10} {count:>7} groups",
    breach="Held: {breach}",
    heading="\n{kind} ({count})",
    change="  {name} ({user_name}): {reason}",
    account="    {name} ({account})?",
    field="      {field}: {before} → {after}",
    groups_heading="\ngroups ({count})",
    group="  {kind} {name}: {reason}",
    members="      {what} {count}: {names}",
    more="  … and {count} more",
    suppressed_heading="\nleft alone ({count})",
    suppressed="  {reason} {names}",
    markup=False,
)
_MARKDOWN = _Style(
    title="# Plan for {store}: {changes} changes\n",
    count="- {kind}: {count}",
    group_count="- {kind}: {count} groups",
    breach="\n> **Held:** {breach}",
    heading="\n## {kind} ({count})\n",
    change="- **{name}** ({user_name}): {reason}",
    account="  - {name} ({account})?",
    field="  - {field}: {before} → {after}",
    groups_heading="\n## groups ({count})\n",
    group="- {kind} **{name}**: {reason}",
    members="  - {what} {count}: {names}",
    more="- … and {count} more",
    suppressed_heading="\n## left alone ({count})\n",
    suppressed="- {reason} {names}",
    markup=True,
)
_TITLES = {kind: str(kind) for kind in ORDER} | {
    ChangeKind.NOTHING: "confirm only",
    ChangeKind.PROPOSE: "propose: an administrator decides",
}


def as_text(plan: Plan, breaches: Sequence[Breach] = ()) -> str:
    """Return the plan for a terminal or a log."""
    return "\n".join(_lines(plan, breaches, _TEXT)) + "\n"


def as_markdown(plan: Plan, breaches: Sequence[Breach] = ()) -> str:
    """Return the plan for a ticket or a page; no name or value is interpreted as markup."""
    return "\n".join(_lines(plan, breaches, _MARKDOWN)) + "\n"


def as_json(plan: Plan, breaches: Sequence[Breach] = ()) -> str:
    """Return the complete plan for scripts."""
    found = [breach.model_dump(mode="json") | {"sentence": str(breach)} for breach in breaches]
    head = {
        "digest": plan.digest,
        "counts": plan.counts,
        "group_counts": plan.group_counts,
        "held": bool(breaches),
        "breaches": found,
    }
    return json.dumps(head | plan.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def _lines(plan: Plan, breaches: Sequence[Breach], style: _Style) -> Iterator[str]:
    waiting = plan.counts.get(ChangeKind.PROPOSE, 0)
    changes = sum(plan.counts.values()) - waiting + sum(plan.group_counts.values())
    yield style.title.format(store=style.plain(plan.store), changes=changes)
    for kind, count in plan.counts.items():
        yield style.count.format(kind=kind, count=count)
    for kind, count in plan.group_counts.items():
        yield style.group_count.format(kind=kind, count=count)
    for breach in breaches:
        yield style.breach.format(breach=breach)
    for kind in ORDER:
        yield from _of_kind(kind, [change for change in plan.changes if change.kind is kind], style)
    yield from _groups(plan.groups, style)
    yield from _suppressed(plan.suppressed, style)


def _groups(changes: Sequence[PlannedChange], style: _Style) -> Iterator[str]:
    if not changes:
        return
    yield style.groups_heading.format(count=len(changes))
    for change in changes[:MOST_OF_A_KIND]:
        kind = "let go" if change.kind is ChangeKind.NOTHING else change.kind
        yield style.group.format(kind=kind, name=style.plain(change.name), reason=change.reason)
        yield from _fields(change.fields, style)
        if change.members is not None:
            yield from _members("joining", change.members.joining, change.members.joining_names, style)
            yield from _members("leaving", change.members.leaving, change.members.leaving_names, style)
    if len(changes) > MOST_OF_A_KIND:
        yield style.more.format(count=len(changes) - MOST_OF_A_KIND)


def _members(what: str, count: int, names: Sequence[str], style: _Style) -> Iterator[str]:
    if count:
        shown = ", ".join(style.plain(name) for name in names[:MOST_NAMES])
        more = f" and {count - min(len(names), MOST_NAMES)} more" if count > min(len(names), MOST_NAMES) else ""
        yield style.members.format(what=what, count=count, names=shown + more)


def _of_kind(kind: ChangeKind, changes: Sequence[PlannedChange], style: _Style) -> Iterator[str]:
    if not changes:
        return
    yield style.heading.format(kind=_TITLES[kind], count=len(changes))
    for change in changes[:MOST_OF_A_KIND]:
        user_name = style.plain(change.user_name)
        yield style.change.format(name=style.plain(change.name), user_name=user_name, reason=change.reason)
        for proposed in change.proposes if len(change.proposes) > 1 else ():
            shown = proposed.holds.fields.get(ZohoField.USER_NAME) if proposed.holds else None
            yield style.account.format(name=style.plain(shown or proposed.name), account=style.plain(proposed.account))
            yield from _fields(proposed.fields, style)
        yield from _fields(change.fields, style)
    if len(changes) > MOST_OF_A_KIND:
        yield style.more.format(count=len(changes) - MOST_OF_A_KIND)


def _fields(fields: Iterable[FieldChange], style: _Style) -> Iterator[str]:
    for part in fields:
        before, after = style.value(part.before), style.value(part.after)
        yield style.field.format(field=part.field, before=before, after=after)


def _suppressed(changes: Sequence[PlannedChange], style: _Style) -> Iterator[str]:
    if not changes:
        return
    yield style.suppressed_heading.format(count=len(changes))
    by_reason = dict[str, list[str]]()
    for change in changes:
        by_reason.setdefault(change.reason, []).append(style.plain(change.name))
    for reason, names in by_reason.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield style.suppressed.format(reason=reason, names=", ".join(names[:MOST_NAMES]) + more)
