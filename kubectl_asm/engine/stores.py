"""What a controller does about a store: finalizer, Ready condition, the trigger annotation. Pure.

Nothing is called to find out whether credentials work: Ready says that the store is complete and that its references
resolve (`kubectl asm check` asks the services). No status is written that says nothing new.
Source: spec/controller.md 4 (store reconcile), spec/api.md 4.2 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from kubectl_asm.engine import access
from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.plan import Done, Outcome, Retry
from kubectl_asm.engine.scope import is_watched, reconciles_cluster_stores
from kubectl_asm.engine.status import timestamp
from kubectl_asm.model.backend import ErrorClass, Refusal
from kubectl_asm.model.objects import FINALIZER, TRIGGER_ANNOTATION
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterSecretStore, SecretStore, StoreCondition, StoreStatus

READY: Final = "Ready"
VALID: Final = "Valid"
VALIDATION_FAILED: Final = "ValidationFailed"
CLIENT_FAILED: Final = "ClientCreationFailed"
CAPABILITIES: Final = "ReadOnly"

AnyStore = SecretStore | ClusterSecretStore


@dataclass(frozen=True, slots=True)
class StorePlan:
    """What a pass over a store wants. status: None when the stored one stays. drop_trigger: remove the annotation."""

    store: AnyStore
    outcome: Outcome
    status: StoreStatus | None = None
    add_finalizer: bool = False
    remove_finalizer: bool = False
    drop_trigger: bool = False
    refusal: Refusal | None = None


def plan_store(store: AnyStore, admitter: Admitter, now: datetime) -> StorePlan:
    """Return the Plan of a pass over a store."""
    settings = admitter.settings
    if not is_processed(store, settings):
        return StorePlan(store, Done(None))
    if store.metadata.is_deleting:
        releases = settings.process_deletions and FINALIZER in store.metadata.finalizers
        return StorePlan(store, Done(None), remove_finalizer=releases)
    refusal = _invalid_conditions(store, settings) or admitter.of_store(store)
    return StorePlan(
        store,
        Done(None) if refusal is None else Retry(refusal.reason),
        status=_next_status(store, refusal, now),
        add_finalizer=settings.manage_finalizers and FINALIZER not in store.metadata.finalizers,
        drop_trigger=bool(store.metadata.annotations.get(TRIGGER_ANNOTATION)),
        refusal=refusal,
    )


def is_processed(store: AnyStore, settings: Settings) -> bool:
    """Return whether the controller of this kind of store runs here at all."""
    if isinstance(store, SecretStore):
        return is_watched(store.namespace, settings)
    return reconciles_cluster_stores(settings)


def _invalid_conditions(store: AnyStore, settings: Settings) -> Refusal | None:
    """Return the first selector or regular expression of a cluster store that nothing can match."""
    if isinstance(store, SecretStore):
        return None
    try:
        access.check_conditions(store.spec.conditions, settings)
    except access.InvalidConditionError as error:
        return Refusal(ErrorClass.CONFIGURATION, f"{store.ref}: {error}")
    return None


def _next_status(store: AnyStore, refusal: Refusal | None, now: datetime) -> StoreStatus | None:
    before = next((item for item in store.status.conditions if item.type == READY), StoreCondition())
    status, reason, message = _verdict(refusal)
    is_rebuilt = refusal is None and _needs_client(store, before)
    is_same = (before.status, before.reason, before.message) == (status, reason, message)
    condition = StoreCondition(
        type=READY,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=before.last_transition_time if is_same else timestamp(now),
        observed_generation=store.metadata.generation,
    )
    others = tuple(item for item in store.status.conditions if item.type != READY)
    fresh = StoreStatus((*others, condition), CAPABILITIES, store.status.client_generation + is_rebuilt)
    return None if fresh == store.status else fresh


def _verdict(refusal: Refusal | None) -> tuple[str, str, str]:
    if refusal is None:
        return "True", VALID, ""
    is_form = refusal.error_class is ErrorClass.CONFIGURATION or refusal.gate
    return "False", VALIDATION_FAILED if is_form else CLIENT_FAILED, refusal.reason


def _needs_client(store: AnyStore, before: StoreCondition) -> bool:
    """Return whether upstream would have built its client anew (spec/auth.md 9): others watch the counter."""
    has_trigger = bool(store.metadata.annotations.get(TRIGGER_ANNOTATION))
    return has_trigger or before.status != "True" or before.observed_generation != store.metadata.generation


def with_status(store: AnyStore, status: StoreStatus) -> AnyStore:
    """Return the store with another status."""
    return msgspec.structs.replace(store, status=status)
