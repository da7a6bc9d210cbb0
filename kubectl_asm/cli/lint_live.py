"""validate --live: open the cluster, ask it about what the input refers to, close it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from kubectl_asm import wiring
from kubectl_asm.cli.options import ProcessEnvironment
from kubectl_asm.cli.session import Options, connection_options, warn
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.settings_sources import DeploymentFlags
from kubectl_asm.rules.context import Choices
from kubectl_asm.wiring.surroundings import surroundings


def look_around(
    values: Mapping[str, Any],
    process: ProcessEnvironment,
    sources: Sequence[SourceText],
    context: Sequence[Document],
    choose: Callable[[DeploymentFlags | None], Choices],
) -> tuple[Choices, tuple[Document, ...]]:
    """Return how to judge and what is known, the cluster's answers included. Raises ClusterError when there are none.

    choose: returns how to judge under the flags of the Deployment that --from-deployment names.
    """
    options = Options(values, process)
    choice = wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        writable=False,
    )
    with wiring.open_cluster(choice, wiring.World()) as cluster:
        named = options.from_deployment
        deployment = wiring.deployment_flags(cluster, named) if named else None
        choices = msgspec.structs.replace(choose(deployment), namespace=options.namespace or cluster.namespace)
        found = surroundings(cluster.reader, sources, context, choices)
    for note in found.notes():
        warn(note)
    return found.judged(choices), (*context, *found.documents)
