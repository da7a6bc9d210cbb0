"""Which namespaces a ClusterExternalSecret stamps, whether it may, and the child it puts there. Pure.

`render` stops here (expand_offline); a reconcile pass continues in expand_plan with what exists in the cluster.
Source: spec/cluster-resources.md 1, 3, 4, 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from kubectl_asm.engine import access
from kubectl_asm.engine.lookups import Found, Missing, References
from kubectl_asm.engine.scope import in_scope
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, STORE_KIND, ExternalSecret, ExternalSecretSpec, SecretStoreRef
from kubectl_asm.model.objects import API_VERSION, KubeObject, Meta, Namespace, ObjectRef, OwnerReference
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, FailedNamespace, LabelSelector


class Child(msgspec.Struct, frozen=True):
    """One ExternalSecret as a ClusterExternalSecret wants it, and which one that is."""

    external: ExternalSecret
    parent: ObjectRef


class Expansion(msgspec.Struct, frozen=True):
    """Every selected namespace inside the scope is in children or failed, in the order of the given namespaces.

    terminating: those of failed that are being deleted, where nothing is touched at all.
    """

    children: tuple[Child, ...] = ()
    failed: tuple[FailedNamespace, ...] = ()
    terminating: frozenset[str] = frozenset()

    @property
    def matches_nothing(self) -> bool:
        """Whether no namespace is selected at all."""
        return not self.children and not self.failed


def expand_offline(
    parent: ClusterExternalSecret, namespaces: Iterable[Namespace], references: References, settings: Settings
) -> Expansion:
    """Return the children a ClusterExternalSecret has over these namespaces, and the namespaces it fails in."""
    children: list[Child] = []
    failed: list[FailedNamespace] = []
    chosen = [item for item in namespaces if in_scope(item.name, settings) and selects(parent, item, settings)]
    for namespace in chosen:
        if reason := refusal_in(parent, namespace, references, settings):
            failed.append(FailedNamespace(namespace.name, reason))
        else:
            children.append(Child(child_in(parent, namespace.name), parent.ref))
    return Expansion(tuple(children), tuple(failed), frozenset(item.name for item in chosen if item.is_terminating))


def child_name(parent: ClusterExternalSecret) -> str:
    """Return the name of every child."""
    return parent.spec.external_secret_name or parent.name


def child_in(parent: ClusterExternalSecret, namespace: str) -> ExternalSecret:
    """Return the child for a namespace: copied spec, exactly the given labels and annotations, a controller owner."""
    metadata = parent.spec.external_secret_metadata
    owner = OwnerReference(
        api_version=API_VERSION,
        kind=parent.RESOURCE.kind,
        name=parent.name,
        uid=parent.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )
    return ExternalSecret(
        metadata=Meta(
            name=child_name(parent),
            namespace=namespace,
            labels=dict(metadata.labels),
            annotations=dict(metadata.annotations),
            owner_references=(owner,),
        ),
        spec=parent.spec.external_secret_spec,
    )


def is_owned(child: KubeObject, parent: ClusterExternalSecret) -> bool:
    """Return whether this very ClusterExternalSecret, not one of the same name, is an object's controller owner."""
    owner = child.metadata.controller
    return owner is not None and bool(owner.uid) and owner.uid == parent.metadata.uid


# -- selection


def selects(parent: ClusterExternalSecret, namespace: Namespace, settings: Settings) -> bool:
    """Return whether a namespace is selected: by any selector, then by any condition; without both, always."""
    labels = access.labels_of(namespace)
    selectors, conditions = parent.spec.namespace_selectors, parent.spec.conditions
    verdict = _selector_verdict(selectors, labels, settings)
    if verdict is not None:
        return verdict
    if conditions:
        return access.match_conditions(conditions, namespace.name, labels, settings).allowed
    return not selectors or settings.ces_empty_conditions == "legacy"


def _selector_verdict(selectors: Iterable[LabelSelector | None], labels: Mapping[str, str], settings: Settings) -> bool | None:
    """Return what the selectors say: a hit, an invalid item that was reached (no), or nothing (None)."""
    for selector in selectors:
        try:
            if selector is not None and access.selector_matches(selector, labels):
                return True
        except access.InvalidConditionError:
            if settings.invalid_condition != "skip":
                return False
    return None


# -- access


def refusal_in(parent: ClusterExternalSecret, namespace: Namespace, references: References, settings: Settings) -> str:
    """Return why no child may be put into a namespace, empty when it may. The first refusal decides."""
    if namespace.is_terminating:
        return f"namespace {namespace.name} is terminating"
    reasons = (_ref_refusal(ref, namespace, references, settings) for ref in _store_refs(parent.spec.external_secret_spec))
    return next((reason for reason in reasons if reason), "")


def _store_refs(spec: ExternalSecretSpec) -> Iterator[SecretStoreRef]:
    sources = (*spec.data, *(process.extract for process in spec.data_process if process.extract is not None))
    for source in sources:
        if source.secret_store_ref is not None and source.secret_store_ref.name:
            yield source.secret_store_ref


def _ref_refusal(ref: SecretStoreRef, namespace: Namespace, references: References, settings: Settings) -> str:
    if ref.kind in ("", STORE_KIND):
        store_namespace = ref.namespace or namespace.name
        refusal = access.cross_namespace_store(namespace.name, store_namespace, ref.name, settings)
        return refusal.reason if refusal else ""
    if ref.kind != CLUSTER_STORE_KIND:
        return f'secretStoreRef.kind "{ref.kind[:64]}" is neither {STORE_KIND} nor {CLUSTER_STORE_KIND}'
    return _cluster_store_refusal(ref.name, namespace, references, settings)


def _cluster_store_refusal(name: str, namespace: Namespace, references: References, settings: Settings) -> str:
    found = references.cluster_secret_store(name)
    if isinstance(found, Missing):
        return f"{CLUSTER_STORE_KIND} {name} does not exist"
    if not isinstance(found, Found):
        return f"{CLUSTER_STORE_KIND} {name} cannot be read: {found.error.message}"
    refusal = access.store_admits(name, found.obj.spec.conditions, namespace.name, Found(namespace), settings)
    return refusal.reason if refusal else ""
