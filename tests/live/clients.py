"""Connections of the product's own adapters to a test control plane."""

# ruff: noqa: TID251  # real servers need the real clock

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from kubectl_asm.adapters.kube.connection import Connection, ConnectionOptions, connect


class RealClock:
    """The Clock port on real time. waits: what was asked for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        time.sleep(seconds)
        return True


def real_now() -> datetime:
    return datetime.now(UTC)


def open_connection(kubeconfig: Path | str, **options: object) -> Connection:
    return connect(ConnectionOptions(kubeconfig=str(kubeconfig), **options), clock=RealClock(), now=real_now)  # type: ignore[arg-type]
