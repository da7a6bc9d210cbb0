"""An Explanation as one HTML page.

Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from kubectl_asm.report.explanation_tree import call_text, cluster_lines, failure_text, finding_text, keys_text
from kubectl_asm.report.pages import page


def write_html(out: IO[str], document: Mapping[str, Any]) -> None:
    """Write the page."""
    filters = {
        "call": call_text,
        "failure": failure_text,
        "finding": finding_text,
        "keys": keys_text,
        "lines": lambda one: list(cluster_lines(one)),
    }
    out.writelines(page("explanation.html.j2", filters, items=document["items"], resources=document["clusterResources"]))
