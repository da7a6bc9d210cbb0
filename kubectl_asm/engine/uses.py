"""What an object refers to by name: the edges along which a change travels. Pure.

`serve` indexes these, so that a change wakes exactly the objects it concerns; whether it matters is decided in triggers.py.
Source: spec/controller.md 4, spec/auth.md 4, spec/templates.md 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.engine.admit import entries_of
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, STORE_KIND, ExternalSecret, ExternalSecretSpec
from kubectl_asm.model.objects import ConfigMap, KubeObject, Namespace, ObjectRef, Secret, ServiceAccount
from kubectl_asm.model.stores import Auth, ClusterExternalSecret, ClusterSecretStore, SecretStore


def uses_of(obj: KubeObject) -> frozenset[ObjectRef]:
    """Return what an object of one of our kinds depends on; empty for every other kind."""
    if isinstance(obj, ExternalSecret):
        return frozenset(_of_external(obj))
    if isinstance(obj, SecretStore | ClusterSecretStore):
        return frozenset(_of_store(obj))
    if isinstance(obj, ClusterExternalSecret):
        return frozenset(_cluster_stores(obj.spec.external_secret_spec))
    return frozenset()


def target_of(external: ExternalSecret) -> ObjectRef:
    """Return the Secret an ExternalSecret writes."""
    return ObjectRef(Secret.RESOURCE.kind, external.namespace, external.target_name)


def _of_external(external: ExternalSecret) -> Iterator[ObjectRef]:
    yield ObjectRef(Namespace.RESOURCE.kind, "", external.namespace)
    for entry in entries_of(external):
        ref = entry.source.secret_store_ref
        if ref is None or not ref.name:
            continue
        if ref.kind == CLUSTER_STORE_KIND:
            yield ObjectRef(CLUSTER_STORE_KIND, "", ref.name)
        else:
            yield ObjectRef(STORE_KIND, ref.namespace or external.namespace, ref.name)
    if external.template is None:
        return
    for element in external.template.template_from:
        if element.config_map is not None:
            yield ObjectRef(ConfigMap.RESOURCE.kind, external.namespace, element.config_map.name)
        elif element.secret is not None:
            yield ObjectRef(Secret.RESOURCE.kind, external.namespace, element.secret.name)


def _of_store(store: SecretStore | ClusterSecretStore) -> Iterator[ObjectRef]:
    for auth in _auths(store):
        for key in (auth.access_key, auth.access_key_secret):
            if key is not None and key.name and (namespace := key.namespace or store.namespace):
                yield ObjectRef(Secret.RESOURCE.kind, namespace, key.name)
        account = auth.service_account_ref
        if account is not None and account.name and (namespace := account.namespace or store.namespace):
            yield ObjectRef(ServiceAccount.RESOURCE.kind, namespace, account.name)


def _auths(store: SecretStore | ClusterSecretStore) -> Iterator[Auth]:
    for section in (store.spec.kms, store.spec.oos):
        if section is not None and section.auth is not None:
            yield section.auth


def _cluster_stores(spec: ExternalSecretSpec) -> Iterator[ObjectRef]:
    sources = (*spec.data, *(process.extract for process in spec.data_process if process.extract is not None))
    for source in sources:
        ref = source.secret_store_ref
        if ref is not None and ref.kind == CLUSTER_STORE_KIND and ref.name:
            yield ObjectRef(CLUSTER_STORE_KIND, "", ref.name)
