"""The clusters the contract runs against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.ports import ObjectReader, ObjectWriter
from tests.live.fixtures import *  # noqa: F403  # fixtures are shared by import

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cluster:
    """A cluster under test: an empty namespace, and a second writer that other managers use."""

    reader: ObjectReader
    writer: ObjectWriter
    other: ObjectWriter
    namespace: str


def _memory() -> Cluster:
    memory = MemoryCluster(now=lambda: NOW)
    other = MemoryCluster(now=lambda: NOW, manager="kubectl")
    other.__dict__.update({**memory.__dict__, "_manager": "kubectl"})  # two managers, one store
    return Cluster(memory, memory, other, "shop")


def _kube(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    from kubectl_asm.adapters.kube.reader import KubeReader
    from kubectl_asm.adapters.kube.writer import KubeWriter
    from tests.live.clients import open_connection

    request.getfixturevalue("socket_enabled")
    control_plane = request.getfixturevalue("control_plane")
    connection = open_connection(control_plane.kubeconfig)
    transport = connection.transport
    namespace = request.getfixturevalue("namespace")
    yield Cluster(KubeReader(transport), KubeWriter(transport), KubeWriter(transport, field_manager="kubectl"), namespace)
    connection.close()


@pytest.fixture(params=["memory", pytest.param("kube", marks=pytest.mark.live)])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """One cluster after the other."""
    if request.param == "memory":
        yield _memory()
    else:
        yield from _kube(request)
