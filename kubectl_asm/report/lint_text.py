"""Findings for people: one line each, hints below, a summary last. Source: spec/cli.md 3 (validate -o text)."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.report.findings import Report, headline


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of the report."""
    for located in report.findings:
        yield headline(located)
        if located.finding.hint:
            yield f"  hint: {located.finding.hint}"
    yield summary_line(report)


def summary_line(report: Report) -> str:
    """Return one sentence with all counts."""
    verdicts = report.verdicts
    words = (("error", Severity.ERROR), ("warning", Severity.WARNING), ("note", Severity.INFO))
    found = ", ".join(_counted(report.count(severity), word) for word, severity in words)
    hidden = f", {report.suppressed} suppressed" if report.suppressed else ""
    mended = f"; --fix mends {report.fixable}" if report.fixable else ""
    return f"{_counted(verdicts.files, 'file')}, {_counted(verdicts.resources, 'resource')}: {found}{hidden}{mended}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
