"""Parts of stores and cluster resources with their paths: Auth objects, conditions, selectors.

Source: spec/api.md sections 4 to 6.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.stores import (
    Auth,
    ClusterExternalSecret,
    ClusterSecretStore,
    LabelSelector,
    NamespaceCondition,
    SecretStore,
    StoreSpec,
)
from kubectl_asm.rules.subjects import Subject


class AuthAt(msgspec.Struct, frozen=True):
    """One Auth object and its path. section: KMS or OOS."""

    auth: Auth
    path: Path
    section: str


class ConditionAt(msgspec.Struct, frozen=True):
    """One condition and its path."""

    condition: NamespaceCondition
    path: Path


def store_of(subject: Subject) -> StoreSpec:
    """Return the spec of a store, an empty one for other kinds."""
    return subject.obj.spec if isinstance(subject.obj, SecretStore | ClusterSecretStore) else StoreSpec()


def auths_of(subject: Subject) -> Iterator[AuthAt]:
    """Yield the Auth objects of a store."""
    spec = store_of(subject)
    if spec.kms is not None and spec.kms.auth is not None:
        yield AuthAt(spec.kms.auth, ("spec", "KMS", "KMSAuth"), "KMS")
    if spec.oos is not None and spec.oos.auth is not None:
        yield AuthAt(spec.oos.auth, ("spec", "OOS", "OOSAuth"), "OOS")


def conditions_of(subject: Subject) -> Iterator[ConditionAt]:
    """Yield the conditions of a ClusterSecretStore or ClusterExternalSecret."""
    if isinstance(subject.obj, ClusterSecretStore | ClusterExternalSecret):
        for index, condition in enumerate(subject.obj.spec.conditions):
            yield ConditionAt(condition, ("spec", "conditions", index))


def selectors_of(subject: Subject) -> Iterator[tuple[Path, LabelSelector]]:
    """Yield every label selector of a cluster resource with its path."""
    for at in conditions_of(subject):
        if at.condition.namespace_selector is not None:
            yield (*at.path, "namespaceSelector"), at.condition.namespace_selector
    if isinstance(subject.obj, ClusterExternalSecret):
        for index, selector in enumerate(subject.obj.spec.namespace_selectors):
            if selector is not None:
                yield ("spec", "namespaceSelectors", index), selector
