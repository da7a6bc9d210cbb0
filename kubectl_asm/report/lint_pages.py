"""Findings as Markdown for pull request comments and as one HTML page. Source: spec/cli.md 3 (validate -o markdown|html)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from kubectl_asm.report.findings import Report, name_of, span_of
from kubectl_asm.report.lint_text import summary_line

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:72rem}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #8886;padding:.35rem .6rem;text-align:left;vertical-align:top}"
    ".error{color:#b3261e}.warning{color:#8a5a00}.info{color:#245a9c}code{font-family:ui-monospace,monospace}"
)


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
    """Yield the lines of a page that needs nothing else."""
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>kubectl asm validate</title>'
    yield f"<style>{_STYLE}</style></head><body><h1>kubectl asm validate</h1>"
    yield f"<p>{escape(summary_line(report))}</p>"
    if report.findings:
        yield "<table><thead><tr><th>severity</th><th>place</th><th>rule</th><th>finding</th></tr></thead><tbody>"
        for located in report.findings:
            finding = located.finding
            hint = f"<br><small>{escape(finding.hint)}</small>" if finding.hint else ""
            yield (
                f'<tr><td class="{finding.severity}">{finding.severity}</td><td><code>{escape(str(span_of(located)))}</code></td>'
                f"<td>{finding.code} {escape(name_of(located))}</td><td>{escape(finding.message)}{hint}</td></tr>"
            )
        yield "</tbody></table>"
    yield "</body></html>"
