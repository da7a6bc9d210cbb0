"""The objects of an input set as rules see them: raw and typed, with their place and what was refused about them.

Source: spec/lint.md 2; spec/cli.md 1 (objects of other kinds are used, unknown ones skipped).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from kubectl_asm.manifest.decode import KINDS, OWN_KINDS, FieldError, decode_as, list_items
from kubectl_asm.manifest.documents import Document, Path
from kubectl_asm.manifest.positions import Places, starts_with
from kubectl_asm.model.objects import API_VERSION, GROUP, KubeObject, Secret
from kubectl_asm.rules.shape import METADATA, IssueKind, Repair, ShapeIssue, object_shape

IGNORE_ANNOTATION: Final = "kubectl-asm/ignore"
_WORDS: Final = re.compile(r"[\s,]+")


@dataclass(slots=True)
class Subject:
    """One object of the input.

    kind: as written. obj: typed, after repair; None when version or kind is not ours. refused: paths that were reported
    as structural issues. order: position in the input set. is_known_only: others may refer to it, and nobody judges it.
    memo: what several rules need and is worked out once.
    """

    document: Document = field(repr=False)
    root: Path
    value: dict[str, Any] = field(repr=False)
    kind: str
    namespace: str
    name: str
    order: int
    obj: KubeObject | None = None
    issues: tuple[ShapeIssue, ...] = ()
    actual: dict[Path, Path] = field(default_factory=dict)
    refused: set[Path] = field(default_factory=set)
    is_own: bool = False
    is_known_only: bool = False
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ignored(self) -> frozenset[str]:
        """The codes and names that the object's annotation switches off."""
        words: frozenset[str] | None = self.memo.get(IGNORE_ANNOTATION)
        if words is None:
            text = self.raw(("metadata", "annotations", IGNORE_ANNOTATION))
            words = self.memo[IGNORE_ANNOTATION] = frozenset(_WORDS.split(text) if isinstance(text, str) else ())
        return words

    @property
    def is_typed_own(self) -> bool:
        """Whether this is one of the four kinds in the version this program knows."""
        return self.is_own and self.obj is not None

    def is_refused(self, path: Path) -> bool:
        """Return whether a path or one of its parents was refused."""
        return any(path[:length] in self.refused for length in range(1, len(path) + 1))

    def has_refused_below(self, path: Path) -> bool:
        """Return whether something at or below a path was refused, so that its absence says nothing."""
        return any(starts_with(one, path) for one in self.refused)

    def is_lost_below(self, path: Path) -> bool:
        """Return whether something at or below a path was given in a form that nothing can be made of, or not at all."""
        return any(
            starts_with(issue.path, path)
            for issue in self.issues
            if (issue.kind is IssueKind.TYPE and not issue.is_kept) or issue.path[-1:] == ("objectAlias",)
        )

    def written(self, path: Path) -> Path:
        """Return a path in the document as it was written: below the object's root, through misspelt keys."""
        for length in range(len(path), 0, -1):
            if (actual := self.actual.get(path[:length])) is not None:
                return (*self.root, *actual, *path[length:])
        return (*self.root, *path)

    def has(self, path: Path) -> bool:
        """Return whether the manifest has a member at path that is not null."""
        return self.raw(path) is not None

    def raw(self, path: Path) -> Any:
        """Return the raw value at path, None when there is none."""
        value: Any = self.value
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value


def subjects_of(document: Document, namespace: str, first: int) -> Iterator[Subject]:
    """Yield the objects of a document that rules can use. namespace: of objects without one; first: order number."""
    for root, value in list_items(document.value):
        if not isinstance(value, dict):
            continue
        version, kind = value.get("apiVersion"), value.get("kind")
        own = isinstance(version, str) and (version == GROUP or version.startswith(f"{GROUP}/"))
        known = KINDS.get((str(version), str(kind)))
        if own or known is not None:
            yield _subject(document, root, value, known, own, namespace, first)
            first += 1


def holds_secret(document: Document) -> bool:
    """Return whether a document holds a Secret: its text is never written anew and never shown in a diff."""
    return any(isinstance(value, dict) and value.get("kind") == "Secret" for _, value in list_items(document.value))


def _subject(
    document: Document, root: Path, value: dict[str, Any], known: type[KubeObject] | None, own: bool, namespace: str, order: int
) -> Subject:
    metadata = value.get("metadata")
    meta = metadata if isinstance(metadata, dict) else {}
    name, where = _text(meta.get("name")), _text(meta.get("namespace"))
    namespaced = known is not None and known.RESOURCE.namespaced
    subject = Subject(document, root, value, str(value.get("kind")), (where or namespace) if namespaced else "", name, order)
    subject.is_own = own
    if own and known is not None:
        _type_own(subject, known)
    elif known is not None:
        subject.obj = _typed_foreign(known, value, subject)
    return subject


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _type_own(subject: Subject, kind: type[KubeObject]) -> None:
    repair = Repair(_Written(subject))
    cleaned = repair.clean(subject.value, object_shape(kind), ())
    meta = cleaned.get("metadata")
    if meta is not None and not isinstance(meta, dict):
        repair.clean(meta, METADATA, ("metadata",))
    cleaned_meta = repair.clean(meta if isinstance(meta, dict) else {}, METADATA, ("metadata",))
    _meant_names(subject, cleaned_meta)
    subject.issues = tuple(repair.issues)
    subject.actual = repair.actual
    subject.refused = {issue.path for issue in repair.issues if issue.kind is not IssueKind.LETTER} | set(repair.actual)
    cleaned.pop("status", None)
    texts = {key: cleaned_meta[key] for key in ("labels", "annotations") if key in cleaned_meta}
    body = {**cleaned, "metadata": {**texts, "name": subject.name, "namespace": subject.namespace}}
    subject.obj = decode_as(kind, body)


def _meant_names(subject: Subject, cleaned: Mapping[str, Any]) -> None:
    """Take name and namespace as they were meant: from misspelt keys too, and y as the letter it is."""
    subject.name = cleaned.get("name", "")
    if subject.namespace:
        subject.namespace = cleaned.get("namespace") or subject.namespace


class _Written:
    """Looks up scalars of one subject as they stand in the file; composes its document once, when first asked."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._places: Places | None = None

    def __call__(self, path: Path) -> str:
        if self._places is None:
            self._places = Places(self._subject.document)
        return self._places.written(self._subject.written(path))


def _typed_foreign(kind: type[KubeObject], value: dict[str, Any], subject: Subject) -> KubeObject:
    """Return a Secret, ConfigMap, ServiceAccount or Namespace; of what cannot be decoded the keys are kept."""
    keys = _keys_alone(value)
    try:
        obj = decode_as(kind, value)
        is_whole = not isinstance(obj, Secret) or obj.data.keys() >= keys.get("stringData", {}).keys()
    except FieldError:
        is_whole = False
    if not is_whole:
        obj = decode_as(kind, {"metadata": {"name": subject.name}, **keys})
    return msgspec.structs.replace(
        obj, metadata=msgspec.structs.replace(obj.metadata, name=subject.name, namespace=subject.namespace)
    )


def _keys_alone(value: dict[str, Any]) -> dict[str, dict[str, str]]:
    members = {name: value.get(name) for name in ("data", "stringData", "binaryData")}
    return {name: dict.fromkeys(map(str, one), "") for name, one in members.items() if isinstance(one, dict)}


def is_known_own(subject: Subject) -> bool:
    """Return whether version and kind are ones this program knows."""
    return subject.value.get("apiVersion") == API_VERSION and subject.kind in OWN_KINDS
