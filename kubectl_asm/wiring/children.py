"""ClusterExternalSecrets in a one-shot pass: stamp or foresee their children before the pass over ExternalSecrets begins.

Source: spec/operation.md 3 (children that no longer match are listed, and deleted only with --prune) and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.expansion import ExpansionExecutor, Expansions
from kubectl_asm.engine.expand_plan import ExpansionPlan
from kubectl_asm.engine.lookups import References
from kubectl_asm.errors import ClusterError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.ports import ObjectReader
from kubectl_asm.wiring.clusters import Cluster


@dataclass(frozen=True, slots=True)
class ChildChoice:
    """What may happen to children. writes: stamp them, or only foresee them; prunes: delete those that no longer match."""

    writes: bool = False
    prunes: bool = False


@dataclass(slots=True)
class Stamped:
    """What came of it. foreseen: children that were not written; failures and notes: sentences for people."""

    foreseen: list[ExternalSecret] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def live_parents(reader: ObjectReader) -> Sequence[ClusterExternalSecret]:
    """Return the ClusterExternalSecrets of a cluster; none where the caller may not list them or the kind is not served."""
    try:
        return reader.list(ClusterExternalSecret)
    except ClusterError:
        return ()


def stamp(
    cluster: Cluster, references: ObjectReader, manifests: Manifests | None, settings: Settings, choice: ChildChoice
) -> Stamped:
    """Expand the ClusterExternalSecrets of the input, or of the cluster when there is no input."""
    parents = live_parents(cluster.reader) if manifests is None else tuple(manifests.of_kind(ClusterExternalSecret))
    stamped = Stamped()
    expansions = Expansions(cluster.reader, References(references), settings)
    executor = ExpansionExecutor(
        cluster.reader, cluster.writer, settings, utc_now, lambda _removal: choice.prunes, keeps_books=manifests is None
    )
    for parent in parents:
        plan = expansions.plan(parent)
        _tell(plan, choice, stamped)
        if not choice.writes:
            stamped.foreseen += plan.applies
            stamped.failures += [f"{parent.ref}: namespace {one.namespace}: {one.reason}" for one in plan.failed]
            continue
        done = executor.run(plan)
        stamped.failures += [f"{parent.ref}: namespace {one.namespace or '(any)'}: {one.reason}" for one in done.failed]
    return stamped


def _tell(plan: ExpansionPlan, choice: ChildChoice, stamped: Stamped) -> None:
    for removal in plan.removals:
        verb = "is deleted" if choice.prunes and choice.writes else "would be deleted with --prune"
        stamped.notes.append(f"{removal.external.ref} {verb}: {removal.reason}")
