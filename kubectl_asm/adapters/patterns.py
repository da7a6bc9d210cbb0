"""Patterns of paths in the form of .gitignore lines, relative to the folder that holds the settings file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from kubectl_asm.errors import InputError


def path_matcher(folder: Path, patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return whether a file, named as the user names it, is one of the patterns. Raises InputError for a bad pattern.

    Files outside of the folder match nothing. A pattern with ! takes back what an earlier one matched.
    """
    if not patterns:
        return lambda _name: False
    import pathspec  # noqa: PLC0415  # loaded only by repositories that have patterns

    try:
        spec = pathspec.GitIgnoreSpec.from_lines(patterns)
    except ValueError:
        raise InputError(f"not a pattern as in .gitignore: {', '.join(patterns)[:64]}") from None
    root = folder.resolve()

    def matches(name: str) -> bool:
        relative = os.path.relpath(Path(name).resolve(), root)
        return not relative.startswith("..") and spec.match_file(relative)

    return matches
