"""Passes of commands over the selected objects."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_asm.app.passes import ObjectResult, Pass
from kubectl_asm.engine.plan import Plan
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.wiring.world import Session


def sorted_objects(externals: Sequence[ExternalSecret]) -> list[ExternalSecret]:
    """Return ExternalSecrets by namespace and name."""
    return sorted(externals, key=lambda external: (external.namespace, external.name))


def plan_pass(session: Session, concurrency: int) -> Pass:
    """Return a pass that only plans."""
    clock = session.world.clock
    return Pass(session.rounds.plan, clock.monotonic, concurrency, clock.is_shutting_down)


def sync_pass(session: Session, concurrency: int) -> Pass:
    """Return a pass that writes."""
    clock = session.world.clock
    return Pass(
        lambda external: session.rounds.run(external, session.executor), clock.monotonic, concurrency, clock.is_shutting_down
    )


def deletions(session: Session, chosen: Sequence[ExternalSecret]) -> list[Plan]:
    """Return the Plans of objects whose deletion this pass would handle."""
    deleting = [external for external in chosen if external.metadata.is_deleting]
    plans = [session.rounds.plan(external) for external in deleting]
    return [plan for plan in plans if plan.delete is not None]


def repeat_failed(session: Session, results: list[ObjectResult], longest_s: float, concurrency: int) -> list[ObjectResult]:
    """Repeat objects that did not fully sync, with growing pauses, until all did or the time is over."""
    clock = session.world.clock
    deadline = clock.monotonic() + longest_s
    pause = 2.0
    while True:
        failed = [result.plan.external for result in results if not result.is_fully_synced]
        if not failed or clock.monotonic() + pause > deadline or not clock.wait(pause):
            return results
        session.refresh()
        fresh = [session.reader.get(ExternalSecret, one.namespace, one.name) for one in failed]
        again = {result.plan.external.ref: result for result in sync_pass(session, concurrency).run(fresh, lambda _: None)}
        results = [again.get(result.plan.external.ref, result) for result in results]
        pause = min(pause * 2, 30.0)
