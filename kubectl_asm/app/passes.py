"""One pass over many ExternalSecrets: worker threads, duplicate targets, progress, Ctrl-C between objects.

Source: spec/operation.md 6 and 8, spec/cli.md 3 (sync).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from kubectl_asm.engine.decide import stopped
from kubectl_asm.engine.plan import WRITING, Decision, Plan, Retry
from kubectl_asm.model.externalsecret import ExternalSecret

Work = Callable[[ExternalSecret], Plan]


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """How one object came out. duration_s: seconds of its round."""

    plan: Plan
    duration_s: float = 0.0

    @property
    def is_fully_synced(self) -> bool:
        """Whether the target holds everything that was asked for (exit code 0 needs this of every object)."""
        if self.plan.is_partial and any(entry.status == "Failed" for entry in self.plan.data_status or ()):
            return False
        return self.plan.decision in WRITING or self.plan.decision in (Decision.CLEANUP, Decision.IGNORED)


@dataclass(frozen=True, slots=True)
class Pass:
    """Runs work on objects. concurrency: worker threads; 1 runs in the caller's thread, in order.

    monotonic: seconds. is_stopping: when true no further object is started; those not started are not in the result.
    """

    work: Work
    monotonic: Callable[[], float]
    concurrency: int = 1
    is_stopping: Callable[[], bool] = lambda: False

    def run(self, externals: Sequence[ExternalSecret], on_done: Callable[[ObjectResult], None]) -> list[ObjectResult]:
        """Return the results sorted by namespace and name; on_done is told as objects finish, in the calling thread."""
        clashing = clashing_targets(externals)
        results: list[ObjectResult] = []
        for result in self._results([external for external in externals if external.ref not in clashing]):
            results.append(result)
            on_done(result)
        for external in externals:
            if external.ref in clashing:
                results.append(ObjectResult(_clash(external, clashing[external.ref])))
                on_done(results[-1])
        return sorted(results, key=lambda result: (result.plan.external.namespace, result.plan.external.name))

    def _results(self, externals: Sequence[ExternalSecret]) -> Iterator[ObjectResult]:
        if self.concurrency <= 1:
            for external in externals:
                if self.is_stopping():
                    return
                yield self._timed(external)
            return
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="asm-round") as pool:
            futures: list[Future[ObjectResult | None]] = [pool.submit(self._unless_stopping, one) for one in externals]
            for future in as_completed(futures):
                if (result := future.result()) is not None:
                    yield result

    def _unless_stopping(self, external: ExternalSecret) -> ObjectResult | None:
        return None if self.is_stopping() else self._timed(external)

    def _timed(self, external: ExternalSecret) -> ObjectResult:
        start = self.monotonic()
        return ObjectResult(self.work(external), self.monotonic() - start)


def clashing_targets(externals: Sequence[ExternalSecret]) -> dict[object, str]:
    """Return ref to target name for every object that shares its target with another of the same pass."""
    targets = Counter((external.namespace, external.target_name) for external in externals if not external.metadata.is_deleting)
    return {
        external.ref: external.target_name
        for external in externals
        if targets[(external.namespace, external.target_name)] > 1 and not external.metadata.is_deleting
    }


def _clash(external: ExternalSecret, target: str) -> Plan:
    reason = (
        f"another ExternalSecret of this pass writes the same Secret {external.namespace}/{target}; change target.name of one"
    )
    return replace(stopped(external, Decision.ABORT, Retry(reason)), reason=reason)
