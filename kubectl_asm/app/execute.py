"""Perform a Plan through the ObjectWriter port and say how it came out. Takes no decision of its own.

Source: spec/writes-and-failures.md 6 and 8, spec/status.md 4.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from kubectl_asm.app.conditions import ConditionBook
from kubectl_asm.engine.decide import not_ours, rejected, updated_secret
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.engine.plan import Decision, Plan, Retry
from kubectl_asm.engine.status import next_status, reports
from kubectl_asm.errors import AlreadyExistsError, ClusterError, ConflictError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus
from kubectl_asm.model.objects import FINALIZER, Secret
from kubectl_asm.ports import ObjectReader, ObjectWriter

_LOG = logging.getLogger(__name__)
_TERMINATING = ("unable to create new content in namespace", "because it is being terminated")


def _always(_external: ExternalSecret) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Executor:
    """Writes what Plans say. keeps_books: whether status and finalizers of an object may be written at all.

    conditions: who keeps those; None writes dataSyncResults only.
    """

    reader: ObjectReader
    writer: ObjectWriter
    keeps_books: Callable[[ExternalSecret], bool] = _always
    conditions: ConditionBook | None = None

    def add_finalizer(self, external: ExternalSecret) -> ExternalSecret | ClusterError:
        """Return the object with our finalizer, or the error that prevented it."""
        if not self.keeps_books(external):
            return external
        try:
            return self.writer.set_finalizers(external, (*external.metadata.finalizers, FINALIZER))
        except ClusterError as error:
            return error

    def write(self, plan: Plan, *, adopt: bool = True) -> Plan:
        """Create, update or delete the target. Raises ConflictError when it changed since it was read.

        adopt: whether a target that somebody created meanwhile may be taken over.
        """
        try:
            if plan.decision is Decision.CREATE and plan.secret is not None:
                return self._create(plan, plan.secret, adopt=adopt)
            if plan.decision is Decision.UPDATE and plan.secret is not None:
                self.writer.update(plan.secret)
            elif plan.delete is not None:
                self.writer.delete(plan.delete)
        except ConflictError:
            raise
        except NotFoundError as error:
            raise ConflictError(error.message, status=error.status) from None
        except ClusterError as error:
            return self.refused(plan, error)
        return plan

    def _create(self, plan: Plan, secret: Secret, *, adopt: bool) -> Plan:
        try:
            self.writer.create(secret)
        except AlreadyExistsError:
            return self._update_instead(plan, secret, adopt=adopt)
        except ClusterError as error:
            if all(part in error.message for part in _TERMINATING):
                return replace(plan, reason=f"namespace {secret.namespace} is being terminated: nothing was written")
            raise
        return plan

    def _update_instead(self, plan: Plan, secret: Secret, *, adopt: bool) -> Plan:
        """Somebody created the target first: overwrite its data, keep what else it holds."""
        current = self.reader.get(Secret, secret.namespace, secret.name)
        if refusal := refuse_takeover(plan.external, current, adopt=adopt):
            return not_ours(plan, refusal)
        merged = updated_secret(current, secret.data, secret.metadata.labels, secret.metadata.annotations)
        self.writer.update(merged)
        return replace(plan, decision=Decision.UPDATE, secret=merged, current=current)

    @staticmethod
    def refused(plan: Plan, error: ClusterError) -> Plan:
        """Return the Plan of a round whose write failed."""
        return rejected(plan, error.message)

    def report(self, plan: Plan, now: datetime) -> Plan:
        """Write the status if it changed; a failure to do so is logged and changes nothing."""
        external = plan.external
        if not self.keeps_books(external):
            return plan
        status = self._next_status(plan, now)
        if status is None:
            return plan
        try:
            self.writer.set_status(external, status)
        except ClusterError as error:
            _LOG.warning("status of %s was not written: %s", external.ref, error.message)
        else:
            if self.conditions is not None:
                self.conditions.written(external, status)
        return plan

    def _next_status(self, plan: Plan, now: datetime) -> ExternalSecretStatus | None:
        results = next_status(plan.external.status.data_sync_results, plan, now)
        if self.conditions is not None and reports(plan):
            return self.conditions.status(plan.external, results, plan, now)
        return None if results is None else ExternalSecretStatus(data_sync_results=results)

    def clean_up(self, plan: Plan) -> Plan:
        """Delete the target of a deleted object, then release it; any failure keeps the finalizer."""
        external = plan.external
        rest = tuple(name for name in external.metadata.finalizers if name != FINALIZER)
        try:
            if plan.delete is not None:
                self.writer.delete(plan.delete)
            # the status write above may have moved the resource version: release the object as it is now
            latest = self.reader.get(ExternalSecret, external.namespace, external.name)
            self.writer.set_finalizers(latest, rest)
        except NotFoundError:
            return plan
        except ClusterError as error:
            return replace(plan, outcome=Retry(error.message), reason=error.message)
        return plan
