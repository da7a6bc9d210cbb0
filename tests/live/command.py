"""Run the command line as a user would: a process of its own, an environment of its own, both streams kept."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Asm:
    """The command line under fixed surroundings.

    looks_around: whether sync looks for controllers. Other tests put some into the shared control plane, so only the tests
    about them do (fixture alone_with_controllers).
    """

    kubeconfig: Path
    ready_file: Path
    home: Path
    record: Path
    fixtures: Path
    looks_around: bool = False

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "PYTHONPATH": str(ROOT),
            "ACCESS_KEY_ID": "emulator",
            "SECRET_ACCESS_KEY": "emulator",
            **(extra or {}),
        }

    def cloud(self) -> list[str]:
        return ["--region", "cn-hangzhou", "--cloud-emulator", str(self.ready_file), "--max-concurrent-kms-secret-pulls", "0"]

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        if arguments[0] == "sync" and not self.looks_around:
            arguments = (*arguments, "--allow-coexistence")
        return subprocess.Popen(
            [sys.executable, "-m", "kubectl_asm", *arguments],
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
        )

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> Ran:
        process = self.start(*arguments, env=env)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ran(process.returncode, out, err)

    def sync(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return self.run("sync", *self.cloud(), "-o", "json", *arguments, env=env)

    def diff(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return self.run("diff", *self.cloud(), *arguments, env=env)

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.record.read_text().splitlines()] if self.record.exists() else []


@contextmanager
def emulator(folder: Path, fixtures: Path, *options: str) -> Iterator[tuple[Path, Path]]:
    """Run `kubectl asm emulator`, with more options where given, and yield its ready file and its record."""
    ready, record = folder / "cloud.json", folder / "calls.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "kubectl_asm", "emulator", "--fixtures", str(fixtures), "--ready-file", str(ready),
         "--record", str(record), "--ca-out", str(folder / "ca.pem"), *options],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "the emulator did not start"
            time.sleep(0.05)
        yield ready, record
    finally:
        process.terminate()
        process.communicate(timeout=20)
