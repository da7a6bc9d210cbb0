"""TAP version 14: a test point a finding; notes pass. Source: spec/cli.md 3 (validate -o tap)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.report.findings import Report, name_of, span_of


def tap_lines(report: Report) -> Iterator[str]:
    """Yield the lines; an input without findings is one passed test."""
    yield "TAP version 14"
    yield f"1..{max(len(report.findings), 1)}"
    if not report.findings:
        yield "ok 1 - no findings"
    for number, located in enumerate(report.findings, start=1):
        finding = located.finding
        word = "ok" if finding.severity is Severity.INFO else "not ok"
        message = finding.message.replace("\\", "\\\\").replace("#", "\\#")
        yield f"{word} {number} - {finding.code} {name_of(located)}: {message}"
        yield "  ---"
        for key, value in (("severity", str(finding.severity)), ("at", str(span_of(located))), ("hint", finding.hint)):
            if value:
                yield f"  {key}: {json.dumps(value, ensure_ascii=False)}"
        yield "  ..."
