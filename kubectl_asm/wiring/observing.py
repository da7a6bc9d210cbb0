"""What becomes of the outcome of a round: metrics, log lines and Events. Takes no decision of its own.

A line and an Event are written when something changed: the Secret, or what is wrong. Steady state is silent.
Source: spec/operation.md 10; docs/serve/status.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kubectl_asm.adapters.kube.events import NORMAL, WARNING, Event, EventSender
from kubectl_asm.adapters.logs import fields
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.app.expansion import Expanded
from kubectl_asm.engine.conditions import MEANINGS, reason_of
from kubectl_asm.engine.plan import WRITING, Decision, Plan, Retry
from kubectl_asm.engine.stores import StorePlan
from kubectl_asm.model.backend import without_request_ids
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import KubeObject, ObjectRef

_LOG = logging.getLogger(__name__)

_CHANGES: Final = {
    Decision.CREATE: ("Created", "created"),
    Decision.UPDATE: ("Updated", "updated"),
    Decision.DELETE: ("DeletedAfterFailure", "deleted"),
    Decision.CLEANUP: ("Deleted", "deleted"),
}
"""Reason of the Event, and the word of the log, for what a round did to the Secret."""
_SILENT: Final = ("Synced", "Deleting", "NotProcessed")
EVENTS: Final = {
    "Created": (NORMAL, "The Secret was created."),
    "Updated": (NORMAL, "The Secret was changed."),
    "Deleted": (NORMAL, "The Secret was deleted, because its ExternalSecret is being deleted."),
    **{reason: (WARNING, meaning) for reason, meaning in MEANINGS.items() if reason not in _SILENT},
    "ExpansionFailed": (WARNING, "A ClusterExternalSecret could not be written into every namespace it selects."),
    "StoreNotReady": (WARNING, "A store is incomplete, or something it refers to is missing."),
    "Recovered": (NORMAL, "What failed before works again."),
}
"""Every reason of an Event with its type and meaning, for the documentation and its test."""
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an object is, in the words of its last round. Empty reason: all is well."""

    reason: str = ""
    message: str = ""


