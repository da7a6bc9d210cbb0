"""What fixes change as a unified diff that `git apply` and `patch` take.

Hunks end where their document ends, and documents that hold a Secret are never fixed, so no line of a Secret is ever shown.
Source: spec/cli.md 3 (validate --fix --dry-run).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText, decode_text, parse_documents, split_documents

_HUNK = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")
_NO_END: Final = "\n\\ No newline at end of file\n"


def patch(before: SourceText, after: SourceText) -> Iterator[str]:
    """Yield the text of a diff of two versions of one file, line by line with line ends; nothing when they are equal."""
    is_headed = False
    for (first, old), (_, new) in zip(_parts(before), _parts(after), strict=True):
        if old == new:
            continue
        if not is_headed:
            is_headed = True
            a, b = (before.name, after.name) if PurePath(before.name).is_absolute() else (f"a/{before.name}", f"b/{after.name}")
            yield f"--- {a}\n"
            yield f"+++ {b}\n"
        for line in list(difflib.unified_diff(_lines(old), _lines(new), n=3))[2:]:
            moved = _moved(line, first - 1)
            yield moved if moved.endswith("\n") else moved + _NO_END


def _moved(line: str, by: int) -> str:
    """Return a line of a diff; the head of a hunk counts in the document, and shall count in the file."""
    match = _HUNK.match(line)
    return f"@@ -{int(match[1]) + by}{match[2]} +{int(match[3]) + by}{match[4]} @@\n" if match else line


def _parts(source: SourceText) -> list[tuple[int, str]]:
    """Return (first line, text) of every document."""
    text = decode_text(source)
    if not text.lstrip(" \t\r\n").startswith("{"):
        return list(split_documents(text))
    documents = [part for part in parse_documents(source) if not isinstance(part, InputError)]
    return [(1, text)] if len(documents) < 2 else [(one.first_line, one.text) for one in documents]


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+$", text)
