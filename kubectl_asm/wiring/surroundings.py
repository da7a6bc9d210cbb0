"""The cluster around an input set: the objects it refers to, read one round of references after the other.

Of Secrets only the keys are kept. What may not be read stays unknown and is told once; it is neither there nor absent.
Source: spec/cli.md 3 (validate --live).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.errors import AccessError, NotFoundError
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.model.objects import KubeObject, Namespace, Secret
from kubectl_asm.ports import ObjectReader
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.wanted import Wanted, has_cluster_externals, wanted_objects

LIVE_NAME: Final = "<cluster>"
_ROUNDS: Final = 4
"""An ExternalSecret leads to a store, a store to an AccessKey or ServiceAccount; a namespace list comes before."""


@dataclass(slots=True)
class Surroundings:
    """What the cluster holds of what was asked for. choices: with what is known to be absent; notes: for stderr."""

    documents: list[Document] = field(default_factory=list)
    absent: set[tuple[str, str, str]] = field(default_factory=set)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def judged(self, choices: Choices) -> Choices:
        """Return how to judge, now that absence is known."""
        return msgspec.structs.replace(choices, absent=frozenset(self.absent))

    def notes(self) -> list[str]:
        """Return one sentence for each kind and namespace that may not be read."""
        return [_refusal(kind, namespace, count) for (kind, namespace), count in sorted(self.refused.items())]


def _refusal(kind: str, namespace: str, count: int) -> str:
    where = f" in namespace {namespace}" if namespace else ""
    references = "one reference is" if count == 1 else f"{count} references are"
    return f"{kind} objects{where} may not be read: {references} not judged"


def surroundings(
    reader: ObjectReader, sources: Sequence[SourceText], context: Sequence[Document], choices: Choices
) -> Surroundings:
    """Return what a cluster holds of the objects that sources refer to. Raises ClusterError when it cannot answer at all."""
    listed = ListedReader(reader)
    found = Surroundings()
    if has_cluster_externals(sources):
        _namespaces(listed, found)
    asked: set[Wanted] = set()
    for _ in range(_ROUNDS):
        wanted = wanted_objects(sources, [*context, *found.documents], choices) - asked
        if not wanted:
            break
        asked |= wanted
        for kind in {kind for kind, *_ in wanted}:
            listed.announce(kind, [(namespace, name) for one, namespace, name in wanted if one is kind])
        for kind, namespace, name in sorted(wanted, key=lambda one: (one[0].RESOURCE.kind, *one[1:])):
            _read(listed, kind, namespace, name, found)
    return found


def _namespaces(reader: ObjectReader, found: Surroundings) -> None:
    try:
        found.documents += [_document(one) for one in reader.list(Namespace)]
    except AccessError:
        found.refused["Namespace", ""] += 1


def _read(reader: ObjectReader, kind: type[KubeObject], namespace: str, name: str, found: Surroundings) -> None:
    try:
        found.documents.append(_document(reader.get(kind, namespace, name)))
    except NotFoundError:
        found.absent.add((kind.RESOURCE.kind, namespace, name))
    except AccessError:
        found.refused[kind.RESOURCE.kind, namespace] += 1


def _document(obj: KubeObject) -> Document:
    value: dict[str, Any] = encode_object(obj, reveal=False)
    if isinstance(obj, Secret):
        value["data"] = dict.fromkeys(obj.data, "")
    return Document(LIVE_NAME, 1, "", value)
