"""The rights of a controller that serves exactly given objects: of what any controller may do, what these need. Pure.

Verbs come from the table of a controller's rights, names from the reads and writes of a sync of the objects: a name stands
wherever RBAC can compare one, which is not the case for list, watch and create.
Source: spec/controller.md 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubectl_asm.engine.controller_rbac import CLUSTER, INSIDE, Rule, lease_role, with_account
from kubectl_asm.engine.policies_rbac import Reads, Right, role_manifests
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import GROUP, ConfigMap, Namespace, Resource, Secret, ServiceAccount
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore

_NAMELESS: Final = frozenset({"list", "watch", "create"})
_EVERY_ROUND: Final = (ExternalSecret.RESOURCE, SecretStore.RESOURCE, Secret.RESOURCE)
_ON_DEMAND: Final = (ConfigMap.RESOURCE, ServiceAccount.RESOURCE)
_OF_PARENTS: Final = frozenset({"create", "update", "delete"})
"""Verbs on ExternalSecrets that only children of a ClusterExternalSecret need."""

Names = Mapping[Resource, frozenset[tuple[str, str]]]
"""(namespace, name) of objects by kind."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a controller is for. given: the objects of the input. reads: what rounds of its ExternalSecrets read.

    children: ExternalSecrets that a ClusterExternalSecret makes.
    """

    given: Names
    reads: Reads
    children: frozenset[tuple[str, str]] = frozenset()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces to watch: those of its ExternalSecrets and SecretStores."""
        kinds = (ExternalSecret.RESOURCE, SecretStore.RESOURCE)
        return tuple(sorted({namespace for kind in kinds for namespace, _ in self.names(kind)}))

    def names(self, kind: Resource) -> frozenset[tuple[str, str]]:
        """Return the objects of a kind, as (namespace, name)."""
        return self.given.get(kind, frozenset())

    def cluster_stores(self) -> frozenset[str]:
        """Return the ClusterSecretStores of the input and those that are read."""
        kind = ClusterSecretStore.RESOURCE
        read = {name for resource, _, name in self.reads if resource == kind}
        return frozenset({*read, *(name for _, name in self.names(kind))})

    def flags(self) -> tuple[str, ...]:
        """Return the flags of serve that go with these rights."""
        stores = "" if self.cluster_stores() else "--process-cluster-secret-store=false"
        parents = "" if self.names(ClusterExternalSecret.RESOURCE) else "--process-cluster-external-secret=false"
        return tuple(flag for flag in (f"--watch-namespaces={','.join(self.namespaces)}", stores, parents) if flag)


def controller_rights(sync: Iterable[Right], served: Served) -> frozenset[Right]:
    """Return every right. sync: those of a sync that manages finalizers and processes deletions, objects from files."""
    rights = {*(right for right in sync if not _is_own_namespace(right, served)), *_watched(served), *_cluster_wide(served)}
    whole = {_without_name(right) for right in rights if not right.name}
    return frozenset(right for right in rights if not right.name or _without_name(right) not in whole)


def _is_own_namespace(right: Right, served: Served) -> bool:
    """Return whether a right to read a Namespace is one that the Role in it gives."""
    return not right.namespace and right.resource == Namespace.RESOURCE.plural and right.name in served.namespaces


def _without_name(right: Right) -> tuple[str, str, str, str]:
    return right.namespace, right.group, right.resource, right.verb


def _watched(served: Served) -> Iterator[Right]:
    """Yield what a controller does in every namespace it watches, whichever object it is about."""
    for namespace in served.namespaces:
        for group, resource, verb in _verbs(INSIDE):
            if resource == "namespaces":
                yield Right(namespace, group, resource, verb, namespace)
            elif resource == "events" or (verb in ("list", "watch") and _is_watched(resource, namespace, served)):
                yield Right(namespace, group, resource, verb)
            elif group == GROUP:
                yield from _of_own_kind(namespace, resource, verb, served)


def _is_watched(resource: str, namespace: str, served: Served) -> bool:
    on_demand = {kind.plural for kind, place, _ in served.reads if kind in _ON_DEMAND and place == namespace}
    return resource in {kind.plural for kind in _EVERY_ROUND} | on_demand


def _of_own_kind(namespace: str, resource: str, verb: str, served: Served) -> Iterator[Right]:
    """Yield the rights on the objects of the input in one namespace, by name."""
    kind = next(one for one in (ExternalSecret.RESOURCE, SecretStore.RESOURCE) if one.plural == resource.partition("/")[0])
    names = {name for place, name in served.names(kind) if place == namespace}
    if resource == ExternalSecret.RESOURCE.plural and verb in _OF_PARENTS:
        names = {name for place, name in served.children if place == namespace}
    for name in sorted(names):
        yield Right(namespace, GROUP, resource, verb, "" if verb in _NAMELESS else name)


def _cluster_wide(served: Served) -> Iterator[Right]:
    parents = {name for _, name in served.names(ClusterExternalSecret.RESOURCE)}
    by_kind = {ClusterSecretStore.RESOURCE.plural: served.cluster_stores(), ClusterExternalSecret.RESOURCE.plural: parents}
    for group, resource, verb in _verbs(CLUSTER):
        if resource == Namespace.RESOURCE.plural and parents:
            yield Right("", group, resource, verb)
        for name in sorted(by_kind.get(resource.partition("/")[0], ())):
            yield Right("", group, resource, verb, "" if verb in _NAMELESS else name)


def _verbs(rules: Iterable[Rule]) -> Iterator[tuple[str, str, str]]:
    for group, resources, verbs, _ in rules:
        yield from ((group, resource, verb) for resource in resources for verb in verbs)


def minimal_manifests(rights: Iterable[Right], name: str, namespace: str) -> list[dict[str, Any]]:
    """Return ServiceAccount, roles and bindings of a controller in namespace with these rights and its Leases."""
    return with_account([*role_manifests(rights, name), lease_role(name, namespace)], name, namespace)
