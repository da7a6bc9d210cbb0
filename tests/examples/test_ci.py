"""The CI examples and the pre-commit hooks: their command lines are run, and what they upload is what the commands write."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
BAD = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: shop}
spec:
  data: [{key: a, name: a}]
  provider: KMS
"""

Run = Callable[[str], "subprocess.CompletedProcess[str]"]


def loaded(name: str) -> Any:
    return yaml.safe_load((CI / name).read_text())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a shell line as a pipeline would, beside a folder manifests/ with one error."""
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "kubectl-asm"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m kubectl_asm "$@"\n')
    program.chmod(0o755)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "bad.yaml").write_text(BAD)
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{tools}{os.pathsep}/usr/bin:/bin",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", "-eu", "-c", line]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return shell


def test_github_workflow_annotates_and_writes_what_it_uploads(run: Run, tmp_path: Path) -> None:
    (job,) = loaded("github.yaml")["jobs"].values()
    line = next(step["run"] for step in job["steps"] if step.get("name") == "Validate")
    upload = next(step for step in job["steps"] if "upload-sarif" in step.get("uses", ""))
    done = run(line)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=manifests/bad.yaml,line=6,col=13")
    log = json.loads((tmp_path / upload["with"]["sarif_file"]).read_text())
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["ASM208"]
    assert "ASM208" in (tmp_path / "summary.md").read_text()
    assert job["steps"].index(upload) == len(job["steps"]) - 1
    assert "cancelled()" in upload["if"], "the upload has to follow findings, which end the step before it with 1"


def test_gitlab_job_writes_the_reports_it_names(run: Run, tmp_path: Path) -> None:
    (job,) = loaded("gitlab.yaml").values()
    (line,) = job["script"]
    assert run(line).returncode == 1
    reports = job["artifacts"]["reports"]
    assert [one["check_name"] for one in json.loads((tmp_path / reports["codequality"]).read_text())] == ["ASM208 enum"]
    assert ET.parse(tmp_path / reports["junit"]).getroot().attrib["failures"] == "1"
    assert job["artifacts"]["when"] == "always"


def test_pre_commit_example_uses_hooks_that_exist(run: Run) -> None:
    (repo,) = loaded("pre-commit.yaml")["repos"]
    entries = {hook["id"]: hook["entry"] for hook in HOOKS}
    for hook in repo["hooks"]:
        done = run(f"{entries[hook['id']]} {shlex.join(hook['args'])} manifests/bad.yaml")
        assert done.returncode == 1, done.stderr
        assert re.match(hook["files"], "manifests/bad.yaml")


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hook_runs_and_finds(hook: dict[str, Any], run: Run, tmp_path: Path) -> None:
    assert shutil.which(shlex.split(hook["entry"])[0], path=str(tmp_path / "tools"))
    if hook.get("pass_filenames", True):
        done = run(f"{hook['entry']} manifests/bad.yaml")
    else:
        (tmp_path / ".asm.yaml").write_text("apiVersion: kubectl-asm/v1\nkind: Config\nvalidate: {paths: [manifests]}\n")
        done = run(hook["entry"])
    is_fixing = "--fix" in hook["entry"]
    assert done.returncode == (0 if is_fixing else 1), done.stderr
    assert ("provider: kms" in (tmp_path / "manifests" / "bad.yaml").read_text()) == is_fixing
