"""Each folder of examples/ renders to its kept Secrets, and the tour of `make run` goes through.

The kept files hold values in base64: those of examples/fixtures.yaml, invented for it. pytest --rewrite writes them anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_asm.cli.main import main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
EXPECTED = Path(__file__).parent / "expected"
FOLDERS = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir() and folder.name != "ci")


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith(("ASM_", "KUBE"))]:
        monkeypatch.delenv(name)


def rendered(folder: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    code = main(["kubectl-asm", "render", f"examples/{folder}", "--backend", "examples/fixtures.yaml", *more])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return captured.out


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_renders_to_its_kept_secrets(folder: str, capsys: pytest.CaptureFixture[str], is_rewriting: bool) -> None:
    text = rendered(folder, capsys, "--show-values")
    kept = EXPECTED / f"{folder}.yaml"
    if is_rewriting:
        kept.write_text(text)
    assert text == kept.read_text()


def test_every_kept_file_belongs_to_a_folder() -> None:
    assert sorted(file.stem for file in EXPECTED.glob("*.yaml")) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_value_is_shown_unless_asked_for(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not-a-real" not in rendered(folder, capsys).lower()


def test_the_tour_of_make_run_goes_through(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster"
    shutil.copytree(EXAMPLES, cluster)
    (cluster / "fixtures.yaml").unlink()
    program = tmp_path / "bin" / "kubectl-asm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kubectl_asm "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "examples/run.sh", str(cluster)], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "11 create" in done.stderr
    assert "not-a-real" not in (done.stdout + done.stderr).lower()
