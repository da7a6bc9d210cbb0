"""Sources to typed objects that know where they came from. Called by every command that reads files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kubectl_asm.diagnostics import Span
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.decode import OWN_KINDS, FieldError, Obj, decode_object, input_error, kind_of, list_items
from kubectl_asm.manifest.documents import Document, Path, SourceText, parse_documents
from kubectl_asm.manifest.nodes import paused_gc
from kubectl_asm.model.objects import GROUP, KubeObject


@dataclass(frozen=True, slots=True)
class Loaded:
    """One object and its place: the document and the path of the object inside it (a List has several)."""

    obj: KubeObject
    document: Document = field(repr=False)
    path: Path = ()

    def span(self, path: Path = (), *, key: bool = False) -> Span:
        """Return the place of a field of this object."""
        return self.document.span((*self.path, *path), key=key)


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything read from a set of sources: typed objects, and what could not be read."""

    objects: tuple[Loaded, ...] = ()
    problems: tuple[InputError, ...] = ()
    documents: int = 0

    def of_kind(self, kind: type[Obj]) -> Iterator[Obj]:
        """Yield the objects of one kind in input order."""
        for loaded in self.objects:
            if isinstance(loaded.obj, kind):
                yield loaded.obj


def load_manifests(sources: Iterable[SourceText]) -> Manifests:
    """Read every source; problems are collected, never raised."""
    objects: list[Loaded] = []
    problems: list[InputError] = []
    documents = 0
    with paused_gc():
        for source in sources:
            for part in parse_documents(source):
                if isinstance(part, InputError):
                    problems.append(part)
                    continue
                documents += 1
                for outcome in _objects_of(part):
                    if isinstance(outcome, InputError):
                        problems.append(outcome)
                    else:
                        objects.append(outcome)
    return Manifests(tuple(objects), tuple(problems), documents)


def _objects_of(document: Document) -> Iterator[Loaded | InputError]:
    for path, value in list_items(document.value):
        if kind_of(value) is None:
            if problem := _own_group_problem(document, path, value):
                yield problem
            continue
        try:
            obj = decode_object(value)
        except FieldError as error:
            span = document.span((*path, *error.path))
            yield input_error(error, file=span.file, line=span.line, column=span.column)
            continue
        assert obj is not None
        if not obj.metadata.name:
            span = document.span((*path, "metadata"), key=True)
            message = f"{obj.RESOURCE.kind} without metadata.name"
            yield InputError(message, file=span.file, line=span.line, column=span.column)
            continue
        yield Loaded(obj, document, path)


def _own_group_problem(document: Document, path: Path, value: object) -> InputError | None:
    """Say why an object of our API group is none of the four kinds; objects of other groups are skipped."""
    if not isinstance(value, dict) or not str(value.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return None
    kind = str(value.get("kind"))
    field_name = "apiVersion" if kind in OWN_KINDS else "kind"
    span = document.span((*path, field_name))
    if field_name == "apiVersion":
        message = f'unknown version "{str(value["apiVersion"])[:64]}" of {kind}'
        hint = f"use {GROUP}/v1alpha1"
    else:
        message = f'unknown kind "{kind[:64]}" in group {GROUP}'
        hint = f"kinds of this group: {', '.join(sorted(OWN_KINDS))}"
    return InputError(message, file=span.file, line=span.line, column=span.column, hint=hint)
