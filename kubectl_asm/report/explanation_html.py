"""An Explanation as one HTML file: no network, no script, dark mode, readable on a phone; everything is escaped.

Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from kubectl_asm.report.explanation_tree import call_text, cleaned, cluster_lines, failure_text, finding_text, keys_text


def write_html(out: IO[str], document: Mapping[str, Any]) -> None:
    """Write the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kubectl_asm.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        call=call_text,
        failure=failure_text,
        finding=finding_text,
        keys=keys_text,
        lines=lambda one: list(cluster_lines(one)),
    )
    template = environment.get_template("explanation.html.j2")
    chunks = template.generate(items=document["items"], resources=document["clusterResources"])
    out.writelines(cleaned(chunk, keep="\n") for chunk in chunks)
