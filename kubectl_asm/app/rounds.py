"""One reconcile round: ask the engine, read what it needs through the ports, hand the Plan on.

`render` and `diff` stop at the Plan; `sync` and `serve` run it. The only difference between commands is which ports
stand here and who consumes the Plan.
Source: spec/operation.md 7, spec/writes-and-failures.md 2 and 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kubectl_asm.app.execute import Executor
from kubectl_asm.engine.admit import Admitter, EntryAdmission
from kubectl_asm.engine.decide import ROUND_DROPPED_DELAY, Inputs, decide, stopped
from kubectl_asm.engine.lookups import Failed, Found, References, look
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.engine.plan import Decision, Done, Plan, Retry, RetryAfter, Synthetic
from kubectl_asm.engine.prelude import DELETING_TEXT, Cleanup, Proceed, begin
from kubectl_asm.engine.template import TemplateSources
from kubectl_asm.errors import ClusterError, ConflictError
from kubectl_asm.gotemplate import Environment
from kubectl_asm.model.backend import SecretOutcome, ShutdownError, StaleClientError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import BucketExhaustedError, ObjectReader, RoundBucket, SecretSource

_CONFLICT_ATTEMPTS = 2


def _never_stale(_name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class RoundPorts:
    """What a round reads from. reader: uncached, for targets; references: shared by all rounds of a pass.

    environment: upstream's variables of the environment client. is_stale: whether a store client of that name is being
    rebuilt. template_environment: a fresh one for every template, at the round's instant.
    """

    reader: ObjectReader
    references: References
    source: SecretSource
    bucket: RoundBucket
    now: Callable[[], datetime]
    template_environment: Callable[[datetime], Environment]
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)
    is_stale: Callable[[str], bool] = _never_stale


@dataclass(frozen=True, slots=True)
class Rounds:
    """Plans and runs rounds under one set of settings."""

    ports: RoundPorts
    settings: Settings
    profile_is_decided: bool = True
    adopt: bool = True

    def admit(self, external: ExternalSecret) -> tuple[EntryAdmission, ...] | Plan:
        """Return the admission of every entry without calling any service, or the Plan that ends the round first."""
        start = begin(external, self.ports.references, self.settings)
        if isinstance(start, Plan):
            return start
        if isinstance(start, Cleanup):
            return self._plan_cleanup(external)
        return self._admitter.admit(external, start.provider)

    def plan(self, external: ExternalSecret) -> Plan:
        """Return the Plan of a round. Reads the backend; writes nothing."""
        start = begin(external, self.ports.references, self.settings)
        if isinstance(start, Plan):
            return start
        if isinstance(start, Cleanup):
            return self._plan_cleanup(external)
        return replace(self._plan_data(external, start), add_finalizer=start.add_finalizer)

    def run(self, external: ExternalSecret, executor: Executor) -> Plan:
        """Run a round and return the Plan as it came out, failed writes included."""
        start = begin(external, self.ports.references, self.settings)
        if isinstance(start, Plan):
            return executor.report(start, self.ports.now())
        if isinstance(start, Cleanup):
            return self._run_cleanup(external, executor)
        if start.add_finalizer:
            outcome = executor.add_finalizer(external)
            if isinstance(outcome, ClusterError):
                entry = Synthetic("finalizer", outcome.message)
                failed = stopped(external, Decision.ABORT, Retry(entry.reason), entry)
                return executor.report(failed, self.ports.now())
            external = outcome
        return self._run_data(external, start, executor)

    @property
    def _admitter(self) -> Admitter:
        return Admitter(self.ports.references, self.settings, self.ports.environment)

    def _run_data(self, external: ExternalSecret, start: Proceed, executor: Executor) -> Plan:
        for attempt in range(1, _CONFLICT_ATTEMPTS + 1):
            plan = self._plan_data(external, start)
            try:
                done = executor.write(plan, adopt=self.adopt)
            except ConflictError as error:
                if attempt == _CONFLICT_ATTEMPTS:
                    return executor.report(executor.refused(plan, error), self.ports.now())
                continue  # somebody wrote the Secret meanwhile: one complete new decision
            return executor.report(done, self.ports.now())
        raise AssertionError("the loop returns")

    def _plan_data(self, external: ExternalSecret, start: Proceed) -> Plan:
        try:
            self.ports.bucket.take(start.provider)
        except BucketExhaustedError as error:
            entry = Synthetic("rate_limit", str(error) or "no rate-limit token within five minutes")
            return stopped(external, Decision.ABORT, Retry(entry.reason), entry)
        except ShutdownError:
            return stopped(external, Decision.ABORT, Done(None))
        admissions = self._admitter.admit(external, start.provider)
        if any(self.ports.is_stale(admission.client_name) for admission in admissions):
            return stopped(external, Decision.ABORT, RetryAfter(ROUND_DROPPED_DELAY))
        try:
            outcomes = self._fetch(admissions)
        except StaleClientError:
            return stopped(external, Decision.ABORT, RetryAfter(ROUND_DROPPED_DELAY))
        except ShutdownError:
            return stopped(external, Decision.ABORT, Done(None))
        now = self.ports.now()
        inputs = Inputs(
            external,
            start.provider,
            self.settings,
            admissions,
            outcomes,
            look(self.ports.reader, Secret, external.namespace, external.target_name),
            self._template_sources(external),
            self.profile_is_decided,
            self.adopt,
        )
        return decide(inputs, lambda: self.ports.template_environment(now))

    def _fetch(self, admissions: tuple[EntryAdmission, ...]) -> tuple[SecretOutcome | None, ...]:
        """Fetch every entry that was admitted, in order; None stands for the others."""
        reads = [admission.read for admission in admissions if admission.read is not None]
        fetched = iter(self.ports.source.fetch_many(reads))
        return tuple(next(fetched) if admission.read is not None else None for admission in admissions)

    def _template_sources(self, external: ExternalSecret) -> TemplateSources:
        template = external.template
        if template is None:
            return TemplateSources()
        references, namespace = self.ports.references, external.namespace
        maps = {element.config_map.name for element in template.template_from if element.config_map is not None}
        secrets = {
            element.secret.name for element in template.template_from if element.config_map is None and element.secret is not None
        }
        return TemplateSources(
            {name: references.config_map(namespace, name) for name in sorted(maps)},
            {name: references.secret(namespace, name) for name in sorted(secrets)},
        )

    def _plan_cleanup(self, external: ExternalSecret) -> Plan:
        found = look(self.ports.reader, Secret, external.namespace, external.target_name)
        if isinstance(found, Failed):
            return stopped(external, Decision.ABORT, Retry(found.error.message), Synthetic("operation", DELETING_TEXT))
        target = found.obj if isinstance(found, Found) else None
        is_foreign = refuse_takeover(external, target, adopt=True) is not None
        return Plan(
            external,
            Decision.CLEANUP,
            Done(None),
            delete=None if is_foreign else target,  # what no round may write, no clean-up may delete
            remove_finalizer=True,
            synthetic=(Synthetic("operation", DELETING_TEXT),),
            reason=DELETING_TEXT,
        )

    def _run_cleanup(self, external: ExternalSecret, executor: Executor) -> Plan:
        plan = executor.report(self._plan_cleanup(external), self.ports.now())
        return executor.clean_up(plan) if plan.decision is Decision.CLEANUP else plan
