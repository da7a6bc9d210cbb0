"""What the linter says about the objects that `explain` explains: the rules of `validate`, under the same settings.

Source: spec/cli.md 3 (explain: findings as validate); spec/lint.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.lookups import Found, Lookup
from kubectl_asm.errors import ClusterError
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.report.explanation import Explained
from kubectl_asm.report.findings import finding_item
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint, unknown_settings
from kubectl_asm.rules.runner import Located, Selection
from kubectl_asm.wiring.surroundings import LIVE_NAME, surroundings
from kubectl_asm.wiring.world import Session

Key = tuple[str, str, str]
"""Kind, namespace and name."""


def judge(
    session: Session,
    items: Sequence[Explained],
    texts: Sequence[SourceText] | None,
    choices: Choices,
    selection: Selection,
    *,
    is_live: bool,
) -> list[list[dict[str, Any]]]:
    """Return for each item the findings about it, the ClusterExternalSecret it came from and the stores it reads through.

    texts: what is judged; None: the live objects themselves. is_live: what they refer to is looked up in the cluster.
    """
    judged = tuple(texts) if texts is not None else (_live_text(session, items),)
    known: Sequence[Document] = ()
    if is_live:
        choices, known = _looked_up(session, judged, choices)
    found: dict[Key, list[Located]] = {}
    for one in lint(judged, choices, selection, known).findings:
        found.setdefault((one.object.kind, one.object.namespace, one.object.name), []).append(one)
    return [list(_about(item, found)) for item in items]


def _about(item: Explained, found: Mapping[Key, Sequence[Located]]) -> Iterator[dict[str, Any]]:
    for key in dict.fromkeys(_keys(item)):
        yield from (finding_item(one) for one in found.get(key, ()))


def _keys(item: Explained) -> Iterator[Key]:
    external = item.external
    yield ExternalSecret.RESOURCE.kind, external.namespace, external.name
    owner = external.metadata.controller
    if owner is not None:
        yield owner.kind, "", owner.name
    for admission in item.admitted if isinstance(item.admitted, Sequence) else ():
        if (store := _store(external, admission)) is not None:
            yield store


def _store(external: ExternalSecret, admission: EntryAdmission) -> Key | None:
    ref = admission.entry.source.secret_store_ref
    if ref is None:
        return None
    if ref.kind == ClusterSecretStore.RESOURCE.kind:
        return ref.kind, "", ref.name
    return SecretStore.RESOURCE.kind, ref.namespace or external.namespace, ref.name


def _looked_up(session: Session, texts: Sequence[SourceText], choices: Choices) -> tuple[Choices, Sequence[Document]]:
    """Return what the cluster says about the references; a cluster that says nothing leaves them unknown."""
    try:
        around = surroundings(session.rounds.ports.reader, texts, (), choices)
    except ClusterError:
        return choices, ()
    return around.judged(choices), around.documents


def _live_text(session: Session, items: Sequence[Explained]) -> SourceText:
    """Return the explained objects with their parents and stores as a text, one object a line."""
    objects: dict[Key, Any] = {}
    for item in items:
        for key in _keys(item):
            if key not in objects:
                objects[key] = item.external if key[0] == ExternalSecret.RESOURCE.kind else _referred(session, key)
    return SourceText(LIVE_NAME, _lines(obj for obj in objects.values() if obj is not None))


def _lines(objects: Iterable[Any]) -> bytes:
    encoded = (json.dumps(encode_object(obj, reveal=False), ensure_ascii=False) for obj in objects)
    return "\n".join(encoded).encode("utf-8", "surrogatepass")


def _referred(session: Session, key: Key) -> Any:
    kind, namespace, name = key
    references = session.rounds.ports.references
    found: Lookup[Any] | None = None
    for one in (SecretStore, ClusterSecretStore, ClusterExternalSecret):
        if one.RESOURCE.kind == kind:
            found = references.look(one, namespace, name)
    return found.obj if isinstance(found, Found) else None


def choices_of(settings: Settings, origins: Mapping[str, str], unknown: frozenset[str], namespace: str) -> Choices:
    """Return how to judge under the settings of a command. unknown: those whose value nobody here can tell."""
    return Choices(settings, unknown_settings(origins) | unknown, namespace=namespace)
