"""Reads of a live cluster for commands that show and do not write."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_asm.app.select import Selection, parse_names
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Secret
from kubectl_asm.ports import ObjectReader


def select_live(reader: ObjectReader, names: Sequence[str], namespace: str, selector: str) -> list[ExternalSecret]:
    """Return the selected ExternalSecrets of a cluster; namespace is empty for all."""
    listed = reader.list(ExternalSecret, namespace, label_selector=selector)
    return Selection(parse_names(names), namespace).pick(listed)


def existing_targets(reader: ObjectReader, externals: Sequence[ExternalSecret]) -> dict[tuple[str, str], bool]:
    """Return which target Secrets exist; namespaces whose Secrets may not be listed are left out."""
    exists: dict[tuple[str, str], bool] = {}
    for namespace in sorted({external.namespace for external in externals}):
        try:
            found = {secret.name for secret in reader.list(Secret, namespace)}
        except ClusterError:
            continue
        for external in externals:
            if external.namespace == namespace:
                exists[(namespace, external.target_name)] = external.target_name in found
    return exists
