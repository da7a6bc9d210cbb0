"""The pod of the controller: what it is started with, what it may not do, how it is watched over. Pure.

It passes the pod security level `restricted`.
Source: spec/controller.md 1 to 3; spec/auth.md 2; Kubernetes, Pod Security Standards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from kubectl_asm.engine.controller_rbac import NAME, SHADOW_NAME
from kubectl_asm.engine.identity import DEFAULT_AUDIENCE, DEFAULT_TOKEN_FILE

METRICS_PORT: Final = 8080
HEALTH_PORT: Final = 8081
USER: Final = 65532
RRSA_SECONDS: Final = 7200
_TOKEN_FILE: Final = PurePosixPath(DEFAULT_TOKEN_FILE)

SECRET_VARIABLES: Final[Mapping[str, str]] = {
    "ACCESS_KEY_ID": "id",
    "SECRET_ACCESS_KEY": "secret",
    "ALICLOUD_ROLE_ARN": "rolearn",
    "ALICLOUD_ROLE_SESSION_NAME": "rolesessionname",
    "ALICLOUD_ROLE_SESSION_EXPIRATION": "rolesessionexpiration",
    "ALICLOUD_OIDC_PROVIDER_ARN": "oidcproviderarn",
    "ALICLOUD_REMOTE_ROLE_ARN": "remoterolearn",
    "ALICLOUD_REMOTE_ROLE_SESSION_NAME": "remoterolesessionname",
}
"""Variables of the environment's identity, and the keys upstream's chart proposes for them in one Secret."""

RESOURCES: Final = {"requests": {"cpu": "100m", "memory": "192Mi"}, "limits": {"memory": "512Mi"}}
"""No CPU limit: a throttled controller misses the renewal of its Lease."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One controller to install.

    image: with tag or digest. watched: the only namespaces it serves, empty for the whole cluster. credentials: name of a
    Secret with variables of the identity, empty for none. has_token: mount a token of the account for RRSA. environment:
    plain variables. flags: further words for `serve`. is_shadow: decides and reports, and may write nothing. deployment:
    NAMESPACE/NAME of the one that `flags` take the settings from, empty for none.
    """

    namespace: str
    image: str
    replicas: int = 2
    watched: tuple[str, ...] = ()
    shards: int = 1
    credentials: str = ""
    has_token: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    is_shadow: bool = False
    deployment: str = ""

    @property
    def name(self) -> str:
        """Name of every object that is installed."""
        return SHADOW_NAME if self.is_shadow else NAME

    @property
    def selector(self) -> dict[str, str]:
        """Labels that find its pods."""
        return {"app.kubernetes.io/name": "kubectl-asm", "app.kubernetes.io/component": self._component}

    @property
    def _component(self) -> str:
        return "shadow" if self.is_shadow else "controller"


def pod_template(wanted: Installation) -> dict[str, Any]:
    """Return the pod template of the Deployment."""
    return {
        "metadata": {"labels": wanted.selector},
        "spec": {
            "serviceAccountName": wanted.name,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 60,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                _spread(wanted, "topology.kubernetes.io/zone"),
                _spread(wanted, "kubernetes.io/hostname"),
            ],
            "containers": [_container(wanted)],
            "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *([_token_volume()] if wanted.has_token else [])],
        },
    }


def _spread(wanted: Installation, topology: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": wanted.selector},
    }


def _container(wanted: Installation) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108  # a mount of the pod's own
    if wanted.has_token:
        mounts.append({"name": "tokens", "mountPath": str(_TOKEN_FILE.parent), "readOnly": True})
    return {
        "name": "controller",
        "image": wanted.image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["serve", *serve_flags(wanted)],
        "env": list(_environment(wanted)),
        "ports": [
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
        ],
        # Lists of a large cluster take their time, and a pod that is killed while it lists begins again.
        "startupProbe": _probe("/healthz", period_s=5, failures=60),
        "livenessProbe": _probe("/healthz", period_s=20, failures=3),
        "readinessProbe": _probe("/readyz", period_s=10, failures=3),
        "resources": RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }


def serve_flags(wanted: Installation) -> tuple[str, ...]:
    """Return the flags of serve.

    A list of namespaces switches cluster resources off: their objects need rights that no Role can give.
    """
    found = ["--log-format=json"]
    if not wanted.is_shadow:
        found += [f"--lease-name={wanted.name}", "--lease-namespace=$(POD_NAMESPACE)"]
    if wanted.shards > 1:
        found.append(f"--shards={wanted.shards}")
    if wanted.watched:
        found.append(f"--watch-namespaces={','.join(sorted(set(wanted.watched)))}")
        found += ["--process-cluster-secret-store=false", "--process-cluster-external-secret=false"]
    if wanted.is_shadow:
        found.append("--shadow")
    return (*found, *wanted.flags)


def _probe(path: str, *, period_s: int, failures: int) -> dict[str, Any]:
    get = {"path": path, "port": "health"}
    return {"httpGet": get, "periodSeconds": period_s, "timeoutSeconds": 5, "failureThreshold": failures}


def _environment(wanted: Installation) -> Iterator[dict[str, Any]]:
    for name, field in (("POD_NAME", "metadata.name"), ("POD_NAMESPACE", "metadata.namespace")):
        yield {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}
    given = dict(wanted.environment)
    for name, value in given.items():
        yield {"name": name, "value": value}
    if wanted.credentials:
        for name, key in SECRET_VARIABLES.items():
            if name not in given:
                reference = {"name": wanted.credentials, "key": key, "optional": True}
                yield {"name": name, "valueFrom": {"secretKeyRef": reference}}


def _token_volume() -> dict[str, Any]:
    token = {"path": _TOKEN_FILE.name, "audience": DEFAULT_AUDIENCE, "expirationSeconds": RRSA_SECONDS}
    return {"name": "tokens", "projected": {"sources": [{"serviceAccountToken": token}]}}
