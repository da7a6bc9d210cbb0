"""Connections of the product's own adapters to a test control plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubectl_asm.adapters.kube.connection import Connection, ConnectionOptions, connect
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.system import SystemClock, utc_now


def open_connection(kubeconfig: Path | str, *, log: RequestLog | None = None, **options: Any) -> Connection:
    """Open a connection as a command would; the caller closes it."""
    return connect(ConnectionOptions(kubeconfig=str(kubeconfig), **options), clock=SystemClock(), now=utc_now, log=log)
