"""One reconcile pass over a ClusterExternalSecret as data: children to apply and to delete, finalizer, status, next pass.

Pure. app/expansion.py reads what is needed here and performs the Plan; the status is computed last, from what came of it.
Source: spec/cluster-resources.md 2, 4, 5, 7.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kubectl_asm.engine import access
from kubectl_asm.engine.expand import child_name, expand_offline, is_owned, selects
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done, Outcome, Retry
from kubectl_asm.engine.scope import expands_cluster_external_secrets, in_scope, is_watched
from kubectl_asm.model.durations import DurationError, parse_duration
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, Namespace
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, FailedNamespace

Existing = Mapping[tuple[str, str], ExternalSecret]
"""ExternalSecrets of the cluster by (namespace, name)."""


class Step(enum.StrEnum):
    """What a pass does."""

    EXPAND = "expand"
    CLEANUP = "cleanup"
    ABORT = "abort"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Removal:
    """An ExternalSecret to delete. after_apply: only when the child of its namespace was applied in this pass (a rename)."""

    external: ExternalSecret
    reason: str
    after_apply: bool = False


@dataclass(frozen=True, slots=True)
class ExpansionPlan:
    """What one pass wants. kept: ledger namespaces outside the scope, which this pass neither applies to nor deletes from.

    blocks_on_failure: whether a failed delete of a cleanup keeps the finalizer. notice: for Ready, when nothing failed.
    """

    parent: ClusterExternalSecret
    step: Step
    outcome: Outcome
    applies: tuple[ExternalSecret, ...] = ()
    removals: tuple[Removal, ...] = ()
    failed: tuple[FailedNamespace, ...] = ()
    kept: tuple[str, ...] = ()
    add_finalizer: bool = False
    remove_finalizer: bool = False
    blocks_on_failure: bool = True
    notice: str = ""


def begin(parent: ClusterExternalSecret, settings: Settings) -> Step:
    """Return how a pass goes on, before anything else is read."""
    if not expands_cluster_external_secrets(settings):
        return Step.IGNORED
    if not parent.metadata.is_deleting:
        return Step.EXPAND
    return Step.CLEANUP if FINALIZER in parent.metadata.finalizers and settings.process_deletions else Step.IGNORED


def ignored(parent: ClusterExternalSecret) -> ExpansionPlan:
    """Return the Plan of a pass that does nothing."""
    return ExpansionPlan(parent, Step.IGNORED, Done(None))


def aborted(parent: ClusterExternalSecret, reason: str) -> ExpansionPlan:
    """Return the Plan of a pass that could not read the cluster, or the object itself: children and ledger stay."""
    return ExpansionPlan(parent, Step.ABORT, Retry(reason), failed=(FailedNamespace("", reason),))


def plan_expansion(
    parent: ClusterExternalSecret,
    namespaces: Sequence[Namespace],
    existing: Existing,
    references: References,
    settings: Settings,
) -> ExpansionPlan:
    """Return the Plan of a pass over a living ClusterExternalSecret."""
    try:
        outcome = _next_pass(parent, settings)
    except DurationError as error:
        return aborted(parent, f"spec.rotationInterval: {error}")
    expansion = expand_offline(parent, namespaces, references, settings)
    wanted = {child.external.namespace: child.external for child in expansion.children}
    taken = {name: reason for name, child in wanted.items() if (reason := _taken(parent, child, existing, settings))}
    failed = (*expansion.failed, *(FailedNamespace(name, reason) for name, reason in taken.items()))
    kept = tuple(_out_of_reach(parent, namespaces, settings))
    untouched = {*kept, *expansion.terminating}
    plan = ExpansionPlan(
        parent,
        Step.EXPAND,
        outcome,
        applies=tuple(child for name, child in wanted.items() if name not in taken),
        removals=tuple(_removals(parent, wanted.keys(), untouched, existing, settings)),
        failed=failed,
        kept=kept,
        add_finalizer=settings.manage_finalizers and FINALIZER not in parent.metadata.finalizers,
    )
    return _nothing_matches(plan, namespaces, settings) if expansion.matches_nothing else plan


def _next_pass(parent: ClusterExternalSecret, settings: Settings) -> Done:
    text = parent.spec.rotation_interval
    interval = parse_duration(text) if text else settings.polling_interval
    return Done(None if settings.disable_polling else interval)


def _taken(parent: ClusterExternalSecret, child: ExternalSecret, existing: Existing, settings: Settings) -> str:
    """Return why an ExternalSecret of the child's name may not be taken over, empty when it may or there is none."""
    current = existing.get((child.namespace, child.name))
    if current is None or is_owned(current, parent):
        return ""
    owner = current.metadata.controller
    if owner is not None:
        return f"{current.ref} is controlled by {owner.kind} {owner.name}"
    return f"{current.ref} exists and is not a child (--ces-adopt=owned-only)" if settings.ces_adopt == "owned-only" else ""


