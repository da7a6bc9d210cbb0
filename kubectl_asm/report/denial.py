"""Failed reads for people: what to do about them, and which entry of which manifest asked. Source: spec/cli.md 3 (sync)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from kubectl_asm.engine.plan import EntryReport, Plan
from kubectl_asm.model.objects import ObjectRef

MOST: Final = 10


def failure_hints(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield one line a different remedy, with the first place that needs it and how many more there are."""
    places: dict[str, list[str]] = {}
    for plan in plans:
        for report in plan.entries:
            if report.failed and report.hint:
                places.setdefault(report.hint, []).append(place_of(plan.external.ref, report))
    for hint, where in list(places.items())[:MOST]:
        more = f" (and {len(where) - 1} more)" if len(where) > 1 else ""
        yield f"hint: {where[0]}{more}: {hint}"


def place_of(ref: ObjectRef, report: EntryReport) -> str:
    """Return which entry made a call, and through which store."""
    entry, plan = report.admission.entry, report.admission.plan
    store = f" through {plan.store[0]} {plan.store[1]}" if plan is not None and plan.store else ""
    return f"{ref} {entry} (key {entry.source.key}){store}"
