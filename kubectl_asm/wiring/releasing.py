"""What `release` finds in a cluster, and who would put finalizers back at once (spec/operation.md 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kubectl_asm.adapters.selectors import parse_selector
from kubectl_asm.app.release import Released, release_all
from kubectl_asm.app.select import Selection, parse_names
from kubectl_asm.engine.release import Release, releases_of
from kubectl_asm.errors import ClusterError, UsageError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.wiring.clusters import Cluster

_NAMESPACED: Final[tuple[type[KubeObject], ...]] = (ExternalSecret, SecretStore)
_EVERYWHERE: Final[tuple[type[KubeObject], ...]] = (*_NAMESPACED, ClusterExternalSecret, ClusterSecretStore)


def refuse_controllers(cluster: Cluster) -> tuple[str, ...]:
    """Raise UsageError when a controller is at work; return what to warn of, when that could not be looked at."""
    if cluster.connection is None:
        return ()
    from kubectl_asm.adapters.kube.holder import Forbidden, Found, find_holder

    holder = find_holder(cluster.connection.transport, namespaces=("kube-system", cluster.namespace))
    if isinstance(holder, Found):
        raise UsageError(
            f"a controller is at work ({holder.kind} {holder.namespace}/{holder.name}, held by {holder.holder})"
            " and would put the finalizers back",
            hint="scale its Deployment to 0 first; --allow-coexistence overrides this",
        )
    if isinstance(holder, Forbidden):
        return ("whether a controller is at work could not be checked (reading leases is forbidden); one puts finalizers back",)
    return ()


def held_objects(cluster: Cluster, names: Sequence[str], namespace: str, selector: str) -> tuple[Release, ...]:
    """Return the objects that hold our finalizer.

    names: ExternalSecrets of the namespace. Without names: all ExternalSecrets and SecretStores there, and with an empty
    namespace all four kinds of the cluster. Raises ClusterError, NotFoundError for a name that is missing.
    """
    matches = parse_selector(selector)
    if names:
        chosen = Selection(parse_names(names), namespace, matches)
        return releases_of(chosen.pick(cluster.reader.list(ExternalSecret, namespace)))
    kinds = _NAMESPACED if namespace else _EVERYWHERE
    return releases_of(obj for kind in kinds for obj in _served(cluster, kind, namespace) if matches(obj.metadata.labels))


def _served(cluster: Cluster, kind: type[KubeObject], namespace: str) -> Iterator[KubeObject]:
    """Yield the objects of a kind; a kind the server does not know has none."""
    from kubectl_asm.adapters.kube.errors import UNKNOWN_KIND

    try:
        yield from cluster.reader.list(kind, namespace)
    except ClusterError as error:
        if error.reason != UNKNOWN_KIND:
            raise


def release_objects(cluster: Cluster, releases: Sequence[Release], *, concurrency: int) -> list[Released]:
    """Release every object."""
    return release_all(releases, cluster.reader, cluster.writer, concurrency=concurrency)
