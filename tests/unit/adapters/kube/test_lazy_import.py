"""The package costs nothing until a connection is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "{'kubernetes', 'urllib3', 'requests', 'ruamel'} & {name.partition('.')[0] for name in sys.modules}"


@pytest.mark.parametrize("module", ["kubectl_asm.adapters.kube", "kubectl_asm.adapters.memory", "kubectl_asm.adapters.listed"])
def test_importing_does_not_load_the_client(module):
    code = f"import sys, {module}; print(sorted({HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
