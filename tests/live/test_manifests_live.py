"""What `manifests` prints, given to a real API server."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from tests.live.controlplane import ControlPlane
from tests.live.fixtures import KubeconfigFor

ROOT = Path(__file__).resolve().parents[2]


def printed(*args: str) -> str:
    words = [sys.executable, "-m", "kubectl_asm", "manifests", *args]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def applied(kubeconfig: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["kubectl", "--kubeconfig", str(kubeconfig), "apply", "--server-side", *options, "-f", "-"]
    return subprocess.run(words, input=text, check=False, capture_output=True, text=True, timeout=60)


INSTALLATIONS = [
    ("crds",),
    ("rbac",),
    ("rbac", "--read-only"),
    ("controller",),
    ("controller", "--shadow"),
    ("controller", "--shards", "3"),
    ("controller", "--watch-namespaces", "default", "--rrsa", "--credentials-secret", "keys", "--env", "A=b"),
]


@pytest.mark.parametrize("args", INSTALLATIONS, ids=" ".join)
def test_an_api_server_takes_every_object(args: tuple[str, ...], kubeconfig_for: KubeconfigFor, namespace: str) -> None:
    options = ("--dry-run=server", "--force-conflicts")
    done = applied(kubeconfig_for("admin"), printed(*args, "-n", namespace), *options)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("args", [one for one in INSTALLATIONS if one[0] == "controller"], ids=" ".join)
def test_a_namespace_for_restricted_pods_admits_the_controller(
    args: tuple[str, ...], control_plane: ControlPlane, namespace: str
) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    control_plane.request("PATCH", f"/api/v1/namespaces/{namespace}", label, content_type="application/merge-patch+json")
    (template,) = (
        one["spec"]["template"] for one in yaml.safe_load_all(printed(*args, "-n", namespace)) if one["kind"] == "Deployment"
    )
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": "controller"}}
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict"
    assert control_plane.request("POST", path, pod)["metadata"]["name"] == "controller"

    pod["spec"]["containers"][0]["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}
    with pytest.raises(urllib.error.HTTPError) as refusal:
        control_plane.request("POST", path, pod)
    refusal.value.close()
    assert refusal.value.code == 403


def test_roles_of_a_watched_namespace_let_the_account_work_there_and_nowhere_else(
    control_plane: ControlPlane, kubeconfig_for: KubeconfigFor, namespace: str
) -> None:
    done = applied(kubeconfig_for("admin"), printed("rbac", "-n", namespace, "--watch-namespaces", namespace))
    assert done.returncode == 0, done.stderr

    def may(place: str, verb: str, resource: str, group: str = "") -> bool:
        account = f"system:serviceaccount:{namespace}:kubectl-asm-controller"
        asked = {"namespace": place, "verb": verb, "resource": resource, "group": group}
        review = {"spec": {"user": account, "resourceAttributes": asked}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = control_plane.request("POST", path, review)
        return bool(answer["status"]["allowed"])

    assert may(namespace, "update", "secrets")
    assert may(namespace, "watch", "externalsecrets", "alibabacloud.com")
    assert may(namespace, "create", "leases", "coordination.k8s.io")
    assert may(namespace, "get", "namespaces")
    assert not may("default", "get", "secrets")
    assert not may(namespace, "delete", "secretstores", "alibabacloud.com")


@pytest.mark.usefixtures("alone_with_controllers")
def test_commands_beside_an_installed_controller_take_its_settings(
    control_plane: ControlPlane, kubeconfig_for: KubeconfigFor, namespace: str
) -> None:
    kubeconfig = kubeconfig_for("admin")
    objects = yaml.safe_load_all(printed("controller", "-n", namespace, "--", "--region=cn-beijing", "--compat=0.6.7"))
    deployment = yaml.safe_dump(next(one for one in objects if one["kind"] == "Deployment"))
    assert applied(kubeconfig, deployment).returncode == 0
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    spec = {"holderIdentity": "pod-1", "leaseDurationSeconds": 15, "renewTime": now}
    control_plane.request("POST", leases, {"metadata": {"name": "kubectl-asm-controller"}, "spec": spec})
    words = [sys.executable, "-m", "kubectl_asm", "sync", "-n", namespace, "--dry-run=client", "--kubeconfig", str(kubeconfig)]
    try:
        done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    finally:
        control_plane.request("DELETE", f"{leases}/kubectl-asm-controller")
        control_plane.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/kubectl-asm-controller")
    assert done.returncode == 0, done.stderr
    assert f"using the settings of Deployment {namespace}/kubectl-asm-controller" in done.stderr
    assert "ignored" not in done.stderr
