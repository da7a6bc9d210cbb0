"""Failure injection and strict readings of a Plan, for `render`."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_asm.adapters.cloud.values import Content, Failure, Fixtures
from kubectl_asm.engine.plan import Plan
from kubectl_asm.engine.template_scan import scan_templates
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import Network
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings

_NETWORK_WORDS = {str(word): word for word in Network}


def with_failures(fixtures: Fixtures, specs: Sequence[str]) -> Fixtures:
    """Return fixtures in which the given backend keys fail. Spec: KEY=CODE, a service code, HTTP status or network word."""
    failing: dict[str, Failure] = {}
    for spec in specs:
        key, equals, word = spec.rpartition("=")
        if not equals or not key or not word:
            raise UsageError(f'--fail "{spec}" is not KEY=CODE', hint="for example --fail db=Forbidden.NoPermission or db=503")
        failing[key] = _failure(word)
    if not failing:
        return fixtures

    def overlaid(content: Content) -> Content:
        return Content({**content.kms, **failing}, {**content.oos, **failing})

    return Fixtures(overlaid(fixtures.common), {name: overlaid(content) for name, content in fixtures.stores.items()})


def _failure(word: str) -> Failure:
    if word in _NETWORK_WORDS:
        return Failure(network=_NETWORK_WORDS[word])
    if word.isdigit():
        return Failure(status=int(word))
    status = {"Forbidden.ResourceNotFound": 404, "Rejected.Throttling": 429, "InternalFailure": 500}.get(word)
    return Failure(word, status or (503 if word == "ServiceUnavailableTemporary" else 403 if "Forbidden" in word else 400))


def parent_of(external: ExternalSecret) -> dict[str, str] | None:
    """Return the ClusterExternalSecret a child came from, for output."""
    owner = external.metadata.controller
    return {"kind": owner.kind, "name": owner.name} if owner is not None else None


def missing_keys(plan: Plan, settings: Settings) -> list[str]:
    """Return what a strict reader would call missing: queries without result and template fields nobody produces."""
    notes = [f"{entry.admission.entry}: {note}" for entry in plan.entries for note in entry.notes if _is_missing(note)]
    fields = [str(note) for note in scan_templates(plan.external, settings) if note.is_missing_field]
    return [*notes, *fields]


def _is_missing(note: str) -> bool:
    return "skipped" in note or "raw value kept" in note
