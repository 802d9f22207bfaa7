"""Working out anew what is desired of people of whom Entra said nothing new: the rules changed, or a manager came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched

from shared.calls import in_parallel
from shared.rules.desired import rules_of
from shared.rules.identity import Identity
from shared.rules.store import Store
from shared.sync.errors import PushError
from shared.sync.source.reading_progress import ReadingCheckpoint
from shared.sync.source.record import SourceRecorder
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.mappings import Mappings
from shared.tables.pending import PendingChanges, Waiting

PORTION = 200
"""People between two times that the place is kept."""
THREADS = 8


@dataclass(frozen=True)
class _Recomputed:
    """What became of one person."""

    trouble: str | None
    """A sentence."""
    again: bool
    """Whether it has to be tried again."""


@dataclass(frozen=True)
class Recompute:
    """Its methods raise TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials."""

    identities: Identities
    mappings: Mappings
    pending_changes: PendingChanges
    source: SourceRecorder

    def after_rules(
        self,
        store: Store,
        progress: ReadingCheckpoint,
        keep: Callable[[ReadingCheckpoint], None],
        beat: Callable[[], None],
        *,
        full: bool = False,
    ) -> tuple[ReadingCheckpoint, list[str]]:
        """Everybody, if the mapping or a rule has changed since the last time; nobody is read if not.

        A push may have been computed by what its worker remembered of before. Who was is looked for in the next cycle,
        and in each ``full`` one: one round trip for a thousand people. As ``PeopleReader.read``: the progress to be
        kept at the end, and a sentence for each who could not be mapped.
        """
        rules = rules_of(store, self.mappings.compiled(store.id))
        troubles: list[str] = []
        if progress.rules != rules:
            for portion in batched(self.identities.everybody(store.id, progress.renewed_to), PORTION, strict=False):
                troubles += self._compute(store, [each for each in portion if each.identity.said.rules != rules])
                progress = progress.model_copy(update={"renewed_to": portion[-1].identity.id})
                keep(progress)
                beat()
            progress = progress.model_copy(update={"rules": rules, "renewed_to": ""})
            keep(progress)
        elif full or progress.checked != rules:
            for ids in batched(self.identities.with_other_rules(store.id, rules), PORTION, strict=False):
                troubles += self._compute(store, list(self.identities.several(store.id, ids).values()))
                beat()
            progress = progress.model_copy(update={"checked": rules})
        return progress, troubles

    def after_arrivals(self, store: Store, waiting: Waiting) -> tuple[list[str], list[str]]:
        """Those whose managers have another account since: their ids, and a sentence for each who could not be mapped.

        One round trip for each of them. An arrival is forgotten once all have heard of it.
        """
        people, troubles = list[str](), list[str]()
        for arrived in waiting.arrived:
            manager = self.identities.read(store.id, arrived)
            reports = self.identities.awaiting(store.id, manager.identity) if manager else []
            people += reports
            told = [self._renew(store, each) for each in self.identities.several(store.id, reports).values()]
            troubles += [each.trouble for each in told if each.trouble]
            if not any(each.again for each in told):
                self.pending_changes.forget_arrival(store.id, arrived)
        return people, troubles

    def _compute(self, store: Store, people: Sequence[Stored]) -> list[str]:
        """Compute these people again: a sentence for each who could not be mapped."""
        unchanged: list[tuple[Stored, Identity]] = []

        def renew(stored: Stored) -> _Recomputed:
            return self._renew(store, stored, lambda before, after: unchanged.append((before, after)))

        told = in_parallel(renew, people, THREADS)
        # By which rules it was computed stands in a person's own row alone, so that a hundred are written at once.
        self.pending_changes.lease(store.id, unchanged)
        return [each.trouble for each in told if each.trouble]

    def _renew(
        self, store: Store, stored: Stored, only_rules: Callable[[Stored, Identity], None] | None = None
    ) -> _Recomputed:
        again = False
        try:
            trouble = self.source.renew(store, stored, only_rules)
        except PushError as error:  # a push is writing them: they are found again
            trouble, again = str(error), True
        return _Recomputed(f"{stored.identity.id}: {trouble}" if trouble else None, again)
