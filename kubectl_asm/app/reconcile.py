"""What the controller does with one object of each kind: the same rounds and passes that one-shot commands run.

Every round starts from a name, reads the object as the caches have it, and ends in an Outcome for the loop.
Source: spec/controller.md 4, spec/cluster-resources.md 5.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec

from kubectl_asm.app.expansion import Expanded, ExpansionExecutor, Expansions
from kubectl_asm.app.queue import Item, Priority
from kubectl_asm.app.rounds import Rounds
from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Decision, Done, Outcome, Plan, Retry
from kubectl_asm.engine.stores import AnyStore, StorePlan, plan_store
from kubectl_asm.errors import ClusterError, NotFoundError
from kubectl_asm.model.backend import BackendError, SecretOutcome, SecretRead
from kubectl_asm.model.durations import DurationError, parse_duration
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, TRIGGER_ANNOTATION, KubeObject, ObjectRef
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.ports import ObjectReader, ObjectWriter, SecretSource

Obj = TypeVar("Obj", bound=KubeObject)

_LOG = logging.getLogger(__name__)

_SHARED_AGE: Final = 0.9
"""A refresh takes values that another object read within this share of the interval; refreshes are never closer."""
_CHANGED_AGE_S: Final = 5.0
"""After a change values may be this old, in seconds: many objects edited at once still share their reads."""


class RoundObserver(Protocol):
    """Learns how rounds came out. Called from worker threads."""

    def round_done(self, plan: Plan, duration_s: float) -> None:
        """Take a finished round of an ExternalSecret."""

    def expansion_done(self, expanded: Expanded, duration_s: float) -> None:
        """Take a finished pass over a ClusterExternalSecret."""

    def store_done(self, plan: StorePlan, duration_s: float) -> None:
        """Take a finished pass over a store."""

    def gone(self, ref: ObjectRef) -> None:
        """Forget an object that does not exist any more."""


class AgeingSource(Protocol):
    """Values of the backend that may be shared for a while."""

    def within(self, age_s: float) -> SecretSource:
        """Return a source that may answer with values up to this old, in seconds."""


@dataclass(slots=True)
class _Listening:
    """A SecretSource that notices failures which cost no call. has_repeated: whether there was one."""

    source: SecretSource
    has_repeated: bool = False

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order."""
        outcomes = self.source.fetch_many(reads)
        self.has_repeated |= any(isinstance(outcome, BackendError) and outcome.repeated for outcome in outcomes)
        return outcomes


@dataclass(frozen=True, slots=True)
class ExternalSecretWork:
    """Runs rounds. consume: what becomes of a round: run it with an executor, or only report its Plan."""

    reader: ObjectReader
    rounds: Rounds
    values: AgeingSource
    consume: Callable[[Rounds, ExternalSecret], Plan]
    observer: RoundObserver
    monotonic: Callable[[], float]

    def __call__(self, item: Item) -> Outcome:
        """Run one round."""
        started_s = self.monotonic()
        external = _read(ExternalSecret, item.key, self.reader, self.observer)
        if isinstance(external, Done | Retry):
            return external
        age_s = _CHANGED_AGE_S if item.priority is Priority.CHANGE else _SHARED_AGE * self._interval_s(external)
        source = _Listening(self.values.within(age_s))
        plan = self.consume(self._rounds(source), external)
        self.observer.round_done(plan, self.monotonic() - started_s)
        return self._outcome(plan, is_asked=not source.has_repeated)

    def _rounds(self, source: SecretSource) -> Rounds:
        """Return rounds that read every reference afresh; the caches behind the reader make that cheap."""
        ports = self.rounds.ports
        return replace(self.rounds, ports=replace(ports, references=References(ports.references.reader), source=source))

    def _outcome(self, plan: Plan, *, is_asked: bool) -> Outcome:
        """Return when to come again. A round that was told a failure without a call must not wait a day to be really made."""
        outcome = plan.outcome
        if not isinstance(outcome, Done):
            return outcome
        if plan.decision is Decision.CLEANUP:
            return Done(None)
        polling = self.rounds.settings.polling_interval
        if is_asked or (outcome.again_after is not None and outcome.again_after <= polling):
            return outcome
        return Done(polling)

    def _interval_s(self, external: ExternalSecret) -> float:
        try:
            text = external.spec.rotation_interval
            interval = parse_duration(text) if text else self.rounds.settings.polling_interval
        except DurationError:
            return 0.0
        return interval.total_seconds()


