"""Commands load what they need and nothing else: no client of a cluster or cloud where none is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("kubernetes", "alibabacloud_", "darabonba", "Tea", "requests", "urllib3", "aiohttp", "prometheus_client")
LOADED = "loaded modules: "
PROGRAM = f"""
import json, sys
from kubectl_asm.cli.main import main
code = main(["kubectl-asm", *sys.argv[1:]])
print({LOADED!r} + json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""

RENDER = ["render", "examples/plain", "examples/templates", "--backend", "examples/fixtures.yaml"]
EXPLAIN = ["explain", "-f", "examples/stores", "--region", "cn-hangzhou"]
CLUSTERLESS = ["diff", "--from-dir", "examples/plain", "--to-dir", "examples/plain", "--backend", "examples/fixtures.yaml"]


def modules_loaded_by(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(LOADED)]
    found: list[str] = json.loads(line.removeprefix(LOADED))
    return found


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["version"], RENDER, EXPLAIN, CLUSTERLESS, ["template", "--functions"]],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_without_cluster_and_cloud_loads_no_client_of_either(arguments: list[str]) -> None:
    loaded = modules_loaded_by(*arguments)
    assert [name for name in loaded if name.split(".")[0].startswith(HEAVY)] == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=str)
def test_help_and_version_load_no_command(arguments: list[str]) -> None:
    rooms = {name.split(".")[1] for name in modules_loaded_by(*arguments) if name.startswith("kubectl_asm.")}
    assert rooms <= {"cli", "errors"}
