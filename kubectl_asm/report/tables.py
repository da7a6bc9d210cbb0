"""Plain tables as kubectl prints them: columns padded with blanks, no lines, no colour unless asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

MARGIN = 3
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")


def write_table(out: IO[str], header: Sequence[str], rows: Sequence[Sequence[str]], *, has_header: bool = True) -> None:
    """Write rows under a header; the last column is not padded."""
    cells_of = [[_one_line(cell) for cell in row] for row in rows]
    lines = [list(header), *cells_of] if has_header else cells_of
    if not lines:
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width + MARGIN) for cell, width in zip(line[:-1], widths, strict=False)]
        out.write("".join([*cells, line[-1]]).rstrip() + "\n")


def _one_line(cell: str) -> str:
    """Return a cell that stays on its line and cannot command a terminal."""
    return cell.translate(_CONTROLS)
