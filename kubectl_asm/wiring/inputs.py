"""Manifests, fixtures and plain data files, read and placed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from kubectl_asm.adapters.building import Chart
from kubectl_asm.adapters.cloud.values import Fixtures, decode_fixtures
from kubectl_asm.adapters.files import read_file, read_sources
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, SourceText, decode_text, parse_documents, parse_part
from kubectl_asm.manifest.load import Manifests, load_manifests
from kubectl_asm.manifest.placing import placed
from kubectl_asm.manifest.scalars import Dialect

_JSON_START = re.compile(r'\s*\{\s*["}]')


def read_manifests(
    filenames: Sequence[str],
    *,
    recursive: bool,
    stdin: IO[bytes] | None,
    namespace: str,
    kustomize: str = "",
    chart: Chart | None = None,
) -> Manifests:
    """Return the manifests behind -f, -R, -k and --helm; objects without a namespace get the given one."""
    sources = read_sources(filenames, recursive=recursive, kustomize=kustomize, chart=chart, stdin=stdin)
    return manifests_of(sources, namespace)


def read_texts(
    filenames: Sequence[str],
    *,
    recursive: bool,
    stdin: IO[bytes] | None,
    kustomize: str = "",
    chart: Chart | None = None,
) -> tuple[SourceText, ...]:
    """Return the texts behind -f, -R, -k and --helm, for commands that need more of them than their objects."""
    return tuple(read_sources(filenames, recursive=recursive, kustomize=kustomize, chart=chart, stdin=stdin))


def manifests_of(texts: Iterable[SourceText], namespace: str) -> Manifests:
    """Return the objects of texts; those without a namespace get the given one."""
    return placed(load_manifests(texts), namespace)


def read_fixtures(path: str) -> Fixtures:
    """Return a fixtures file. Raises InputError with the place of the first problem."""
    document = _one_document(read_file(Path(path)))
    if document is None:
        return decode_fixtures({})[0]
    folder = Path(path).parent
    fixtures, problems = decode_fixtures(document.value, read_file=lambda name: (folder / name).read_bytes())
    if problems:
        first = problems[0]
        span = document.span(first.path)
        raise InputError(first.message, file=span.file, line=span.line, column=span.column)
    return fixtures


def _one_document(source: SourceText) -> Document | None:
    for part in parse_documents(source):
        if isinstance(part, InputError):
            raise part
        return part
    return None


def load_plain(path: Path) -> Any:
    """Return the plain data of a YAML or JSON file; raises InputError with the place."""
    source = read_file(path)
    try:
        document = _one_document(source)
    except InputError:
        document = _flow_document(source)
        if document is None:
            raise
    return None if document is None else document.value


def _flow_document(source: SourceText) -> Document | None:
    """Return data that begins like JSON and is YAML in flow style, None when it is neither. Raises InputError for bad YAML."""
    text = decode_text(source)
    if not text.lstrip().startswith("{"):
        return None
    found = parse_part(source.name, 1, text, Dialect.KUBECTL, 0)
    if isinstance(found, InputError) and not _JSON_START.match(text):
        raise found  # no JSON at all: where YAML stopped is what helps
    return found if isinstance(found, Document) else None
