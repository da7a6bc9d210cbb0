"""deploy/kustomize, built by kubectl: the same objects as `manifests` prints, and an API server takes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.controlplane import ControlPlane
from tests.live.test_manifests_live import ROOT, applied, printed

KUSTOMIZE = ROOT / "deploy" / "kustomize"
FOLDERS = {
    "base": (),
    "overlays/namespaced": ("--watch-namespaces", "default"),
    "overlays/shadow": ("--shadow",),
}


def built(folder: Path) -> str:
    command = ["kubectl", "kustomize", str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def by_identity(text: str) -> dict[tuple[str, str, str], Any]:
    objects = yaml.safe_load_all(text)
    return {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one for one in objects}


@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_builds_what_manifests_prints(folder: str) -> None:
    assert by_identity(built(KUSTOMIZE / folder)) == by_identity(printed("controller", *FOLDERS[folder]))


def test_monitoring_is_a_component_that_adds_two_objects(tmp_path: Path) -> None:
    fields = {"resources": [str(KUSTOMIZE / "base")], "components": [str(KUSTOMIZE / "components" / "monitoring")]}
    relative = {key: [os.path.relpath(path, tmp_path) for path in paths] for key, paths in fields.items()}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(relative))
    added = by_identity(built(tmp_path)).keys() - by_identity(built(KUSTOMIZE / "base")).keys()
    assert {kind for kind, *_ in added} == {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_api_server_takes_what_kustomize_builds(folder: str, control_plane: ControlPlane) -> None:
    text = built(KUSTOMIZE / folder)
    path = "/api/v1/namespaces"
    existing = {one["metadata"]["name"] for one in control_plane.request("GET", path)["items"]}
    if "kubectl-asm-system" not in existing:  # a dry run creates no namespace for the objects behind it
        text = text.replace("kubectl-asm-system", "default")
    done = applied(control_plane.kubeconfig, text, "--dry-run=server", "--force-conflicts")
    assert done.returncode == 0, done.stderr
