"""HTML reports: one file, no network, no script, dark mode, readable on a phone; everything is escaped.

Control characters are taken out of the finished text, so that no value can draw outside of its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubectl_asm.report.explanation_tree import cleaned


def page(template: str, filters: Mapping[str, Callable[..., Any]], **values: Any) -> Iterator[str]:
    """Yield the text of a page in chunks."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kubectl_asm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return (cleaned(chunk, keep="\n") for chunk in environment.get_template(template).generate(**values))
