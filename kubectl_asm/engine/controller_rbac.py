"""The Kubernetes rights of the controller, for the whole cluster or for named namespaces, as manifests. Pure.

Source: spec/controller.md 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kubectl_asm.model.objects import GROUP

NAME: Final = "kubectl-asm-controller"
_API: Final = "rbac.authorization.k8s.io"
_READ: Final = ("get", "list", "watch")
_ALL: Final = (*_READ, "create", "delete", "patch", "update")

Rule = tuple[str, tuple[str, ...], tuple[str, ...]]
"""API group, resources, verbs."""

_NAMESPACED: Final[tuple[Rule, ...]] = (
    ("", ("secrets",), _ALL),
    ("", ("serviceaccounts",), _READ),
    ("", ("serviceaccounts/token",), ("create",)),
    ("", ("configmaps",), ("get",)),
    ("", ("events",), ("create", "patch")),
    (GROUP, ("externalsecrets",), _ALL),
    (GROUP, ("secretstores",), (*_READ, "patch", "update")),
    (GROUP, ("externalsecrets/status", "secretstores/status"), ("patch", "update")),
)
_CLUSTER: Final[tuple[Rule, ...]] = (
    ("", ("namespaces",), _READ),
    (GROUP, ("clusterexternalsecrets",), _ALL),
    (GROUP, ("clustersecretstores",), (*_READ, "patch", "update")),
    (GROUP, ("clusterexternalsecrets/status", "clustersecretstores/status"), ("patch", "update")),
    # Clusters that enforce owner references ask for this before a child may block the deletion of its owner.
    (GROUP, ("clusterexternalsecrets/finalizers",), ("update",)),
)
_LEASES: Final[tuple[Rule, ...]] = (("coordination.k8s.io", ("leases",), _ALL),)


def controller_manifests(namespace: str, watched: Sequence[str], *, read_only: bool) -> list[dict[str, Any]]:
    """Return ServiceAccount, roles and bindings of a controller in namespace.

    watched: the only namespaces it may see, each with a Role; none: a ClusterRole for the whole cluster.
    read_only: no verb that changes an object, except on the Leases in its own namespace; tokens may still be requested.
    """
    places = [(one, _NAMESPACED) for one in sorted(set(watched))] or [("", (*_NAMESPACED, *_CLUSTER))]
    found = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace}}]
    for place, rules in places:
        found += _role_and_binding(NAME, place, namespace, _reading(rules) if read_only else rules)
    return [*found, *_role_and_binding(f"{NAME}-leases", namespace, namespace, _LEASES)]


def _reading(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    kept = ((group, resources, _harmless(resources, verbs)) for group, resources, verbs in rules)
    return tuple(rule for rule in kept if rule[2])


def _harmless(resources: tuple[str, ...], verbs: tuple[str, ...]) -> tuple[str, ...]:
    return verbs if resources == ("serviceaccounts/token",) else tuple(verb for verb in verbs if verb in _READ)


def _role_and_binding(name: str, place: str, namespace: str, rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """Yield a Role and RoleBinding in place, or their cluster-wide forms where place is empty."""
    kind = "Role" if place else "ClusterRole"
    metadata = {"name": name, "namespace": place} if place else {"name": name}
    written = [{"apiGroups": [group], "resources": list(names), "verbs": list(verbs)} for group, names, verbs in rules]
    yield {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": metadata, "rules": written}
    yield {
        "apiVersion": f"{_API}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(metadata),
        "roleRef": {"apiGroup": _API, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
    }
