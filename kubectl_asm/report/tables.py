"""Plain tables as kubectl prints them: columns padded with blanks, no lines, no colour unless asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

MARGIN = 3


def write_table(out: IO[str], header: Sequence[str], rows: Sequence[Sequence[str]], *, has_header: bool = True) -> None:
    """Write rows under a header; the last column is not padded."""
    lines = [list(header), *(list(row) for row in rows)] if has_header else [list(row) for row in rows]
    if not lines:
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width + MARGIN) for cell, width in zip(line[:-1], widths, strict=False)]
        out.write("".join([*cells, line[-1]]).rstrip() + "\n")
