"""What `manifests` prints, given to a real API server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.controlplane import ControlPlane
from tests.live.fixtures import KubeconfigFor

ROOT = Path(__file__).resolve().parents[2]


def printed(*args: str) -> str:
    words = [sys.executable, "-m", "kubectl_asm", "manifests", *args]
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def applied(kubeconfig: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["kubectl", "--kubeconfig", str(kubeconfig), "apply", "--server-side", *options, "-f", "-"]
    return subprocess.run(words, input=text, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("args", [("crds",), ("rbac",), ("rbac", "--read-only")])
def test_an_api_server_takes_every_object(args: tuple[str, ...], kubeconfig_for: KubeconfigFor, namespace: str) -> None:
    options = ("--dry-run=server", "--force-conflicts")
    done = applied(kubeconfig_for("admin"), printed(*args, "-n", namespace), *options)
    assert done.returncode == 0, done.stderr


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
    assert not may("default", "get", "secrets")
    assert not may(namespace, "delete", "secretstores", "alibabacloud.com")
