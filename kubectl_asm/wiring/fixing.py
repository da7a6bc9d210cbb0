"""Fixed files, written: one at a time, in one step each, and only over the bytes that were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kubectl_asm.adapters.directory_files import replace_file
from kubectl_asm.adapters.files import read_file
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText


def write_fixed(before: Sequence[SourceText], changed: Mapping[str, SourceText]) -> None:
    """Replace every changed file. Raises InputError for one that is not what was judged any more, or cannot be written."""
    for source in before:
        new = changed.get(source.name)
        if new is None:
            continue
        path = Path(source.name)
        if read_file(path).data != source.data:
            raise InputError("the file was changed while it was fixed; run again", file=source.name)
        try:
            replace_file(path, new.data, private=False)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or type(error).__name__}", file=source.name) from None
