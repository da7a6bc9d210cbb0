"""The Kubernetes rights of the controller, for the whole cluster or for named namespaces, as manifests. Pure.

Source: spec/controller.md 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kubectl_asm.model.objects import GROUP

NAME: Final = "kubectl-asm-controller"
SHADOW_NAME: Final = "kubectl-asm-shadow"
"""Names of everything that is installed. A shadow has its own, so that its lesser rights replace nobody's."""

_API: Final = "rbac.authorization.k8s.io"
_READ: Final = ("get", "list", "watch")

Rule = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""API group, resources, verbs, and the only names they hold for (empty: all)."""

_COORDINATION: Final = "coordination.k8s.io"
NAMESPACED: Final[tuple[Rule, ...]] = (
    ("", ("secrets",), (*_READ, "create", "update", "delete"), ()),
    ("", ("serviceaccounts",), _READ, ()),
    ("", ("serviceaccounts/token",), ("create",), ()),
    # Templates of templateFrom. Listing begins with the first ExternalSecret that has one, and then /readyz waits for it.
    ("", ("configmaps",), _READ, ()),
    ("", ("events",), ("create",), ()),
    (GROUP, ("externalsecrets",), (*_READ, "create", "patch", "update", "delete"), ()),
    (GROUP, ("secretstores",), (*_READ, "patch", "update"), ()),
    (GROUP, ("externalsecrets/status", "secretstores/status"), ("patch",), ()),
)
"""What a controller does in every namespace it serves."""

INSIDE: Final[tuple[Rule, ...]] = (*NAMESPACED, ("", ("namespaces",), ("get",), ()))
"""What a Role lets it do in a namespace. That includes the Namespace itself: its labels, and whether it is going away."""

CLUSTER: Final[tuple[Rule, ...]] = (
    ("", ("namespaces",), _READ, ()),
    (GROUP, ("clusterexternalsecrets",), (*_READ, "patch"), ()),
    (GROUP, ("clustersecretstores",), (*_READ, "patch", "update"), ()),
    (GROUP, ("clusterexternalsecrets/status", "clustersecretstores/status"), ("patch",), ()),
    # Clusters that enforce owner references ask for this before a child may block the deletion of its owner.
    (GROUP, ("clusterexternalsecrets/finalizers",), ("update",), ()),
    # Whether another controller is at work, wherever it keeps its lock.
    (_COORDINATION, ("leases",), ("list",), ("ack-secret-manager-lock", NAME)),
)
"""What a controller of the whole cluster does besides."""

LEASES: Final[tuple[Rule, ...]] = ((_COORDINATION, ("leases",), ("get", "list", "create", "update", "delete"), ()),)
"""Leader election, shards and members, in the controller's own namespace."""


def controller_manifests(
    namespace: str, watched: Sequence[str], *, read_only: bool, name: str = NAME, deployment: str = ""
) -> list[dict[str, Any]]:
    """Return ServiceAccount, roles and bindings of a controller in namespace.

    watched: the only namespaces it may see, each with a Role; none: a ClusterRole for the whole cluster.
    read_only: those of a shadow: no verb that changes an object, and nothing about Leases, of which it holds none; tokens may
    still be requested.
    name: of the account, the roles and the bindings. deployment: NAMESPACE/NAME of the one whose flags are the settings.
    """
    places = [(one, INSIDE) for one in sorted(set(watched))] or [("", (*NAMESPACED, *CLUSTER))]
    roles = [_role(name, place, reading(rules) if read_only else rules) for place, rules in places]
    if not read_only:
        roles.append(lease_role(name, namespace))
    if deployment:
        place, _, read = deployment.partition("/")
        roles.append(_role(f"{name}-settings", place, (("apps", ("deployments",), ("get",), (read,)),)))
    return with_account(roles, name, namespace)


def reading(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return what a shadow needs of some rules: no verb that changes an object, and no look at anybody's lock."""
    kept = (
        (group, resources, _harmless(resources, verbs), names)
        for group, resources, verbs, names in rules
        if group != _COORDINATION
    )
    return tuple(rule for rule in kept if rule[2])


def _harmless(resources: tuple[str, ...], verbs: tuple[str, ...]) -> tuple[str, ...]:
    return verbs if resources == ("serviceaccounts/token",) else tuple(verb for verb in verbs if verb in _READ)


def with_account(roles: Iterable[dict[str, Any]], name: str, namespace: str) -> list[dict[str, Any]]:
    """Return a ServiceAccount and roles, each followed by its binding to the account."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    holder = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return [account, *(one for role in roles for one in (role, binding(role, holder)))]


def lease_role(name: str, namespace: str) -> dict[str, Any]:
    """Return the Role for the Leases in the controller's own namespace."""
    return _role(f"{name}-leases", namespace, LEASES)


def _role(name: str, place: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return a Role in place, or a ClusterRole where place is empty."""
    metadata = {"name": name, "namespace": place} if place else {"name": name}
    kind = "Role" if place else "ClusterRole"
    return {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": metadata, "rules": [written(rule) for rule in rules]}


def binding(role: Mapping[str, Any], holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return the binding of a role, beside it and under its name. holder: the subject."""
    return {
        "apiVersion": f"{_API}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": dict(role["metadata"]),
        "roleRef": {"apiGroup": _API, "kind": role["kind"], "name": role["metadata"]["name"]},
        "subjects": [dict(holder)],
    }


def written(rule: Rule) -> dict[str, Any]:
    """Return a rule as RBAC writes it."""
    group, resources, verbs, names = rule
    shown: dict[str, Any] = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return {**shown, "resourceNames": list(names)} if names else shown
