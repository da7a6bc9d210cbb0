"""Run commands in process, in a folder of their own, and keep both streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubectl_asm.cli.main import main

CANARY = "canary-Zq7/+%22"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Asm = Callable[..., Ran]


@pytest.fixture
def asm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asm:
    """Run one command; the working folder is empty and no variable of the machine is seen."""
    monkeypatch.chdir(tmp_path)
    for name in ("KUBECONFIG", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = main(["kubectl-asm", *arguments])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., None]:
    """Write files given by name."""

    def write(**texts: str) -> None:
        for name, text in texts.items():
            path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


APP = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: shop}
spec:
  data:
  - {key: db, name: password}
"""

FIXTURES = f"""\
apiVersion: kubectl-asm/v1
kind: Fixtures
kms:
  db: {CANARY}
  other: second
"""
