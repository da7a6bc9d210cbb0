"""How an ExternalSecret is doing, read from its status alone. Pure; used by `status`.

Source: spec/status.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kubectl_asm.engine.status import FAILED, SUCCEEDED, SYNTHETIC_KEYS
from kubectl_asm.model.externalsecret import ExternalSecret


class State(enum.StrEnum):
    """One word for people and scripts."""

    SYNCED = "Synced"
    STALE = "Stale"
    FAILING = "Failing"
    PENDING = "Pending"
    DELETING = "Deleting"


@dataclass(frozen=True, slots=True)
class Health:
    """State, the entry that explains it, and when the last result was recorded (RFC 3339, empty when unknown)."""

    state: State
    reason: str = ""
    recorded: str = ""


def health_of(external: ExternalSecret, target_exists: bool | None) -> Health:
    """Return the health. target_exists: None when that may not be known.

    Stale: some source failed and the Secret still holds what was read before. Failing: nothing usable is there.
    """
    results = external.status.data_sync_results
    recorded = max((entry.time for entry in results), default="")
    if external.metadata.is_deleting:
        return Health(State.DELETING, "waits for its finalizer", recorded)
    failures = [entry for entry in results if entry.status == FAILED]
    if not results:
        return Health(State.PENDING, "no round has been recorded")
    if not failures:
        if target_exists is False:
            return Health(State.STALE, "the target Secret was removed since", recorded)
        return Health(State.SYNCED, _notice(external), recorded)
    first = failures[0]
    reason = f"{first.key}: {first.reason}" + (f" (+{len(failures) - 1} more)" if len(failures) > 1 else "")
    if all(entry.key == "template_processing_warnings" for entry in failures):
        return Health(State.STALE, reason, recorded)
    has_old_values = target_exists is not False and any(
        entry.key not in SYNTHETIC_KEYS or entry.key.endswith("guard") for entry in failures
    )
    return Health(State.STALE if has_old_values and target_exists else State.FAILING, reason, recorded)


def _notice(external: ExternalSecret) -> str:
    return next((entry.reason for entry in external.status.data_sync_results if entry.status not in (SUCCEEDED, FAILED)), "")
