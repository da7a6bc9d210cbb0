"""`validate --live` beside a real API server: what it may read is judged, what it may not is told, no value is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.command import Asm
from tests.live.controlplane import ControlPlane

MANIFEST = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app}
spec:
  data:
  - {key: a, name: a, secretStoreRef: {name: keys}}
  - {key: b, name: b, secretStoreRef: {name: kies}}
"""
ACCESS_KEY = {"accessKey": {"name": "ak", "key": "idd"}, "accessKeySecret": {"name": "ak", "key": "secret"}}


@pytest.fixture
def manifest(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Path:
    """An input beside a store and its AccessKey in the cluster."""
    values = {"id": "hunter2", "secret": "hunter3"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ak"}, "stringData": values}
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
    store = {"metadata": {"name": "keys"}, "spec": {"KMS": {"KMSAuth": ACCESS_KEY}}}
    version = "alibabacloud.com/v1alpha1"
    control_plane.request(
        "POST", f"/apis/{version}/namespaces/{namespace}/secretstores", {"apiVersion": version, "kind": "SecretStore", **store}
    )
    path = tmp_path / "in.yaml"
    path.write_text(MANIFEST)
    return path


def asm(kubeconfig: Path, folder: Path) -> Asm:
    return Asm(kubeconfig, folder / "none", folder, folder / "none", folder / "none")


def codes(asm: Asm, manifest: Path, *arguments: str) -> tuple[list[tuple[str, str, int]], str]:
    ran = asm.run("validate", str(manifest), "--live", "-o", "json", *arguments)
    assert "hunter" not in ran.out + ran.err
    assert ran.code in (0, 1), ran.err
    findings = ran.json()["findings"]
    return [(one["code"], one["severity"], one["line"]) for one in findings if one["severity"] != "info"], ran.err


def test_store_that_is_live_is_fine_and_one_that_is_not_is_told(
    manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path]
) -> None:
    found, _ = codes(asm(kubeconfig_for("admin"), tmp_path), manifest)
    assert found == [("ASM301", "warning", 7)]


def test_closed_world_makes_what_is_nowhere_an_error(manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path]) -> None:
    found, _ = codes(asm(kubeconfig_for("admin"), tmp_path), manifest, "--closed-world")
    assert found == [("ASM301", "error", 7)]


def test_key_that_a_live_secret_lacks_is_told_where_the_input_refers_to_it(
    manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path]
) -> None:
    manifest.write_text(
        "apiVersion: alibabacloud.com/v1alpha1\nkind: SecretStore\nmetadata: {name: other}\nspec:\n  KMS:\n    KMSAuth:\n"
        "      accessKey: {name: ak, key: idd}\n      accessKeySecret: {name: ak, key: secret}\n"
    )
    found, _ = codes(asm(kubeconfig_for("admin"), tmp_path), manifest)
    assert found == [("ASM302", "warning", 7)]


def test_what_the_user_may_not_read_is_told_and_not_judged(
    manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path], grant: Callable[..., None], namespace: str
) -> None:
    user = kubeconfig_for("reader")
    grant("reader", ["get", "list"], ["secrets"])
    found, told = codes(asm(user, tmp_path), manifest, "--closed-world")
    assert found == []
    assert f"SecretStore objects in namespace {namespace} may not be read: 2 references are not judged" in told


def test_without_a_cluster_it_could_not_run(manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path]) -> None:
    nowhere = kubeconfig_for("admin", server="https://127.0.0.1:1")
    assert asm(nowhere, tmp_path).run("validate", str(manifest), "--live").code == 2


def test_settings_of_the_running_controller_decide(
    manifest: Path, tmp_path: Path, kubeconfig_for: Callable[..., Path], control_plane: ControlPlane, namespace: str
) -> None:
    labels = {"app": "asm"}
    flags = ["--enable-cross-namespace-secret-store=false"]
    pod = {"containers": [{"name": "manager", "image": "example/manager:v0.6.2", "args": flags}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    control_plane.request("POST", path, {"metadata": {"name": "controller"}, "spec": spec})
    manifest.write_text(MANIFEST.replace("{name: kies}", "{name: keys, namespace: default}"))
    admin = asm(kubeconfig_for("admin"), tmp_path)
    allowed, _ = codes(admin, manifest)
    refused, _ = codes(admin, manifest, "--from-deployment", f"{namespace}/controller")
    assert ("ASM303", "warning", 7) in allowed
    assert ("ASM303", "error", 7) in refused