@dataclass(frozen=True, slots=True)
class ClusterExternalSecretWork:
    """Runs passes over ClusterExternalSecrets. executor: None only plans."""

    reader: ObjectReader
    settings: Settings
    executor: ExpansionExecutor | None
    observer: RoundObserver
    monotonic: Callable[[], float]

    def __call__(self, item: Item) -> Outcome:
        """Run one pass."""
        started_s = self.monotonic()
        parent = _read(ClusterExternalSecret, item.key, self.reader, self.observer)
        if isinstance(parent, Done | Retry):
            return parent
        plan = Expansions(self.reader, References(self.reader), self.settings).plan(parent)
        done = self.executor.run(plan) if self.executor is not None else Expanded(plan, plan.outcome, failed=plan.failed)
        self.observer.expansion_done(done, self.monotonic() - started_s)
        return done.outcome


@dataclass(frozen=True, slots=True)
class StoreWork:
    """Runs passes over stores of one kind. writer: None only plans."""

    kind: type[Any]
    reader: ObjectReader
    writer: ObjectWriter | None
    settings: Settings
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    observer: RoundObserver
    monotonic: Callable[[], float]

    def __call__(self, item: Item) -> Outcome:
        """Run one pass."""
        started_s = self.monotonic()
        store = _read(self.kind, item.key, self.reader, self.observer)
        if isinstance(store, Done | Retry):
            return store
        admitter = Admitter(References(self.reader), self.settings, self.environment)
        plan = plan_store(store, admitter, self.now())
        if self.writer is not None:
            plan = _perform(plan, self.writer)
        self.observer.store_done(plan, self.monotonic() - started_s)
        return plan.outcome


def _read(kind: type[Obj], key: ObjectRef, reader: ObjectReader, observer: RoundObserver) -> Obj | Done | Retry:
    """Return the object of a name, or what becomes of work on one that is gone or cannot be read."""
    try:
        return reader.get(kind, key.namespace, key.name)
    except NotFoundError:
        observer.gone(key)
        return Done(None)
    except ClusterError as error:
        return Retry(error.message)


def _perform(plan: StorePlan, writer: ObjectWriter) -> StorePlan:
    """Write what a Plan says. The status comes last: it moves the version that the other writes name."""
    store = plan.store
    try:
        if plan.remove_finalizer:
            writer.set_finalizers(store, _without(store.metadata.finalizers))
            return plan
        if plan.add_finalizer:
            store = writer.set_finalizers(store, (*store.metadata.finalizers, FINALIZER))
        if plan.drop_trigger:
            store = _drop_trigger(store, writer)
        if plan.status is not None:
            writer.set_status(store, plan.status)
    except NotFoundError:
        return replace(plan, outcome=Done(None))
    except ClusterError as error:
        _LOG.warning("%s: %s", store.ref, error.message)
        return replace(plan, outcome=Retry(error.message))
    return plan


def _without(finalizers: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in finalizers if name != FINALIZER)


def _drop_trigger(store: AnyStore, writer: ObjectWriter) -> AnyStore:
    """Remove the annotation whose value was seen; the version precondition spares a newer one."""
    annotations = {key: value for key, value in store.metadata.annotations.items() if key != TRIGGER_ANNOTATION}
    updated: AnyStore = writer.update(_with_annotations(store, annotations))
    return updated


def _with_annotations(obj: KubeObject, annotations: Mapping[str, str]) -> Any:
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, annotations=dict(annotations)))
