"""Recompute: desired states again, where Entra said nothing new: the rules changed, or a manager came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched

from shared.rules.desired import rules_of
from shared.rules.identity import Identity
from shared.rules.store import Store
from shared.sync.errors import PushError
from shared.sync.progress import SILENT, Checkpoint, Heartbeat, Progress
from shared.sync.source.reading_checkpoint import ReadingCheckpoint
from shared.sync.source.record import SourceRecorder
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.mappings import Mappings
from shared.tables.pending import PendingChanges, Waiting
from shared.threads import in_parallel

RECOMPUTING = "computing everybody again, by the changed rules"
PORTION = 200
"""People between two checkpoints."""
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
    """Its methods raise TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials.

    ``troubles`` gets a sentence for each person who could not be mapped, as it is found.
    """

    identities: Identities
    mappings: Mappings
    pending_changes: PendingChanges
    recorder: SourceRecorder

    def after_rules(
        self,
        store: Store,
        checkpoint: Checkpoint[ReadingCheckpoint],
        troubles: list[str],
        progress: Progress = SILENT,
        *,
        full: bool = False,
    ) -> None:
        """Everybody, if the mapping or a rule has changed since the last time; nobody is read if not.

        A push may have been computed by what its worker remembered of before. Such people are looked for in the next
        cycle, and in each ``full`` one: one round trip for a thousand people. The place reached is to be kept at the
        cycle's end.
        """
        rules, reached = rules_of(store, self.mappings.compiled(store.id)), checkpoint.reached
        if reached.rules != rules:
            progress.tell(RECOMPUTING)
            for portion in batched(self.identities.everybody(store.id, reached.renewed_to), PORTION, strict=False):
                people = [each for each in portion if each.identity.said.rules != rules]
                self._compute(store, people, troubles)
                reached = reached.model_copy(update={"renewed_to": portion[-1].identity.id})
                checkpoint.keep(reached)
                checkpoint.may_end()
            checkpoint.keep(reached.model_copy(update={"rules": rules, "renewed_to": ""}))
        elif full or reached.checked != rules:
            for ids in batched(self.identities.with_other_rules(store.id, rules), PORTION, strict=False):
                self._compute(store, list(self.identities.several(store.id, ids).values()), troubles)
                checkpoint.may_end()
            checkpoint.move(reached.model_copy(update={"checked": rules}))

    def after_arrivals(self, store: Store, waiting: Waiting, heartbeat: Heartbeat, troubles: list[str]) -> list[str]:
        """People whose managers have another account since; their ids.

        One round trip for each of them. An arrival is forgotten once all have heard of it.
        """
        people = list[str]()
        for arrived in waiting.arrived:
            heartbeat.beat()
            manager = self.identities.read(store.id, arrived)
            reports = self.identities.awaiting(store.id, manager.identity) if manager else []
            people += reports
            again = False
            for some in batched(reports, PORTION, strict=False):
                told = [self._recompute(store, each) for each in self.identities.several(store.id, some).values()]
                troubles += [each.trouble for each in told if each.trouble]
                again = again or any(each.again for each in told)
                heartbeat.beat()
            if not again:
                self.pending_changes.forget_arrival(store.id, arrived)
        return people

    def _compute(self, store: Store, people: Sequence[Stored], troubles: list[str]) -> None:
        """Compute these people again."""
        unchanged: list[tuple[Stored, Identity]] = []

        def recompute(stored: Stored) -> _Recomputed:
            return self._recompute(store, stored, lambda before, after: unchanged.append((before, after)))

        told = in_parallel(recompute, people, THREADS)
        # By which rules it was computed stands in a person's own row alone, so that a hundred are written at once.
        self.pending_changes.lease(store.id, unchanged)
        troubles += [each.trouble for each in told if each.trouble]

    def _recompute(
        self, store: Store, stored: Stored, only_rules: Callable[[Stored, Identity], None] | None = None
    ) -> _Recomputed:
        again = False
        try:
            trouble = self.recorder.recompute(store, stored, only_rules)
        except PushError as error:  # a push is writing them: they are found again
            trouble, again = str(error), True
        return _Recomputed(f"{stored.identity.id}: {trouble}" if trouble else None, again)
