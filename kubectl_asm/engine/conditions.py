"""The conditions of an ExternalSecret: Ready, Degraded and Stale, each saying what it means and nothing rosier. Pure.

    Ready      the Secret holds everything that was asked for, as of the last round
    Degraded   the Secret is maintained, but some entries failed in the last round
    Stale      the Secret holds values that the last round could not confirm

A condition changes only when its words do: in steady state nothing is written.
Source: docs/serve/status.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kubectl_asm.engine.plan import WRITING, Decision, Plan
from kubectl_asm.engine.status import timestamp
from kubectl_asm.model.backend import without_request_ids
from kubectl_asm.model.externalsecret import Condition

READY: Final = "Ready"
DEGRADED: Final = "Degraded"
STALE: Final = "Stale"
_OURS: Final = (READY, DEGRADED, STALE)
_LONGEST: Final = 1024

REASONS: Final = {
    Decision.CREATE: "Synced",
    Decision.UPDATE: "Synced",
    Decision.IN_SYNC: "Synced",
    Decision.SKIP: "ReadFailed",
    Decision.GUARD: "NothingToWrite",
    Decision.DELETE: "DeletedAfterFailure",
    Decision.ABORT: "RoundStopped",
    Decision.REJECTED: "WriteRefused",
    Decision.CLEANUP: "Deleting",
    Decision.IGNORED: "NotProcessed",
}
"""Reason of Ready by what the round did with the Secret; PARTIAL when some entries failed beside good ones."""
PARTIAL: Final = "PartiallySynced"
MEANINGS: Final = {
    "Synced": "The Secret holds everything that was asked for.",
    PARTIAL: "The Secret is maintained; some entries failed and keep the values they had.",
    "ReadFailed": "Nothing could be read; the Secret stays as it is.",
    "NothingToWrite": "The round would have emptied the Secret, which is never done.",
    "DeletedAfterFailure": "Every entry failed and `--cleanup-secret-on-failure` is set: the Secret was deleted.",
    "RoundStopped": "The round ended before anything was read: provider, namespace, rate limit or finalizer.",
    "WriteRefused": "The Secret could not be written: the API server refused it, or it belongs to somebody else.",
    "Deleting": "The object is being deleted.",
    "NotProcessed": "The namespace is out of scope or terminating.",
}


def next_conditions(stored: Sequence[Condition], plan: Plan, now: datetime) -> tuple[Condition, ...]:
    """Return the conditions after a round; those of other authors stay in front."""
    before = {item.type: item for item in stored}
    others = tuple(item for item in stored if item.type not in _OURS)
    fresh = (_ready(plan), _degraded(plan), _stale(plan))
    return (*others, *(_dated(item, before.get(item.type), plan, now) for item in fresh))


def reason_of(plan: Plan) -> str:
    """Return the reason of Ready after a round."""
    return PARTIAL if plan.decision in WRITING and plan.is_partial else REASONS[plan.decision]


def _ready(plan: Plan) -> Condition:
    is_ready = plan.decision in WRITING and not plan.is_partial
    return Condition(READY, "True" if is_ready else "False", reason_of(plan), "" if is_ready else _message(plan))


def _degraded(plan: Plan) -> Condition:
    if plan.decision in WRITING and plan.is_partial:
        failed = [f"{entry.admission.entry} {entry.admission.entry.source.key}" for entry in plan.entries if entry.failed]
        return Condition(DEGRADED, "True", "EntriesFailed", _cut(f"failed: {', '.join(failed)}"))
    return Condition(DEGRADED, "False", "AllEntriesRead" if plan.decision in WRITING else "NotMaintained")


def _stale(plan: Plan) -> Condition:
    """A Secret that exists and was not confirmed as a whole holds values of an earlier round."""
    if plan.decision in WRITING and not plan.is_partial:
        return Condition(STALE, "False", "Confirmed")
    if plan.decision in WRITING or plan.current is not None:
        return Condition(STALE, "True", "ValuesKept", "values of an earlier round are kept where reading or writing failed")
    if plan.decision in (Decision.DELETE, Decision.CLEANUP):
        return Condition(STALE, "False", "NoSecret")
    return Condition(STALE, "Unknown", "NotLookedAt")


def _message(plan: Plan) -> str:
    texts = [entry.error for entry in plan.entries if entry.failed]
    return _cut(plan.reason or (plan.synthetic[-1].reason if plan.synthetic else "") or "; ".join(dict.fromkeys(texts)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _dated(fresh: Condition, before: Condition | None, plan: Plan, now: datetime) -> Condition:
    """Stamp a condition: the time is that of the last change of its status."""
    same = before is not None and before.status == fresh.status
    time = before.last_transition_time if before is not None and same else timestamp(now)
    message = fresh.message
    if before is not None and without_request_ids(before.message) == without_request_ids(message):
        message = before.message
    return Condition(fresh.type, fresh.status, fresh.reason, message, time, plan.external.metadata.generation)
