"""The status of a ClusterExternalSecret after a pass. Pure.

Source: spec/cluster-resources.md 2, spec/api.md 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from kubectl_asm.engine.expand import child_name
from kubectl_asm.engine.expand_plan import ExpansionPlan, Step
from kubectl_asm.engine.status import timestamp
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecretStatus, FailedNamespace, StoreCondition

READY: Final = "Ready"
_NAMED: Final = 5


def next_status(
    plan: ExpansionPlan,
    provisioned: Sequence[str],
    failed: Sequence[FailedNamespace],
    settings: Settings,
    now: datetime,
    *,
    is_renamed: bool = True,
) -> ClusterExternalSecretStatus | None:
    """Return the status to write, None when the stored one says the same.

    provisioned, failed: after the writes. is_renamed: False while a child of the former name is left, so that the next
    pass still knows that name.
    """
    stored = plan.parent.status
    condition = _ready(plan, failed, settings, timestamp(now))
    others = tuple(item for item in stored.conditions if item.type != READY)
    if plan.step is Step.ABORT:  # the ledger is what clean-up works from: keep it
        fresh = msgspec.structs.replace(stored, failed_namespaces=tuple(failed), conditions=(*others, condition))
    else:
        name = child_name(plan.parent) if is_renamed else stored.external_secret_name
        fresh = ClusterExternalSecretStatus(name, tuple(provisioned), tuple(failed), (*others, condition))
    return None if fresh == stored else fresh


def _ready(plan: ExpansionPlan, failed: Sequence[FailedNamespace], settings: Settings, time: str) -> StoreCondition:
    is_ready, message = _verdict(plan, failed, settings)
    status = "True" if is_ready else "False"
    before = next((item for item in plan.parent.status.conditions if item.type == READY), None)
    if before is not None and before.status == status and before.last_transition_time:
        time = before.last_transition_time
    return StoreCondition(type=READY, status=status, message=message, last_transition_time=time)


def _verdict(plan: ExpansionPlan, failed: Sequence[FailedNamespace], settings: Settings) -> tuple[bool, str]:
    if plan.step is Step.ABORT:
        return False, failed[0].reason
    if plan.notice:
        return True, plan.notice
    if not failed:
        return True, ""
    return settings.ces_ready == "always", _failure_text(failed)


def _failure_text(failed: Sequence[FailedNamespace]) -> str:
    """Return a count and the first names; the entry of no namespace in particular has a word instead of a name."""
    names = ", ".join(item.namespace or "<cluster-wide>" for item in failed[:_NAMED])
    noun = "namespace" if len(failed) == 1 else "namespaces"
    return f"{len(failed)} {noun} failed: {names}{', ...' if len(failed) > _NAMED else ''}"
