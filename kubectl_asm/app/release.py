"""Lets objects go: takes our finalizer off, touches nothing else, and says of every object whether it worked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from kubectl_asm.engine.release import Release, release_of
from kubectl_asm.errors import ClusterError, ConflictError, NotFoundError
from kubectl_asm.ports import ObjectReader, ObjectWriter

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Released:
    """What became of one release. error: empty when the object is free."""

    release: Release
    error: str = ""


def release_all(releases: Sequence[Release], reader: ObjectReader, writer: ObjectWriter, *, concurrency: int) -> list[Released]:
    """Release every object, in the given order of the results. Raises nothing for an object that cannot be released."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        return list(pool.map(lambda one: _released(one, reader, writer), releases))


def _released(release: Release, reader: ObjectReader, writer: ObjectWriter) -> Released:
    now: Release | None = release
    try:
        for _ in range(_ATTEMPTS):
            if now is None or _took_off(now, writer):
                return Released(release)
            obj = now.obj
            now = release_of(reader.get(type(obj), obj.namespace, obj.name))
    except NotFoundError:
        return Released(release)
    except ClusterError as error:
        return Released(release, error.message)
    return Released(release, f"it changes too often: {_ATTEMPTS} attempts conflicted")


def _took_off(release: Release, writer: ObjectWriter) -> bool:
    """Return whether the finalizer is off; False when the object changed since it was read."""
    try:
        writer.set_finalizers(release.obj, release.finalizers)
    except ConflictError:
        return False
    return True
