"""An object of a manifest beside what the cluster holds: same spec, target, keys, owner. Names only, no value. Pure.

Source: spec/operation.md 4 (who may be taken over) and 6 (input of files beside a cluster).
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_asm.engine.forecast import KeySet
from kubectl_asm.engine.lookups import Failed, Found, Lookup
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Secret


@dataclass(frozen=True, slots=True)
class TargetState:
    """The target as it is. exists: None when it could not be read. owner: controller owner, managers: of the data.

    missing: expected keys that are not there; other: keys that nothing of the object produces for certain.
    refusal: why a one-shot sync would not write it without --adopt, empty when it would.
    """

    exists: bool | None
    type: str = ""
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    owner: str = ""
    managers: tuple[str, ...] = ()
    refusal: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LiveState:
    """What the cluster holds. exists, same_spec: of the ExternalSecret itself, None when it could not be read."""

    exists: bool | None
    same_spec: bool | None
    target: TargetState


def compare_live(external: ExternalSecret, live: Lookup[ExternalSecret], target: Lookup[Secret], keys: KeySet) -> LiveState:
    """Return the comparison. external: as given; keys: those its target is expected to have."""
    known = isinstance(live, Found)
    exists = None if isinstance(live, Failed) else known
    same = live.obj.spec == external.spec if isinstance(live, Found) else None
    judged = live.obj if isinstance(live, Found) else external
    return LiveState(exists, same, target_state(judged, target, keys))


def target_state(external: ExternalSecret, target: Lookup[Secret], keys: KeySet) -> TargetState:
    """Return the state of a target, by its key names."""
    if isinstance(target, Failed):
        return TargetState(None, problem=target.error.message)
    if not isinstance(target, Found):
        return TargetState(False, missing=keys.known)
    secret, expected = target.obj, set(keys.known)
    owner = secret.metadata.controller
    return TargetState(
        True,
        secret.type,
        present=tuple(sorted(expected & secret.data.keys())),
        missing=tuple(sorted(expected - secret.data.keys())),
        other=tuple(sorted(secret.data.keys() - expected)),
        owner=f"{owner.kind} {owner.name}" if owner is not None else "",
        managers=tuple(sorted({field.manager for field in secret.metadata.managed_fields if field.manager})),
        refusal=refuse_takeover(external, secret, adopt=False) or "",
    )
