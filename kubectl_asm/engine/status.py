"""The list in status.dataSyncResults: which entries a round reports and how they replace earlier ones. Pure.

The final list is computed once and compared with the stored one, so an unchanged result costs no write.
Source: spec/status.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from kubectl_asm.engine.plan import Plan, Synthetic
from kubectl_asm.model.backend import without_request_ids
from kubectl_asm.model.externalsecret import SyncResult

SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
NOTICE_KEY: Final = "cluster_secret_store_controller_disabled"
SYNTHETIC_KEYS: Final = frozenset({
    "operation", "finalizer", "namespace_access", "namespace_check", "namespace_terminating", "provider_configuration",
    "rate_limit", "provider_lookup", "state_retrieval", "template_processing_fatal", "template_processing_warnings",
    "update_operation", "endpoint_client_cleanup", "zero_output_guard", "template_zero_output_guard",
    "template_processing_errors", NOTICE_KEY,
})  # fmt: skip


def timestamp(now: datetime) -> str:
    """Return an instant as RFC 3339 in whole seconds."""
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"


def reports(plan: Plan) -> bool:
    """Return whether a round has anything to say; one that was dropped or cut short has not."""
    return not plan.quiet and (plan.data_status is not None or bool(plan.synthetic))


def next_status(stored: Sequence[SyncResult], plan: Plan, now: datetime) -> tuple[SyncResult, ...] | None:
    """Return the list to write, None when the stored one stays (spec/status.md 3 and 4)."""
    if not reports(plan):
        return None
    fresh = merge(stored, plan, timestamp(now))
    if _signature(fresh) == _signature(stored) and not plan.forces_status:
        return None
    return fresh


def merge(stored: Sequence[SyncResult], plan: Plan, time: str) -> tuple[SyncResult, ...]:
    """Return the list after the round, fresh entries stamped with time."""
    known = {(entry.key, entry.status, entry.reason): entry for entry in stored}
    synthetic = [_stamped_synthetic(entry, known, time) for entry in plan.synthetic]
    if plan.data_status is None:
        kept = [entry for entry in stored if _is_data_failure(entry) or entry.key == NOTICE_KEY]
        return (*kept, *synthetic)
    data = [msgspec.structs.replace(entry, time=time) for entry in plan.data_status]
    if any(entry.key == "update_operation" for entry in plan.synthetic):
        data = [entry for entry in data if entry.status != SUCCEEDED]
        synthetic = [entry for entry in synthetic if entry.key in ("update_operation", NOTICE_KEY)]
    return (*data, *synthetic)


def _stamped_synthetic(entry: Synthetic, known: dict[tuple[str, str, str], SyncResult], time: str) -> SyncResult:
    same = known.get((entry.key, entry.status, entry.reason))
    return same or SyncResult(entry.key, entry.status, entry.reason, time)


def _is_data_failure(entry: SyncResult) -> bool:
    return bool(entry.key) and entry.key not in SYNTHETIC_KEYS


def _signature(entries: Iterable[SyncResult]) -> Counter[tuple[str, str, str]]:
    return Counter((entry.key, entry.status, without_request_ids(entry.reason)) for entry in entries)


def ever_succeeded(stored: Sequence[SyncResult]) -> bool:
    """Return whether some earlier round ended with success."""
    return any(entry.status == SUCCEEDED for entry in stored)
