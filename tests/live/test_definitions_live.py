"""The resource definitions, seen through a real API server and kubectl."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.live.controlplane import ControlPlane

BASE = "/apis/alibabacloud.com/v1alpha1"
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Synced",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
    "observedGeneration": 1,
}


def kubectl(control_plane: ControlPlane, *words: str) -> str:
    command = ["kubectl", "--kubeconfig", str(control_plane.kubeconfig), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def created(control_plane: ControlPlane, namespace: str, plural: str, kind: str, name: str, spec: dict[str, Any]) -> str:
    """Create a custom resource and return its path."""
    place = f"{BASE}/namespaces/{namespace}/{plural}" if namespace else f"{BASE}/{plural}"
    body = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    control_plane.request("POST", place, body)
    return f"{place}/{name}"


def report(control_plane: ControlPlane, path: str, status: dict[str, Any]) -> dict[str, Any]:
    body = {"status": status}
    return control_plane.request("PATCH", f"{path}/status", body, content_type="application/merge-patch+json")


@pytest.fixture
def external(control_plane: ControlPlane, namespace: str) -> str:
    spec = {"data": [{"key": "db"}], "target": {"name": "db-login"}, "rotationInterval": "1h"}
    return created(control_plane, namespace, "externalsecrets", "ExternalSecret", "db", spec)


def test_conditions_of_an_externalsecret_are_stored_and_waited_for(
    control_plane: ControlPlane, namespace: str, external: str
) -> None:
    stored = report(control_plane, external, {"conditions": [READY], "observedGeneration": 1})["status"]
    assert (stored["conditions"], stored["observedGeneration"]) == ([READY], 1)
    waited = kubectl(
        control_plane, "-n", namespace, "wait", "externalsecrets.alibabacloud.com/db", "--for=condition=Ready", "--timeout=10s"
    )
    assert "condition met" in waited


def test_conditions_of_two_authors_merge_by_type(control_plane: ControlPlane, external: str) -> None:
    report(control_plane, external, {"conditions": [READY]})
    other = {
        "apiVersion": "alibabacloud.com/v1alpha1",
        "kind": "ExternalSecret",
        "metadata": {"name": "db"},
        "status": {"conditions": [{**READY, "type": "example.com/Approved"}]},
    }
    done = control_plane.request(
        "PATCH", f"{external}/status?fieldManager=other", other, content_type="application/apply-patch+yaml"
    )
    assert {one["type"] for one in done["status"]["conditions"]} == {"Ready", "example.com/Approved"}


def test_status_of_the_former_controller_is_stored_as_before(control_plane: ControlPlane, external: str) -> None:
    results = [{"status": "Succeeded", "synchronizationTime": "2026-01-02T03:04:05Z"}]
    assert report(control_plane, external, {"dataSyncResults": results})["status"] == {"dataSyncResults": results}


def test_columns_tell_how_an_externalsecret_is(control_plane: ControlPlane, namespace: str, external: str) -> None:
    results = [{"status": "Succeeded", "synchronizationTime": "2026-01-02T03:04:05Z"}]
    report(control_plane, external, {"conditions": [READY], "dataSyncResults": results})
    head, row = kubectl(control_plane, "-n", namespace, "get", "asmes").splitlines()
    assert head.split() == ["NAME", "READY", "REASON", "RESULT", "AGE"]
    assert row.split()[:4] == ["db", "True", "Synced", "Succeeded"]
    wide = kubectl(control_plane, "-n", namespace, "get", "asmes", "-o", "wide").splitlines()[1]
    assert {"db-login", "1h"} <= set(wide.split())


def test_columns_tell_how_a_store_is(control_plane: ControlPlane, namespace: str) -> None:
    path = created(control_plane, namespace, "secretstores", "SecretStore", "kms", {"KMS": {"KMSAuth": {}}})
    report(control_plane, path, {"conditions": [{**READY, "status": "False", "reason": "ValidationFailed"}]})
    head, row = kubectl(control_plane, "-n", namespace, "get", "asmss").splitlines()
    assert head.split() == ["NAME", "READY", "STATUS", "AGE"]
    assert row.split()[:3] == ["kms", "False", "ValidationFailed"]


def test_store_column_of_a_clusterexternalsecret_names_the_store(control_plane: ControlPlane, namespace: str) -> None:
    entries = [{"key": "a", "name": "a"}, {"key": "b", "name": "b", "secretStoreRef": {"name": "vault", "kind": "SecretStore"}}]
    spec = {"externalSecretSpec": {"data": entries}, "conditions": [{"namespaces": [namespace]}]}
    created(control_plane, "", "clusterexternalsecrets", "ClusterExternalSecret", f"c-{namespace}", spec)
    assert "vault" in kubectl(control_plane, "get", "asmces", f"c-{namespace}").splitlines()[1].split()


def test_the_category_lists_every_kind_of_a_namespace(control_plane: ControlPlane, namespace: str, external: str) -> None:
    created(control_plane, namespace, "secretstores", "SecretStore", "kms", {"KMS": {"KMSAuth": {}}})
    found = json.loads(kubectl(control_plane, "-n", namespace, "get", "asm", "-o", "json"))["items"]
    assert external.endswith("/db")
    assert {"ExternalSecret", "SecretStore"} <= {one["kind"] for one in found}
