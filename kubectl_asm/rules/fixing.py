"""From findings with one right answer to new text: the edits of the rules, proven, applied, and judged again.

A pass makes what can be made at once; a fix may uncover another one, so passes go on until nothing is left. What cannot be
proven to change only the intended node is left alone and told. Pure; who called writes the files.
Source: spec/cli.md 3 (validate --fix); docs/decisions/0006-fixes-edit-text.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from kubectl_asm.diagnostics import Edit, Fix
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.edit_proof import is_proven
from kubectl_asm.manifest.edits import apply_edits, edited_text
from kubectl_asm.rules.reading import read_parts
from kubectl_asm.rules.runner import Located

MAX_PASSES: Final = 10

Judge = Callable[[Sequence[SourceText]], Sequence[Located]]


@dataclass(frozen=True, slots=True)
class Fixed:
    """The result. sources: all, changed where something was fixed; made: what was; refused: what no proof was found for."""

    sources: tuple[SourceText, ...]
    made: tuple[Located, ...] = ()
    refused: tuple[Located, ...] = ()


def fix_sources(sources: Sequence[SourceText], judge: Judge) -> Fixed:
    """Return the sources with everything fixed that can be. judge: the findings on sources, fixes included."""
    work = _Work({source.name: source for source in sources})
    for _ in range(MAX_PASSES):
        found = [one for one in judge(tuple(work.sources.values())) if one.finding.fix is not None]
        if not work.make(found):
            break
    return Fixed(tuple(work.sources[source.name] for source in sources), tuple(work.made), tuple(work.refused))


@dataclass(slots=True)
class _Work:
    sources: dict[str, SourceText]
    made: list[Located] = field(default_factory=list)
    refused: list[Located] = field(default_factory=list)

    def make(self, found: Sequence[Located]) -> bool:
        """Make what can be made of these findings at once; return whether any text changed."""
        refused = {_fix(one).edit for one in self.refused}
        by_file: dict[str, list[Located]] = {}
        for one in found:
            if _fix(one).edit not in refused:
                by_file.setdefault(_fix(one).edit.span.file, []).append(one)
        changed = [self._file(name, ones) for name, ones in by_file.items()]
        return any(changed)

    def _file(self, name: str, found: Sequence[Located]) -> bool:
        source = self.sources[name]
        proven: list[Edit] = []
        for document, ones in _by_document(source, found):
            fine = _proven(document, ones)
            proven += [_fix(one).edit for one in fine]
            self.refused += [one for one in ones if one not in fine and not _overlaps(one, fine)]
        data, edits = apply_edits(source.data, proven)
        self.made += [one for one in found if _fix(one).edit in edits]
        self.sources[name] = msgspec.structs.replace(source, data=data)
        return bool(edits)


def _by_document(source: SourceText, found: Sequence[Located]) -> Iterator[tuple[Document, list[Located]]]:
    documents = [part.document for part in read_parts(source) if part.document is not None]
    for document, following in zip(documents, [*documents[1:], None], strict=True):
        ones = [
            one
            for one in found
            if document.first_line <= _fix(one).edit.span.line and (following is None or _is_before(one, following))
        ]
        if ones:
            yield document, ones


def _is_before(one: Located, document: Document) -> bool:
    return _fix(one).edit.span.line < document.first_line


def _proven(document: Document, found: Sequence[Located]) -> list[Located]:
    """Return the fixes of a document that can be made together: all, or those that can be made alone."""
    together = _apart(found)
    if _holds(document, together):
        return together
    alone = [one for one in together if _holds(document, [one])]
    return alone if _holds(document, alone) else alone[:1]


def _apart(found: Sequence[Located]) -> list[Located]:
    """Return findings whose edits do not overlap and do not move each other's nodes away."""
    kept: list[Located] = []
    for one in sorted(found, key=lambda located: len(_fix(located).change.path)):
        if not _overlaps(one, kept):
            kept.append(one)
    return kept


def _overlaps(one: Located, others: Sequence[Located]) -> bool:
    begin, end = _range(_fix(one).edit)
    return any(begin < _range(_fix(other).edit)[1] and _range(_fix(other).edit)[0] < end for other in others)


def _range(edit: Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    span = edit.span
    return (span.line, span.column), (span.end_line, span.end_column)


def _holds(document: Document, found: Sequence[Located]) -> bool:
    if not found:
        return True
    text, edits = edited_text(document.text, [_fix(one).edit for one in found], first_line=document.first_line)
    return len(edits) == len(found) and is_proven(document.text, text, [_fix(one).change for one in found])


def _fix(located: Located) -> Fix:
    fix = located.finding.fix
    assert fix is not None
    return fix


def files_changed(before: Sequence[SourceText], after: Sequence[SourceText]) -> Mapping[str, SourceText]:
    """Return the new sources by name, of those whose bytes differ."""
    return {new.name: new for old, new in zip(before, after, strict=True) if old.data != new.data}
