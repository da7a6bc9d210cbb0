"""How far cluster resources reach: the namespaces they hit, what they take over, what goes with them. Pure.

A ClusterExternalSecret is explained by the Plan of its pass, a ClusterSecretStore by its gate.
Source: spec/cluster-resources.md 1 to 5, spec/access-control.md 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubectl_asm.engine import access
from kubectl_asm.engine.admit import entries_of
from kubectl_asm.engine.expand import is_owned
from kubectl_asm.engine.expand_plan import Existing, ExpansionPlan
from kubectl_asm.engine.lookups import Found
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, ExternalSecret
from kubectl_asm.model.objects import Namespace, ObjectRef
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterSecretStore


@dataclass(frozen=True, slots=True)
class Takeover:
    """An ExternalSecret that exists and would be overwritten. owner: who controls it now, in words."""

    external: ObjectRef
    owner: str
    secret: str


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a ClusterSecretStore admits a namespace, and which rule says so."""

    namespace: str
    allowed: bool
    rule: str


def takeovers(plan: ExpansionPlan, existing: Existing) -> tuple[Takeover, ...]:
    """Return the ExternalSecrets that a pass over a ClusterExternalSecret overwrites although it did not make them."""
    found = []
    for child in plan.applies:
        current = existing.get((child.namespace, child.name))
        if current is None or is_owned(current, plan.parent):
            continue
        owner = current.metadata.controller
        words = f"{owner.kind} {owner.name}" if owner is not None else "nobody (written by hand or by another tool)"
        found.append(Takeover(current.ref, words, current.target_name))
    return tuple(found)


def admissions_of(store: ClusterSecretStore, namespaces: Iterable[Namespace], settings: Settings) -> tuple[Admission, ...]:
    """Return the verdict of a store's conditions on every namespace."""
    return tuple(_admission(store, namespace, settings) for namespace in namespaces)


def _admission(store: ClusterSecretStore, namespace: Namespace, settings: Settings) -> Admission:
    conditions = store.spec.conditions
    refusal = access.store_admits(store.name, conditions, namespace.name, Found(namespace), settings)
    if refusal is not None:
        return Admission(namespace.name, False, refusal.reason)
    if not conditions or settings.ignore_access_gates:
        return Admission(namespace.name, True, "the store has no conditions" if not conditions else "gates are ignored")
    verdict = access.match_conditions(conditions, namespace.name, access.labels_of(namespace), settings)
    return Admission(namespace.name, True, verdict.rule)


def users_of(store: ClusterSecretStore, externals: Sequence[ExternalSecret]) -> tuple[ObjectRef, ...]:
    """Return the ExternalSecrets that name a ClusterSecretStore."""
    return tuple(external.ref for external in externals if store.name in _cluster_stores(external))


def _cluster_stores(external: ExternalSecret) -> set[str]:
    refs = (entry.source.secret_store_ref for entry in entries_of(external))
    return {ref.name for ref in refs if ref is not None and ref.kind == CLUSTER_STORE_KIND}
