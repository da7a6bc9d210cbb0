"""Input as the user names it: files, folders, globs, stdin, kustomizations and charts become SourceTexts.

Source: spec/cli.md 1 (inputs).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import IO

from kubectl_asm.adapters.building import Chart, is_built, kustomized, rendered_chart
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import SourceText

STDIN_NAME = "<stdin>"
_ENDINGS = (".yaml", ".yml", ".json")
_GLOB_CHARACTERS = frozenset("*?[")
MAX_FILE_BYTES = 64 * 1024 * 1024


def read_sources(
    filenames: Sequence[str],
    *,
    recursive: bool = False,
    kustomize: str = "",
    chart: Chart | None = None,
    stdin: IO[bytes] | None = None,
    is_left_out: Callable[[str], bool] = lambda _name: False,
) -> Iterator[SourceText]:
    """Yield the text behind every name in order; a folder gives its manifests in name order.

    stdin: used when nothing is named, and for `-`. is_left_out: files that a folder or pattern does not give.

    Raises InputError for what cannot be read, UsageError for no input.
    """
    if kustomize:
        yield kustomized(kustomize)
    if chart is not None:
        yield from rendered_chart(chart)
    if not filenames and not kustomize and chart is None:
        if stdin is None:
            raise UsageError("nothing to read", hint="name manifests with -f FILE, a folder, a glob, or - for stdin")
        yield SourceText(STDIN_NAME, stdin.read())
        return
    seen: set[str] = set()
    for name in filenames:
        if name == "-":
            yield SourceText(STDIN_NAME, (stdin or sys.stdin.buffer).read())
            continue
        for path in expand(name, recursive=recursive):
            if str(path) not in seen and (str(path) == name or not is_left_out(str(path))):
                seen.add(str(path))
                yield read_file(path)


def expand(name: str, *, recursive: bool) -> Iterable[Path]:
    """Return the files a name stands for. Raises InputError when there are none."""
    path = Path(name)
    try:
        if path.is_dir():
            found = sorted(path.rglob("*") if recursive else path.iterdir(), key=attrgetter("parts"))  # the order of paths
            return [item for item in found if item.suffix in _ENDINGS and item.is_file()]
        if path.exists() or not _GLOB_CHARACTERS & set(name):
            return [path]
        anchor, pattern = (Path(path.anchor), str(path.relative_to(path.anchor))) if path.is_absolute() else (Path(), name)
        matches = sorted(anchor.glob(pattern))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or type(error).__name__}", file=name) from None
    except ValueError:
        raise InputError("not a pattern: ** must be a path element of its own", file=name) from None
    if not matches:
        raise InputError("no file matches this pattern", file=name)
    return [item for item in matches if item.is_file()]


def read_file(path: Path) -> SourceText:
    """Return a file's bytes under the name the user gave. Raises InputError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"the file is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB", file=str(path))
        return SourceText(str(path), path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or type(error).__name__}", file=str(path)) from None


def is_generated(name: str) -> bool:
    """Return whether a source is no file of its own: stdin, or what kubectl or helm built."""
    return name == STDIN_NAME or is_built(name)
