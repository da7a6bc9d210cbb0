"""`validate` and `render` on what the real helm and the real kubectl build: findings carry template and rendered line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import ROOT
from tests.live.helm import MissingHelm, find_helm

TEMPLATE = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: {{ .Release.Namespace }}}
spec:
  data:
{{- range .Values.keys }}
  - {key: {{ . }}, name: {{ . }}}
{{- end }}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: another-name\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text("keys: [one]\n")
    (folder / "templates" / "es.yaml").write_text(TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def helm() -> Path:
    try:
        return find_helm(print)
    except MissingHelm as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def run(*arguments: str, folder: Path, tools: Path = Path("/usr/bin")) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(folder), "PATH": f"{tools}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kubectl_asm", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False)


def findings(done: subprocess.CompletedProcess[str]) -> list[tuple[Any, ...]]:
    assert done.returncode in (0, 1), done.stderr
    return [(one["code"], one["file"], one["line"], one["object"]["namespace"]) for one in json.loads(done.stdout)["findings"]]


def test_finding_of_a_chart_is_on_the_line_that_show_only_prints(chart: Path, helm: Path, tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("keys: [fine, 'not/fine']\n")
    options = ("--helm", "app", "--values", "v.yaml", "-n", "shop", "-o", "json")
    found = findings(run("validate", *options, folder=tmp_path, tools=helm.parent))
    assert [one for one in found if one[0] == "ASM506"] == [("ASM506", "app/templates/es.yaml (helm)", 9, "shop")]
    shown = subprocess.run(
        [str(helm), "template", "app", "-f", "v.yaml", "-s", "templates/es.yaml"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "not/fine" in shown.stdout.split("\n")[9 - 1]


def test_chart_that_does_not_render_could_not_run(chart: Path, helm: Path, tmp_path: Path) -> None:
    (chart / "templates" / "es.yaml").write_text("{{ .Values.a.b.c }}")
    done = run("validate", "--helm", "app", folder=tmp_path, tools=helm.parent)
    assert done.returncode == 2
    assert "helm template failed: Error: " in done.stderr
    assert "nil pointer" in done.stderr


def test_rendered_chart_can_be_explained(chart: Path, helm: Path, tmp_path: Path) -> None:
    done = run("explain", "--helm", "app", "-n", "shop", "-o", "json", folder=tmp_path, tools=helm.parent)
    assert [one["object"] for one in json.loads(done.stdout)["items"]] == [
        {"kind": "ExternalSecret", "namespace": "shop", "name": "app"}
    ]


def test_finding_of_a_kustomization_is_on_the_line_that_kubectl_builds(tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("namespace: shop\nresources: [es.yaml]\n")
    manifest = TEMPLATE.partition("{{- range")[0].replace("{{ .Release.Namespace }}", "other") + "  - {key: a, name: not/fine}\n"
    (folder / "es.yaml").write_text(manifest)
    found = findings(run("validate", "-k", "overlay", "-o", "json", folder=tmp_path))
    built = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=True).stdout
    line = next(number for number, text in enumerate(built.split("\n"), start=1) if "not/fine" in text)
    assert found == [("ASM506", "overlay (kustomize)", line, "shop")]
