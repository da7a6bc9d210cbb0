"""Keeps conditions where the installed resource definition has a place for them.

Upstream's definition has none: the server drops what it does not know, and writing it anew every round would never end.
So the first write is looked at once, and then the question is settled for the life of the process.
Source: spec/operation.md 10.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kubectl_asm.engine.conditions import next_conditions
from kubectl_asm.engine.plan import Plan
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.ports import ObjectReader

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class ConditionBook:
    """Says which conditions to write. reader: uncached, asked once."""

    reader: ObjectReader
    _is_kept: bool | None = field(default=None)

    def status(
        self, external: ExternalSecret, results: Sequence[SyncResult] | None, plan: Plan, now: datetime
    ) -> ExternalSecretStatus | None:
        """Return the status to write, None when the stored one says the same. results: None when that list stays."""
        stored = external.status
        conditions = stored.conditions if self._is_kept is False else next_conditions(stored.conditions, plan, now)
        if results is None and conditions == stored.conditions:
            return None
        generation = external.metadata.generation if conditions else 0
        return ExternalSecretStatus(stored.data_sync_results if results is None else tuple(results), conditions, generation)

    def written(self, external: ExternalSecret, status: ExternalSecretStatus) -> None:
        """Learn from the first write whether conditions were kept."""
        if self._is_kept is not None or not status.conditions:
            return
        try:
            stored = self.reader.get(ExternalSecret, external.namespace, external.name)
        except ClusterError:
            return
        self._is_kept = bool(stored.status.conditions)
        if not self._is_kept:
            _LOG.info("the installed ExternalSecret definition has no conditions; only dataSyncResults is written")
