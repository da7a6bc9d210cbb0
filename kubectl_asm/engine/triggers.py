"""Whether a change of an object can change anybody's outcome. Pure.

Statuses, labels and annotations of our own kinds move with every round and must wake nobody, or a controller would feed
itself. The exceptions are named here, one predicate a kind.
Source: spec/controller.md 4, spec/cluster-resources.md 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kubectl_asm.engine.expand import selects
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import (
    ROLE_ARN_ANNOTATION,
    TRIGGER_ANNOTATION,
    ConfigMap,
    KubeObject,
    Namespace,
    Secret,
    ServiceAccount,
)
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore


def matters(old: KubeObject | None, new: KubeObject | None) -> bool:
    """Return whether the change from old to new (None: absent) can matter to anybody."""
    if old is None or new is None:
        return (old or new) is not None
    if old.metadata.uid != new.metadata.uid:
        return True
    return _CHANGED.get(type(new), _content_changed)(old, new)


def selection_changed(parent: ClusterExternalSecret, old: Namespace | None, new: Namespace | None, settings: Settings) -> bool:
    """Return whether a change of a namespace concerns a ClusterExternalSecret: it selects it now, or did before."""
    return any(namespace is not None and selects(parent, namespace, settings) for namespace in (old, new))


def _spec_changed(old: Any, new: Any) -> bool:
    before, after = old.metadata, new.metadata
    is_touched = (before.generation, before.deletion_timestamp) != (after.generation, after.deletion_timestamp)
    return is_touched or bool(old.spec != new.spec)


def _store_changed(old: Any, new: Any) -> bool:
    """A trigger annotation that got a new value asks for a rebuild; one that was cleared asks for nothing."""
    trigger = new.metadata.annotations.get(TRIGGER_ANNOTATION, "")
    return _spec_changed(old, new) or (bool(trigger) and trigger != old.metadata.annotations.get(TRIGGER_ANNOTATION))


def _namespace_changed(old: Any, new: Any) -> bool:
    return bool((old.metadata.labels, old.is_terminating) != (new.metadata.labels, new.is_terminating))


def _role_changed(old: KubeObject, new: KubeObject) -> bool:
    return old.metadata.annotations.get(ROLE_ARN_ANNOTATION) != new.metadata.annotations.get(ROLE_ARN_ANNOTATION)


def _content_changed(old: KubeObject, new: KubeObject) -> bool:
    """Of Secrets and ConfigMaps only metadata is watched: any new version may be new content."""
    return old.metadata.resource_version != new.metadata.resource_version


_CHANGED: Final[Mapping[type[KubeObject], Callable[[Any, Any], bool]]] = {
    ExternalSecret: _spec_changed,
    ClusterExternalSecret: _spec_changed,
    SecretStore: _store_changed,
    ClusterSecretStore: _store_changed,
    Namespace: _namespace_changed,
    ServiceAccount: _role_changed,
    Secret: _content_changed,
    ConfigMap: _content_changed,
}
