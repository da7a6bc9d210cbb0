"""Which objects hold our finalizer and what happens to them without it: every Secret stays. Pure.

Upstream and this program use one finalizer for all four kinds, so releasing serves the end of either.
Source: spec/operation.md 3; spec/api.md 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, KubeObject


@dataclass(frozen=True, slots=True)
class Release:
    """One object that is let go. finalizers: those of others, which stay."""

    obj: KubeObject
    finalizers: tuple[str, ...]

    @property
    def secret(self) -> str:
        """Name of the Secret that stays, empty for kinds that have none."""
        return self.obj.target_name if isinstance(self.obj, ExternalSecret) else ""

    @property
    def ends(self) -> bool:
        """Whether the object vanishes at once: its deletion waits for nothing else."""
        return self.obj.metadata.is_deleting and not self.finalizers


def release_of(obj: KubeObject) -> Release | None:
    """Return what letting an object go means, None when nothing holds it."""
    finalizers = obj.metadata.finalizers
    return Release(obj, tuple(name for name in finalizers if name != FINALIZER)) if FINALIZER in finalizers else None


def releases_of(objects: Iterable[KubeObject]) -> tuple[Release, ...]:
    """Return the releases of all objects that are held, by namespace, kind and name."""
    found = (release_of(obj) for obj in objects)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.obj.ref))