@dataclass(slots=True)
class Reporter:
    """A RoundObserver. events: None sends none. is_current: whether an object still exists and is this replica's."""

    metrics: ControllerMetrics
    events: EventSender | None
    now: Callable[[], datetime]
    is_shadow: bool = False
    is_current: Callable[[ObjectRef], bool] = lambda _ref: True
    _verdicts: dict[ObjectRef, Verdict] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # -- RoundObserver

    def round_done(self, plan: Plan, duration_s: float) -> None:
        """Take a finished round of an ExternalSecret."""
        self.metrics.count("asm_rounds_total", plan.decision)
        self.metrics.time("asm_round_duration_seconds", duration_s)
        for entry in plan.entries:
            read = entry.admission.read
            if read is not None:
                self.metrics.count("asm_cloud_reads_total", read.client.provider)
        external = plan.external
        if plan.decision in (Decision.CLEANUP, Decision.IGNORED) or _is_cut_short(plan) or not self.is_current(external.ref):
            return
        is_ready = plan.decision in WRITING and not plan.is_partial
        self.metrics.object_done(external.namespace, external.name, is_ready=is_ready, at_s=self.now().timestamp())
        self._tell_change(plan, duration_s)
        self._tell_verdict(external, _verdict(plan))

    def expansion_done(self, expanded: Expanded, duration_s: float) -> None:
        """Take a finished pass over a ClusterExternalSecret."""
        parent = expanded.plan.parent
        failed = [f"{one.namespace or '(any)'}: {one.reason}" for one in expanded.failed]
        failed += [expanded.outcome.reason] if isinstance(expanded.outcome, Retry) else []
        self.metrics.count("asm_passes_total", parent.RESOURCE.kind, "error" if failed else "ok")
        _LOG.debug(
            "expanded", extra=fields(**_object(parent), namespaces=len(expanded.provisioned), seconds=round(duration_s, 3))
        )
        self._tell_verdict(parent, Verdict("ExpansionFailed", _listed(failed)) if failed else Verdict())

    def store_done(self, plan: StorePlan, duration_s: float) -> None:
        """Take a finished pass over a store."""
        self.metrics.count("asm_passes_total", plan.store.RESOURCE.kind, "error" if isinstance(plan.outcome, Retry) else "ok")
        _LOG.debug("store checked", extra=fields(**_object(plan.store), seconds=round(duration_s, 3)))
        refusal = plan.refusal
        self._tell_verdict(plan.store, Verdict() if refusal is None else Verdict("StoreNotReady", refusal.reason))

    def gone(self, ref: ObjectRef) -> None:
        """Forget an object that vanished, or that another replica works on now."""
        with self._lock:
            self._verdicts.pop(ref, None)
        if ref.kind == ExternalSecret.RESOURCE.kind:  # a store of the same name has no series
            self.metrics.object_gone(ref.namespace, ref.name)

    def lost(self, is_lost: Callable[[ObjectRef], bool]) -> None:
        """Forget objects that are another replica's now."""
        with self._lock:
            self._verdicts = {ref: verdict for ref, verdict in self._verdicts.items() if not is_lost(ref)}
        kind = ExternalSecret.RESOURCE.kind
        self.metrics.keep_objects(lambda namespace, name: not is_lost(ObjectRef(kind, namespace, name)))

    # -- words

    def _tell_change(self, plan: Plan, duration_s: float) -> None:
        if plan.decision not in _CHANGES:
            return
        reason, verb = _CHANGES[plan.decision]
        external = plan.external
        keys = len(plan.secret.data) if plan.secret is not None else 0
        told = fields(**_object(external), secret=external.target_name, keys=keys or "", seconds=round(duration_s, 3))
        if self.is_shadow:
            _LOG.info("the Secret would be %s", verb, extra=told)
            return
        _LOG.info("Secret %s", verb, extra=told)
        if plan.decision is Decision.DELETE:
            return  # what failed is the Event
        count = f" with {keys} key{'s' if keys != 1 else ''}" if keys else ""
        self._send(external, NORMAL, reason, f"Secret {external.namespace}/{external.target_name} {verb}{count}")

    def _tell_verdict(self, obj: KubeObject, verdict: Verdict) -> None:
        """Say what is wrong, or that it is not any more, when that is news."""
        with self._lock:
            before = self._verdicts.get(obj.ref, Verdict())
            if verdict.reason:
                self._verdicts[obj.ref] = verdict
            else:
                self._verdicts.pop(obj.ref, None)
        if verdict.reason:
            level = logging.DEBUG if _says_the_same(verdict, before) else logging.WARNING
            _LOG.log(level, verdict.message or verdict.reason, extra=fields(**_object(obj), reason=verdict.reason))
            self._send(obj, WARNING, verdict.reason, verdict.message or verdict.reason)
        elif before.reason:
            _LOG.info("works again", extra=fields(**_object(obj), after=before.reason))
            self._send(obj, NORMAL, "Recovered", f"what failed before works again ({before.reason})")

    def _send(self, obj: KubeObject, kind: str, reason: str, message: str) -> None:
        if self.events is not None:
            self.events.send(Event(obj, kind, reason, message))


def _verdict(plan: Plan) -> Verdict:
    if plan.decision in WRITING and not plan.is_partial:
        return Verdict()
    failed = [f"{entry.admission.entry.source.key}: {entry.error}" for entry in plan.entries if entry.failed]
    reasons = [plan.reason] if plan.reason else [entry.reason for entry in plan.synthetic]
    return Verdict(reason_of(plan), _listed([*reasons, *failed]))


def _says_the_same(one: Verdict, other: Verdict) -> bool:
    return (one.reason, without_request_ids(one.message)) == (other.reason, without_request_ids(other.message))


def _is_cut_short(plan: Plan) -> bool:
    """Whether the round ended without any result: its store was being rebuilt, or the process is shutting down."""
    return plan.decision is Decision.ABORT and not plan.synthetic


def _listed(texts: list[str]) -> str:
    distinct = list(dict.fromkeys(texts))
    more = f"; and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return "; ".join(distinct[:_NAMED]) + more


def _object(obj: KubeObject) -> dict[str, object]:
    return {"kind": obj.RESOURCE.kind, "namespace": obj.namespace, "name": obj.name}
