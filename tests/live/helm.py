"""The helm that tests of the chart run: HELM, the user's cache, or a fresh build into it. The module pins its release."""

# runs a real process: it needs the real environment

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VERSION = "v3.19.2"
MODULE = Path(__file__).parent / "helm_tool"
CHART = Path(__file__).parents[2] / "deploy" / "helm" / "kubectl-asm"
KUBERNETES = "1.34.4"
BUILD_TIMEOUT_S = 1800


class MissingHelm(Exception):
    """No binary and no way to build it; the text says what to do."""


class Refused(Exception):
    """Helm refuses the chart or the values; the text is what it says."""


def find_helm(say: Callable[[str], None]) -> Path:
    """Return the binary. Raises MissingHelm."""
    if given := os.environ.get("HELM"):
        if os.access(given, os.X_OK):
            return Path(given)
        raise MissingHelm(f"HELM={given} cannot be run")
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    binary = Path(root) / "kubectl-asm" / f"helm-{VERSION}" / "helm"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.access(binary, os.X_OK):
            _build(binary, say)
    return binary


def _build(target: Path, say: Callable[[str], None]) -> None:
    go = shutil.which("go")
    if go is None:
        raise MissingHelm("tests of the chart need helm: set HELM to a binary, or install Go 1.24 or newer")
    say("building helm for the tests of the chart; the first time takes about two minutes")
    scratch = target.with_name("building")
    command = [go, "build", "-o", str(scratch), "-ldflags", "-s -w", "helm.sh/helm/v3/cmd/helm"]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        command, cwd=MODULE, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise MissingHelm(f"helm does not build: {done.stderr[-2000:]}")
    scratch.rename(target)


@dataclass(frozen=True)
class Helm:
    """Helm with an empty home, on the chart of this repository."""

    binary: Path
    home: Path

    def lint(self, *options: str) -> str:
        """Return what lint says. Raises Refused."""
        return self._run("lint", str(CHART), "--strict", "--kube-version", KUBERNETES, *options)

    def text(self, *options: str, namespace: str = "kubectl-asm-system", release: str = "asm") -> str:
        """Return everything the chart renders to. Raises Refused."""
        return self._run("template", release, str(CHART), "-n", namespace, "--kube-version", KUBERNETES, *options)

    def objects(self, *options: str, values: dict[str, Any] | None = None, **rest: str) -> list[dict[str, Any]]:
        """Return the rendered objects; values stand in a file, as a user would write them."""
        if values is not None:
            file = self.home / "values.yaml"
            file.write_text(yaml.safe_dump(values))
            options = (*options, "-f", str(file))
        return [one for one in yaml.safe_load_all(self.text(*options, **rest)) if one]

    def _run(self, *words: str) -> str:
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [str(self.binary), *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise Refused(done.stdout + done.stderr)
        return done.stdout
