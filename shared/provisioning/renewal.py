"""Working out anew what is desired of people of whom Entra said nothing new: the rules changed, or a manager came."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import batched

from shared.calls import in_parallel
from shared.directory.store import Store
from shared.provisioning.errors import PushError
from shared.provisioning.reading_progress import ReadingProgress, rules_of
from shared.provisioning.source import Source
from shared.tables.identities import Identities
from shared.tables.identity_rows import Stored
from shared.tables.mappings import Mappings
from shared.tables.pending import PendingMarks, Waiting

PORTION = 200
"""People between two times that the place is kept."""
THREADS = 8


@dataclass(frozen=True)
class Renewal:
    """Its methods raise TablesBusy, MappingUnusable, ZohoBusy and ZohoCredentials."""

    identities: Identities
    mappings: Mappings
    marks: PendingMarks
    source: Source

    def after_rules(
        self,
        store: Store,
        progress: ReadingProgress,
        keep: Callable[[ReadingProgress], None],
        beat: Callable[[], None],
    ) -> tuple[ReadingProgress, list[str]]:
        """Everybody, if the mapping or a rule has changed since the last time; nobody is read if not.

        As ``Pull.read``: the progress to be kept at the end, and a sentence for each who could not be mapped.
        """
        rules = rules_of(store, self.mappings.number_in_use(store.id))
        if progress.rules == rules:
            return progress, []
        troubles: list[str] = []
        for portion in batched(self.identities.everybody(store.id, progress.renewed_to), PORTION, strict=False):
            troubles += filter(None, in_parallel(lambda stored: self._renew(store, stored), portion, THREADS))
            progress = progress.model_copy(update={"renewed_to": portion[-1].identity.id})
            keep(progress)
            beat()
        progress = progress.model_copy(update={"rules": rules, "renewed_to": ""})
        keep(progress)
        return progress, troubles

    def after_arrivals(self, store: Store, waiting: Waiting) -> tuple[list[str], list[str]]:
        """Those who waited for the accounts that are there since: their ids, and a sentence for each not mapped."""
        people, troubles = list[str](), list[str]()
        for arrived in waiting.arrived:
            manager = self.identities.read(store.id, arrived)
            reports = self.identities.awaiting(store.id, manager.identity) if manager else []
            people += reports
            for report in reports:
                stored = self.identities.read(store.id, report)
                if stored is not None and (trouble := self._renew(store, stored)):
                    troubles.append(trouble)
            self.marks.forget_arrival(store.id, arrived)
        return people, troubles

    def _renew(self, store: Store, stored: Stored) -> str | None:
        try:
            trouble = self.source.renew(store, stored)
        except PushError as error:  # a push is writing him, by the new rules
            trouble = str(error)
        return f"{stored.identity.id}: {trouble}" if trouble else None
