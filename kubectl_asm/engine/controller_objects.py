"""Every object a controller needs in a cluster, besides the resource definitions. Pure.

The Helm chart and the kustomize base of deploy/ are checked against what is decided here.
Source: spec/controller.md 3 and 8; Kubernetes, Pod Security Standards.
"""

from __future__ import annotations

from typing import Any, Final

from kubectl_asm.engine.controller_pod import METRICS_PORT, Installation, pod_template
from kubectl_asm.engine.controller_rbac import controller_manifests

_ENFORCED: Final = "pod-security.kubernetes.io/"
_METADATA_SERVICE: Final = "100.100.100.200/32"


def controller_objects(wanted: Installation) -> list[dict[str, Any]]:
    """Return the Namespace, what runs in it and its rights, in an order in which they can be applied."""
    bare = [
        namespace_object(wanted.namespace),
        *rights(wanted, read_only=wanted.is_shadow),
        _deployment(wanted),
        _metrics_service(wanted),
        _disruption_budget(wanted),
        _network_policy(wanted),
    ]
    return [_labelled(one, wanted) for one in bare]


def rights(wanted: Installation, *, read_only: bool) -> list[dict[str, Any]]:
    """Return the account of a controller, its roles and their bindings."""
    return controller_manifests(
        wanted.namespace, wanted.watched, read_only=read_only, name=wanted.name, deployment=wanted.deployment
    )


def namespace_object(name: str) -> dict[str, Any]:
    """Return a namespace that takes restricted pods only."""
    levels = {f"{_ENFORCED}{verdict}": "restricted" for verdict in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": levels}}


def _labelled(obj: dict[str, Any], wanted: Installation) -> dict[str, Any]:
    metadata = obj["metadata"]
    labels = {**wanted.selector, **metadata.get("labels", {})}
    return {**obj, "metadata": {"name": metadata["name"], **metadata, "labels": labels}}


def _deployment(wanted: Installation) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "spec": {
            "replicas": wanted.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": wanted.selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": pod_template(wanted),
        },
    }


def _metrics_service(wanted: Installation) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{wanted.name}-metrics", "namespace": wanted.namespace},
        "spec": {
            "selector": wanted.selector,
            "ports": [{"name": "metrics", "port": METRICS_PORT, "targetPort": "metrics", "protocol": "TCP"}],
        },
    }


def _disruption_budget(wanted: Installation) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        # maxUnavailable and not minAvailable: with one replica a node can still be drained.
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": wanted.selector}},
    }


def _network_policy(wanted: Installation) -> dict[str, Any]:
    """Return a policy: metrics may be scraped; names, the API server and TLS services may be reached, and nothing else."""
    dns = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    tls = [{"port": port, "protocol": "TCP"} for port in (443, 6443)]
    metadata = {"to": [{"ipBlock": {"cidr": _METADATA_SERVICE}}], "ports": [{"port": 80, "protocol": "TCP"}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "spec": {
            "podSelector": {"matchLabels": wanted.selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": METRICS_PORT, "protocol": "TCP"}]}],
            "egress": [{"ports": dns}, {"ports": tls}, metadata],
        },
    }
