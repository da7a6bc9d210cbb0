"""Controllers beside which a one-shot command runs, and their settings (spec/operation.md 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_asm.errors import AccessError, UsageError
from kubectl_asm.manifest.settings_sources import DeploymentFlags
from kubectl_asm.wiring.clusters import Cluster

if TYPE_CHECKING:
    from kubectl_asm.adapters.kube.deployment import ControllerDeployment


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A controller that serves this cluster. deployment: its flags; notes: for stderr.

    unreadable: the controller whose settings cannot be read, as the subject of a sentence; empty for none.
    """

    deployment: DeploymentFlags | None = None
    notes: tuple[str, ...] = ()
    unreadable: str = ""


def look_around(cluster: Cluster, *, allow_coexistence: bool) -> Neighbour:
    """Look for a controller beside which a pass would run, and read its settings (spec/operation.md 1 and 2).

    Raises UsageError when one is live and its settings cannot be read.
    """
    found = Neighbour() if allow_coexistence else find_neighbour(cluster)
    if found.unreadable:
        raise UsageError(
            f"{found.unreadable} cannot be read",
            hint="name its Deployment with --from-deployment NS/NAME, or run beside it with --allow-coexistence",
        )
    return found


def watch_neighbour(cluster: Cluster) -> Neighbour:
    """Look for a controller for a command that writes nothing: settings that cannot be read are a note and no error."""
    found = find_neighbour(cluster)
    if not found.unreadable:
        return found
    note = f"{found.unreadable} cannot be read: it may decide otherwise; name its Deployment with --from-deployment NS/NAME"
    return replace(found, notes=(*found.notes, note))


def find_neighbour(cluster: Cluster) -> Neighbour:
    """Return the controller that serves a cluster; nobody serves a folder. Raises ClusterError."""
    if cluster.connection is None:
        return Neighbour()
    from kubectl_asm.adapters.kube.deployment import find_deployments, find_own_deployments
    from kubectl_asm.adapters.kube.holder import Forbidden, Found, find_holder
    from kubectl_asm.adapters.kube.reader import KubeReader

    transport = cluster.connection.transport
    holder = find_holder(transport)
    reader = KubeReader(transport)
    ours = holder if isinstance(holder, Found) and not holder.is_upstream else None
    try:
        # One that was stopped for ours may still be there, with flags that hold no longer.
        found = find_own_deployments(reader, ours.namespace) if ours else find_deployments(reader)
    except AccessError:
        found = ()
    if isinstance(holder, Found) and not found:
        lock = f"{holder.kind} {holder.namespace}/{holder.name}, held by {holder.holder}"
        return Neighbour(unreadable=f"a controller ({lock}) serves this cluster and its settings")
    notes = []
    if isinstance(holder, Forbidden):
        notes.append("whether a controller serves this cluster could not be checked (reading leases is forbidden)")
    if not found:
        return Neighbour(None, tuple(notes))
    return Neighbour(_deployment_flags(found[0]), tuple(notes))


def deployment_flags(cluster: Cluster, name: str) -> DeploymentFlags:
    """Return the flags of the Deployment the user named as NS/NAME. Raises UsageError, ClusterError."""
    if cluster.connection is None:
        raise UsageError("--from-deployment needs a cluster", hint="use --helm-values FILE for a folder")
    from kubectl_asm.adapters.kube.deployment import read_deployment
    from kubectl_asm.adapters.kube.reader import KubeReader

    namespace, slash, short = name.partition("/")
    if not slash:
        raise UsageError(f'--from-deployment "{name}" is not NS/NAME')
    return _deployment_flags(read_deployment(KubeReader(cluster.connection.transport), namespace, short))


def _deployment_flags(found: ControllerDeployment) -> DeploymentFlags:
    account = f"{found.namespace}/{found.service_account or 'default'}"
    return DeploymentFlags(f"{found.namespace}/{found.name}", found.args, found.tag, account)
