"""Since which release a kind, field or value is known.

Source: spec/lint.md section 5; spec/versions.md section 1; spec/api.md ("Since" columns).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import Place
from kubectl_asm.rules.context import EntryAt, Target, Version, target_of
from kubectl_asm.rules.stores import auths_of, store_of
from kubectl_asm.rules.subjects import Subject

_KINDS: Final[dict[str, Version]] = {
    "SecretStore": (0, 5, 0),
    "ClusterSecretStore": (0, 6, 0),
    "ClusterExternalSecret": (0, 6, 0),
}


class Need(msgspec.Struct, frozen=True):
    """One thing that needs a release. broken: releases [first, last] that accept and ignore it although they are newer."""

    path: Path
    what: str
    since: Version
    effect: str = "is not known"
    place: Place = Place.KEY
    hint: str = ""
    broken: tuple[Version, Version] | None = None
    is_whole_object: bool = False

    def applies(self, target: Version) -> bool:
        """Return whether a release lacks it."""
        return target < self.since or (self.broken is not None and self.broken[0] <= target <= self.broken[1])


def needs_of(subject: Subject) -> Iterator[Need]:
    """Yield everything in an object that some release lacks, the kind itself first."""
    if subject.kind in _KINDS:
        yield Need(("kind",), f"kind {subject.kind}", _KINDS[subject.kind], place=Place.VALUE, is_whole_object=True)
    if (target := target_of(subject)) is not None:
        yield from _target(target)
    yield from _store(subject)
    obj = subject.obj
    if isinstance(obj, ClusterExternalSecret):
        if obj.spec.conditions:
            hint = "it selects every namespace"
            yield Need(("spec", "conditions"), "conditions", (0, 6, 1), "is ignored", hint=hint)
        if obj.spec.rotation_interval:
            yield Need(("spec", "rotationInterval"), "rotationInterval", (0, 6, 0))


def _target(target: Target) -> Iterator[Need]:
    spec, base = target.external.spec, target.base
    if spec.provider == Provider.OOS:
        yield Need((*base, "provider"), "provider oos", (0, 5, 4), place=Place.VALUE)
    if spec.rotation_interval:
        yield Need((*base, "rotationInterval"), "rotationInterval", (0, 6, 0))
    if spec.data_process:
        yield Need((*base, "dataProcess"), "dataProcess", (0, 5, 0))
    if target.subject.has((*base, "target")):
        yield Need((*base, "target"), "target", (0, 6, 2))
    for at in target.entries():
        yield from _entry(at)


def _entry(at: EntryAt) -> Iterator[Need]:
    source, path = at.source, at.path
    if source.kms_endpoint.strip():
        hint = "releases 0.6.0 to 0.6.2 accept it and use the component's endpoint"
        yield Need((*path, "kmsEndpoint"), "kmsEndpoint", (0, 5, 12), "is ignored", hint=hint, broken=((0, 6, 0), (0, 6, 2)))
    if not at.is_extract and not source.name and not source.jmes_path and source.key:
        hint = "set name: the Secret key would be empty and the write refused"
        yield Need((*path, "key"), "an entry without name", (0, 6, 5), "is not written", hint=hint)
    ref = source.secret_store_ref
    if ref is None:
        return
    yield Need((*path, "secretStoreRef"), "secretStoreRef", (0, 5, 0))
    if ref.kind:
        yield Need((*path, "secretStoreRef", "kind"), "kind", (0, 6, 0))
    if not ref.namespace and ref.kind != CLUSTER_STORE_KIND:
        what = "secretStoreRef without namespace"
        yield Need((*path, "secretStoreRef"), what, (0, 6, 0), "is not usable", hint="set namespace")


def _store(subject: Subject) -> Iterator[Need]:
    if store_of(subject).oos is not None:
        yield Need(("spec", "OOS"), "OOS", (0, 5, 4))
    for at in auths_of(subject):
        if at.auth.service_account_ref is not None:
            yield Need((*at.path, "serviceAccountRef"), "serviceAccountRef", (0, 6, 0))
        if at.auth.oidc_token_file_path:
            yield Need((*at.path, "oidcTokenFilePath"), "oidcTokenFilePath", (0, 6, 0), "is ignored")
        for name, ref in (("accessKey", at.auth.access_key), ("accessKeySecret", at.auth.access_key_secret)):
            if ref is not None and not ref.namespace:
                yield Need((*at.path, name), f"{name} without namespace", (0, 6, 0), "is not usable", hint="set namespace")
