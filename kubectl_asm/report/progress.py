"""Progress on a terminal, nothing anywhere else. rich is imported only when there is a terminal to draw on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FEW = 20


@contextmanager
def progress(total: int, verb: str, *, enabled: bool) -> Iterator[Callable[[], None]]:
    """Yield a function to call once an object; draws a bar on stderr when enabled and there is enough to do."""
    if not enabled or total < _FEW:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda: bar.advance(task)
