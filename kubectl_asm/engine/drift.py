"""What a Plan changes, key by key, without values: what `diff` prints and `sync` summarises. Pure.

Nothing here depends on a value beyond equality, so equal-shaped input gives equal-shaped output.
Source: spec/cli.md 3 (diff).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from kubectl_asm.engine.plan import Decision, Plan
from kubectl_asm.model.objects import Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes


class Change(enum.StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


class KeyChange(enum.StrEnum):
    """What happens to a key of data or metadata."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Drift:
    """The difference of one target. keys: by Secret key; metadata: by label or annotation path."""

    change: Change
    keys: tuple[tuple[str, KeyChange], ...] = ()
    metadata: tuple[tuple[str, KeyChange], ...] = ()


_CHANGES = {Decision.CREATE: Change.CREATE, Decision.UPDATE: Change.UPDATE}


def drift_of(plan: Plan) -> Drift:
    """Return what the Plan changes; a Plan that writes nothing changes nothing."""
    if plan.delete is not None:
        return Drift(Change.DELETE, tuple((key, KeyChange.REMOVE) for key in sorted(plan.delete.data)))
    if plan.secret is None or plan.decision not in _CHANGES:
        return Drift(Change.NONE)
    return compare(plan.current, plan.secret)


def compare(old: Secret | None, new: Secret | None) -> Drift:
    """Return the difference between two states of one Secret."""
    if old is None and new is None:
        return Drift(Change.NONE)
    keys = _key_changes(old.data if old else {}, new.data if new else {})
    metadata = (
        *_key_changes(_meta(old, "labels"), _meta(new, "labels"), "labels."),
        *_key_changes(_meta(old, "annotations"), _meta(new, "annotations"), "annotations."),
    )
    changed = [(name, change) for name, change in metadata if change is not KeyChange.SAME]
    if old is None:
        return Drift(Change.CREATE, keys, tuple(changed))
    if new is None:
        return Drift(Change.DELETE, keys, tuple(changed))
    is_same = not changed and all(change is KeyChange.SAME for _, change in keys)
    return Drift(Change.NONE if is_same else Change.UPDATE, keys, tuple(changed))


def _meta(secret: Secret | None, name: str) -> Mapping[str, str]:
    meta = secret.metadata if secret is not None else Meta()
    return meta.labels if name == "labels" else meta.annotations


def _key_changes(
    old: Mapping[str, SecretBytes] | Mapping[str, str], new: Mapping[str, SecretBytes] | Mapping[str, str], prefix: str = ""
) -> tuple[tuple[str, KeyChange], ...]:
    return tuple((prefix + key, _key_change(key, old, new)) for key in sorted({*old, *new}))


def _key_change(key: str, old: Mapping[str, object], new: Mapping[str, object]) -> KeyChange:
    if key not in old:
        return KeyChange.ADD
    if key not in new:
        return KeyChange.REMOVE
    return KeyChange.SAME if old[key] == new[key] else KeyChange.CHANGE
