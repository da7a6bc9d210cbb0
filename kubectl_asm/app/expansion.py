"""One pass over a ClusterExternalSecret: read namespaces and children through the ports, run the Plan, write the status.

`render` and `diff` stop at the Plan; `sync` and `serve` run it. Takes no decision of its own.
Source: spec/cluster-resources.md 2, 4, 5; spec/operation.md 3.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from kubectl_asm.engine.expand import child_name
from kubectl_asm.engine.expand_plan import (
    Existing,
    ExpansionPlan,
    Removal,
    Step,
    aborted,
    begin,
    ignored,
    plan_cleanup,
    plan_expansion,
)
from kubectl_asm.engine.expand_status import next_status
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Outcome, Retry
from kubectl_asm.errors import ClusterError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, Namespace
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterExternalSecretStatus, FailedNamespace
from kubectl_asm.ports import ObjectReader, ObjectWriter

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Expanded:
    """How a pass came out. failed: with the refused writes. left: own children that a removal failed for, or skipped."""

    plan: ExpansionPlan
    outcome: Outcome
    provisioned: tuple[str, ...] = ()
    failed: tuple[FailedNamespace, ...] = ()
    left: tuple[Removal, ...] = ()


@dataclass(frozen=True, slots=True)
class Expansions:
    """Plans passes under one set of settings. references: shared by the objects of one pass."""

    reader: ObjectReader
    references: References
    settings: Settings

    def plan(self, parent: ClusterExternalSecret) -> ExpansionPlan:
        """Return the Plan of a pass. Writes nothing."""
        step = begin(parent, self.settings)
        if step is Step.IGNORED:
            return ignored(parent)
        try:
            namespaces = self.reader.list(Namespace)
            existing: Existing = {(item.namespace, item.name): item for item in self.reader.list(ExternalSecret)}
        except ClusterError as error:
            return aborted(parent, error.message)
        if step is Step.CLEANUP:
            return plan_cleanup(parent, namespaces, existing, self.settings)
        return plan_expansion(parent, namespaces, existing, self.references, self.settings)


@dataclass(slots=True)
class _Progress:
    """What has been done so far in a pass."""

    provisioned: list[str]
    failed: list[FailedNamespace]
    left: list[Removal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ExpansionExecutor:
    """Performs Plans. prunes: whether a removal is carried out; keeps_books: whether status and finalizers may be written."""

    reader: ObjectReader
    writer: ObjectWriter
    settings: Settings
    now: Callable[[], datetime]
    prunes: Callable[[Removal], bool] = lambda _removal: True
    keeps_books: bool = True

    def run(self, plan: ExpansionPlan) -> Expanded:
        """Perform a Plan and say how it came out."""
        if plan.step is Step.IGNORED:
            return Expanded(plan, plan.outcome)
        if plan.step is Step.CLEANUP:
            return self._clean_up(plan)
        if plan.step is Step.ABORT:
            return self._report(plan, _Progress([], list(plan.failed)))
        return self._expand(plan)

    def _expand(self, plan: ExpansionPlan) -> Expanded:
        if plan.add_finalizer and self.keeps_books:
            try:
                parent = self.writer.set_finalizers(plan.parent, (*plan.parent.metadata.finalizers, FINALIZER))
            except ClusterError as error:
                return self._report(aborted(plan.parent, error.message), _Progress([], [FailedNamespace("", error.message)]))
            plan = replace(plan, parent=parent)
        progress = _Progress(list(plan.kept), list(plan.failed))
        for child in plan.applies:
            self._apply(child, progress)
        for removal in plan.removals:
            if not removal.after_apply or removal.external.namespace in progress.provisioned:
                self._remove(removal, progress)
            else:
                progress.left.append(removal)
        return self._report(plan, progress)

    def _apply(self, child: ExternalSecret, progress: _Progress) -> None:
        """Apply a child and, where the whole spec is ours, take out what others left in it."""
        try:
            applied = self.writer.apply(child, force=True)
            if self.settings.ces_replace_leftovers and applied.spec != child.spec:
                self.writer.update(msgspec.structs.replace(applied, spec=child.spec))
        except ClusterError as error:
            progress.failed.append(FailedNamespace(child.namespace, error.message))
        else:
            progress.provisioned.append(child.namespace)

    def _remove(self, removal: Removal, progress: _Progress) -> None:
        if not self.prunes(removal):
            progress.left.append(removal)
            return
        try:
            self.writer.delete(removal.external)
        except NotFoundError:
            pass
        except ClusterError as error:
            _LOG.warning("%s was not deleted: %s", removal.external.ref, error.message)
            progress.left.append(removal)
            progress.problems.append(f"{removal.external.ref}: {error.message}")

    def _clean_up(self, plan: ExpansionPlan) -> Expanded:
        """Delete the children of a deleted object, then release it."""
        progress = _Progress([], [])
        for removal in plan.removals:
            self._remove(removal, progress)
        if progress.left and plan.blocks_on_failure:
            text = "; ".join(progress.problems) or "some children were not to be deleted"
            return Expanded(plan, Retry(text), left=tuple(progress.left))
        rest = tuple(name for name in plan.parent.metadata.finalizers if name != FINALIZER)
        try:
            self.writer.set_finalizers(plan.parent, rest)
        except NotFoundError:
            pass
        except ClusterError as error:
            return Expanded(plan, Retry(error.message), left=tuple(progress.left))
        return Expanded(plan, plan.outcome, left=tuple(progress.left))

    def _report(self, plan: ExpansionPlan, progress: _Progress) -> Expanded:
        """Write the status if it says something new; a failure to do so is logged and changes nothing."""
        provisioned, failed = self._ledger(plan, progress), tuple(progress.failed)
        is_renamed = all(removal.external.name == child_name(plan.parent) for removal in progress.left)
        status = next_status(plan, provisioned, failed, self.settings, self.now(), is_renamed=is_renamed)
        if status is not None and self.keeps_books:
            self._write_status(plan.parent, status)
        return Expanded(plan, plan.outcome, provisioned, failed, tuple(progress.left))

    def _ledger(self, plan: ExpansionPlan, progress: _Progress) -> tuple[str, ...]:
        """Return the namespaces of the ledger, sorted. What was not to be pruned stays in it; what failed to go does not."""
        if plan.step is Step.ABORT:
            return plan.parent.status.provisioned_namespaces
        unpruned = {item.external.namespace for item in progress.left if not self.prunes(item)}
        return tuple(sorted({*progress.provisioned, *unpruned}))

    def _write_status(self, parent: ClusterExternalSecret, status: ClusterExternalSecretStatus) -> None:
        try:
            self.writer.set_status(parent, status)
        except ClusterError as error:
            _LOG.warning("status of %s was not written: %s", parent.ref, error.message)
