"""Markdown for pull request comments, through a jinja2 template that escapes what a manifest may bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

_DIFF = """\
### Secrets

| Secret | Change | Keys |
| --- | --- | --- |
{% for item in items -%}
| `{{ item.object.namespace | cell }}/{{ item.object.name | cell }}` | {{ item.change }} | {# -#}
{% for key in item["keys"] if key.change != "same" -%}
{{ signs[key.change] }} `{{ key.key | cell }}`{{ ", " if not loop.last }}{% else %}-{% endfor -%}
{% if item.reason %} ({{ item.reason | cell }}){% endif %} |
{% endfor %}
Values are never shown.
"""
_SIGNS = {"add": "+", "remove": "-", "change": "~"}


def write_diff(out: IO[str], items: Sequence[Mapping[str, Any]]) -> None:
    """Write the items of kind Diff as one table."""
    from jinja2 import Environment

    environment = Environment(autoescape=False, trim_blocks=False)  # noqa: S701  # Markdown, escaped by the cell filter
    environment.filters["cell"] = cell
    out.write(environment.from_string(_DIFF).render(items=items, signs=_SIGNS))


def cell(text: str) -> str:
    """Return text that cannot leave its table cell or its code span."""
    return str(text).replace("|", "\\|").replace("`", "'").replace("\n", " ").replace("<", "&lt;")
