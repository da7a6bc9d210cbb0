"""Findings as Markdown for pull request comments and as one HTML page. Source: spec/cli.md 3 (validate -o markdown|html)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from kubectl_asm.report.findings import Report, name_of, span_of
from kubectl_asm.report.lint_text import summary_line
from kubectl_asm.report.pages import page
from kubectl_asm.rules.runner import Located


def markdown(report: Report) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"**kubectl asm validate**: {summary_line(report)}"
    if not report.findings:
        return
    yield ""
    yield "| severity | place | rule | finding |"
    yield "| --- | --- | --- | --- |"
    for located in report.findings:
        finding = located.finding
        text = f"{finding.message}<br>{finding.hint}" if finding.hint else finding.message
        cells = (str(finding.severity), f"`{span_of(located)}`", f"{finding.code} {name_of(located)}", text)
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def html(report: Report) -> Iterator[str]:
    """Yield the text of a page that needs nothing else; findings stand below the file they are in."""
    files = [(file, [_row(one) for one in found]) for file, found in groupby(report.findings, lambda one: span_of(one).file)]
    return page("validation.html.j2", {}, summary=summary_line(report), files=files)


def _row(located: Located) -> dict[str, Any]:
    finding, span, ref = located.finding, span_of(located), located.object
    name = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    return {
        "line": span.line,
        "column": span.column,
        "severity": str(finding.severity),
        "message": finding.message,
        "hint": finding.hint,
        "rule": f"{finding.code} {name_of(located)}",
        "object": f"{ref.kind} {name}".strip(),
        "is_fixable": finding.fix is not None,
    }
