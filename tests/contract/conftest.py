"""The clusters the contract runs against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from kubectl_asm.adapters.directory import DirectoryCluster
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectReader, ObjectWatcher, ObjectWriter
from tests.live.fixtures import *  # noqa: F403  # fixtures are shared by import

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cluster:
    """A cluster under test: an empty namespace, a second writer that other managers use, a watcher where there is one."""

    reader: ObjectReader
    writer: ObjectWriter
    other: ObjectWriter
    namespace: str
    watcher: ObjectWatcher | None = None


class OtherManager:
    """The same cluster, written under another manager's name."""

    def __init__(self, writer: ObjectWriter, memory: Callable[[], MemoryCluster]) -> None:
        self._writer = writer
        self._memory = memory

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object, **options: object) -> object:
            memory = self._memory()
            own, memory._manager = memory._manager, "kubectl"
            try:
                return getattr(self._writer, name)(*arguments, **options)
            finally:
                memory._manager = own

        return call


def _memory() -> Cluster:
    memory = MemoryCluster(now=lambda: NOW)
    return Cluster(memory, memory, OtherManager(memory, lambda: memory), "shop", memory)


def _directory(folder: Path) -> Iterator[Cluster]:
    with DirectoryCluster(folder, now=lambda: NOW) as directory:
        yield Cluster(directory, directory, OtherManager(directory, lambda: directory._memory), "shop")
        again = DirectoryCluster(folder, now=lambda: NOW, writable=False)
        assert _comparable(again) == _comparable(directory), "the files do not hold what the cluster says"


def _comparable(directory: DirectoryCluster) -> list[KubeObject]:
    """Everything but versions, which live as long as a pass."""
    return [
        msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, resource_version=""))
        for obj in directory._memory.objects()
    ]


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


def _watched(request: pytest.FixtureRequest, *, is_started: bool) -> Iterator[Cluster]:
    from kubectl_asm.adapters.kube.noting import NotingWriter
    from kubectl_asm.adapters.kube.watched import WatchedCluster, WatchOptions
    from kubectl_asm.adapters.kube.writer import KubeWriter
    from kubectl_asm.adapters.system import SystemClock, SystemRandom
    from tests.live.clients import open_connection

    request.getfixturevalue("socket_enabled")
    connection = open_connection(request.getfixturevalue("control_plane").kubeconfig)
    transport, namespace = connection.transport, request.getfixturevalue("namespace")
    options = WatchOptions(namespaces=(namespace,))
    watched = WatchedCluster(transport, clock=SystemClock(), random=SystemRandom(), options=options)
    writer, other = (NotingWriter(KubeWriter(transport, field_manager=name), watched) for name in ("kubectl-asm", "kubectl"))
    if is_started:
        watched.start()
        assert watched.wait_until_synced(20.0)
    yield Cluster(watched, writer, other, namespace, watched)
    watched.stop()
    connection.close()


@pytest.fixture(params=["memory", "directory", *(pytest.param(name, marks=pytest.mark.live) for name in ("kube", "watched"))])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """One cluster after the other."""
    if request.param == "memory":
        yield _memory()
    elif request.param == "directory":
        yield from _directory(tmp_path)
    elif request.param == "kube":
        yield from _kube(request)
    else:
        yield from _watched(request, is_started=True)


@pytest.fixture(params=["memory", pytest.param("watched", marks=pytest.mark.live)])
def watched(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One cluster with a watcher after the other, not started yet."""
    if request.param == "memory":
        yield _memory()
    else:
        yield from _watched(request, is_started=False)