def _out_of_reach(parent: ClusterExternalSecret, namespaces: Sequence[Namespace], settings: Settings) -> Iterator[str]:
    """Yield the ledger namespaces that the scope hides: unwatched ones, and excluded ones that are still selected.

    A child in an unwatched namespace could be deleted, but nobody would finish its deletion.
    """
    selected = {item.name for item in namespaces if selects(parent, item, settings)}
    for name in parent.status.provisioned_namespaces:
        if not is_watched(name, settings) or (name in selected and not in_scope(name, settings)):
            yield name


def _removals(
    parent: ClusterExternalSecret, wanted: Collection[str], untouched: Collection[str], existing: Existing, settings: Settings
) -> Iterator[Removal]:
    """Yield the children of the ledger that must go: their namespace no longer has one, or they were renamed."""
    name, former = child_name(parent), _former_name(parent, settings)
    for namespace in dict.fromkeys(parent.status.provisioned_namespaces):
        if namespace in untouched:
            continue
        if namespace in wanted:
            names, reason = {former} - {name}, f"the children are called {name} now"
        else:
            names, reason = {name, former}, "its namespace is no longer selected, or refused by a store"
        for one in sorted(names):
            child = existing.get((namespace, one))
            if child is not None and (settings.ces_delete_by_name or is_owned(child, parent)):
                yield Removal(child, reason, after_apply=namespace in wanted)


def _former_name(parent: ClusterExternalSecret, settings: Settings) -> str:
    """Return the name that the children had when the status was written; upstream never looks at it."""
    return child_name(parent) if settings.ces_delete_by_name else parent.status.external_secret_name or child_name(parent)


def _nothing_matches(plan: ExpansionPlan, namespaces: Sequence[Namespace], settings: Settings) -> ExpansionPlan:
    text = "no namespace matches"
    if not settings.ces_verbose_failures:
        return replace(plan, failed=(FailedNamespace("", text),), notice=text)
    spec = plan.parent.spec
    if not spec.conditions and not spec.namespace_selectors:
        return replace(plan, failed=(FailedNamespace("", "the cluster has no namespaces"),))
    return replace(plan, failed=tuple(FailedNamespace(item.name, f"{text}: {_labels_text(item)}") for item in namespaces))


def _labels_text(namespace: Namespace) -> str:
    return "labels " + ", ".join(f"{key}={value}" for key, value in sorted(access.labels_of(namespace).items()))


def plan_cleanup(
    parent: ClusterExternalSecret, namespaces: Sequence[Namespace], existing: Existing, settings: Settings
) -> ExpansionPlan:
    """Return the Plan for a ClusterExternalSecret that is being deleted: every own child goes, then the finalizer.

    With ces_delete_by_name it is as upstream: the children's name in ledger and matching namespaces, failures only logged.
    """
    reason = f"{parent.ref} is being deleted"
    if settings.ces_delete_by_name:
        selected = [item.name for item in namespaces if selects(parent, item, settings)]
        places = dict.fromkeys((*parent.status.provisioned_namespaces, *selected))
        found = (existing.get((place, child_name(parent))) for place in places)
        children = [child for child in found if child is not None]
    else:
        children = [child for child in existing.values() if is_owned(child, parent)]
    return ExpansionPlan(
        parent,
        Step.CLEANUP,
        Done(None),
        removals=tuple(Removal(child, reason) for child in children),
        remove_finalizer=True,
        blocks_on_failure=not settings.ces_delete_by_name,
    )
