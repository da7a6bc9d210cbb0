"""kubectl asm release against a real API server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kubectl_asm.model.objects import FINALIZER
from tests.live.command import ROOT
from tests.live.controlplane import ControlPlane
from tests.live.fixtures import KubeconfigFor

BASE = "/apis/alibabacloud.com/v1alpha1"
Created = Callable[..., str]


def release(kubeconfig: Path, *args: str, looks: bool = False) -> subprocess.CompletedProcess[str]:
    """Run release. looks: for controllers, which other tests put into the shared control plane."""
    words = [sys.executable, "-m", "kubectl_asm", "release", "--kubeconfig", str(kubeconfig), *args]
    words += [] if looks else ["--allow-coexistence"]
    return subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture
def created(control_plane: ControlPlane, namespace: str) -> Created:
    """Return a function that creates a held object and gives its path."""

    def create(kind: str, name: str, spec: dict[str, Any], *, others: tuple[str, ...] = ()) -> str:
        plural = f"{kind.lower()}s"
        place = f"{BASE}/{plural}" if kind.startswith("Cluster") else f"{BASE}/namespaces/{namespace}/{plural}"
        metadata = {"name": name, "finalizers": [FINALIZER, *others]}
        body = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        control_plane.request("POST", place, body)
        return f"{place}/{name}"

    return create


def finalizers(control_plane: ControlPlane, path: str) -> list[str]:
    return list(control_plane.request("GET", path)["metadata"].get("finalizers", []))


def exists(control_plane: ControlPlane, path: str) -> bool:
    try:
        control_plane.request("GET", path)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def test_an_object_that_hangs_in_deletion_goes_and_its_secret_stays(
    control_plane: ControlPlane, namespace: str, created: Created
) -> None:
    path = created("ExternalSecret", "db", {"data": [{"key": "db", "name": "db"}]})
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    control_plane.request("POST", secrets, {"metadata": {"name": "db"}, "data": {"db": "dg=="}})
    control_plane.request("DELETE", path)
    assert exists(control_plane, path)
    done = release(control_plane.kubeconfig, "db", "-n", namespace, "--yes")
    assert done.returncode == 0, done.stderr
    assert "vanishes now" in done.stderr
    assert not exists(control_plane, path)
    assert control_plane.request("GET", f"{secrets}/db")["data"] == {"db": "dg=="}


def test_a_namespace_is_released_and_the_finalizers_of_others_stay(
    control_plane: ControlPlane, namespace: str, created: Created
) -> None:
    external = created("ExternalSecret", "db", {"data": [{"key": "db", "name": "db"}]}, others=("example.com/audit",))
    store = created("SecretStore", "kms", {"KMS": {"KMSAuth": {}}})
    done = release(control_plane.kubeconfig, "-n", namespace, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["summary"] == {"released": 2}
    assert (finalizers(control_plane, external), finalizers(control_plane, store)) == (["example.com/audit"], [])


@pytest.mark.parametrize("form", ["client", "server"])
def test_a_dry_run_changes_nothing(form: str, control_plane: ControlPlane, namespace: str, created: Created) -> None:
    path = created("ExternalSecret", "db", {"data": [{"key": "db", "name": "db"}]})
    done = release(control_plane.kubeconfig, "-n", namespace, f"--dry-run={form}")
    assert done.returncode == 0, done.stderr
    assert finalizers(control_plane, path) == [FINALIZER]


def test_everywhere_includes_the_cluster_kinds(control_plane: ControlPlane, namespace: str, created: Created) -> None:
    created("ClusterSecretStore", f"s-{namespace}", {"KMS": {"KMSAuth": {}}})
    spec = {"externalSecretSpec": {"data": [{"key": "db", "name": "db"}]}, "conditions": [{"namespaces": [namespace]}]}
    created("ClusterExternalSecret", f"c-{namespace}", spec)
    done = release(control_plane.kubeconfig, "-A", "--dry-run=client", "-o", "name")  # other tests hold objects here
    assert done.returncode == 0, done.stderr
    expected = {f"clustersecretstore.alibabacloud.com/s-{namespace}", f"clusterexternalsecret.alibabacloud.com/c-{namespace}"}
    assert expected <= set(done.stdout.split())


def test_who_may_list_and_not_patch_is_told_object_by_object(
    control_plane: ControlPlane, namespace: str, created: Created, kubeconfig_for: KubeconfigFor, grant: Callable[..., None]
) -> None:
    path = created("ExternalSecret", "db", {"data": [{"key": "db", "name": "db"}]})
    grant("reader", ["list", "get"], ["externalsecrets", "secretstores"], group="alibabacloud.com")
    done = release(kubeconfig_for("reader"), "-n", namespace, "--yes")
    assert done.returncode == 1
    assert "failed:" in done.stdout
    assert finalizers(control_plane, path) == [FINALIZER]


@pytest.mark.usefixtures("alone_with_controllers")
def test_a_controller_at_work_is_not_worked_against(control_plane: ControlPlane, namespace: str, created: Created) -> None:
    path = created("ExternalSecret", "db", {"data": [{"key": "db", "name": "db"}]})
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    spec = {"holderIdentity": "pod-1", "leaseDurationSeconds": 15, "renewTime": now}
    control_plane.request("POST", leases, {"metadata": {"name": "ack-secret-manager-lock"}, "spec": spec})
    try:
        done = release(control_plane.kubeconfig, "-n", namespace, "--yes", looks=True)
    finally:
        control_plane.request("DELETE", f"{leases}/ack-secret-manager-lock")
    assert done.returncode == 2
    assert "pod-1" in done.stderr
    assert finalizers(control_plane, path) == [FINALIZER]
