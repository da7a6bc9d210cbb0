"""The cluster of a command: a folder, or the API server of a kubeconfig."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_asm.adapters.system import utc_now
from kubectl_asm.errors import BugError, InputError
from kubectl_asm.ports import ObjectReader, ObjectWriter, TokenIssuer
from kubectl_asm.wiring.world import World

if TYPE_CHECKING:
    from kubectl_asm.adapters.kube.connection import Connection, ConnectionOptions


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Which cluster. folder: a directory acts as it; else the kubeconfig's. writable: whether anything will be written."""

    options: ConnectionOptions | None
    folder: str = ""
    namespace: str = ""
    chunk_size: int = 500
    concurrency: int = 16
    server_dry_run: bool = False
    writable: bool = True


@dataclass(slots=True)
class Cluster:
    """An open cluster: reader, writer and what else a command asks of it. connection is None for a folder."""

    reader: ObjectReader
    writer: ObjectWriter
    namespace: str
    requests: Callable[[], int]
    connection: Connection | None = None
    tokens: TokenIssuer | None = None
    problems: tuple[InputError, ...] = ()


@contextlib.contextmanager
def open_cluster(choice: ClusterChoice, world: World) -> Iterator[Cluster]:
    """Open the chosen cluster and close it afterwards."""
    if choice.folder:
        from kubectl_asm.adapters.directory import DirectoryCluster

        namespace = choice.namespace or "default"
        with DirectoryCluster(Path(choice.folder), now=utc_now, namespace=namespace, writable=choice.writable) as folder:
            yield Cluster(folder, folder, namespace, lambda: 0, problems=folder.problems)
        return
    from kubectl_asm.adapters.kube.connection import connect
    from kubectl_asm.adapters.kube.reader import KubeReader
    from kubectl_asm.adapters.kube.tokens import KubeTokenIssuer
    from kubectl_asm.adapters.kube.writer import KubeWriter

    if choice.options is None:
        raise BugError("neither a folder nor connection options")
    connection = connect(choice.options, clock=world.clock, now=utc_now, pool_size=choice.concurrency)
    try:
        transport = connection.transport
        yield Cluster(
            KubeReader(transport, chunk_size=choice.chunk_size),
            KubeWriter(transport, server_dry_run=choice.server_dry_run),
            connection.namespace,
            lambda: connection.log.total,
            connection,
            KubeTokenIssuer(transport),
        )
    finally:
        connection.close()
