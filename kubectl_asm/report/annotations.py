"""Findings where code review shows them: GitHub workflow commands and GitLab's code quality report.

Source: GitHub "workflow commands"; GitLab "code quality report format".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.report.findings import Report, fingerprints, name_of, review_of
from kubectl_asm.rules.runner import Located

_COMMANDS: Final[Mapping[Severity, str]] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_GITLAB: Final[Mapping[Severity, str]] = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def github_lines(report: Report) -> Iterator[str]:
    """Yield one workflow command a finding."""
    for located in report.findings:
        finding, (span, message) = located.finding, review_of(located)
        place = {"file": span.file, "line": span.line, "col": span.column}
        if span.end_line == span.line and span.end_column > span.column:
            place |= {"endLine": span.end_line, "endColumn": span.end_column}
        place["title"] = f"{finding.code} {name_of(located)}"
        shown = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
        text = f"{message}\n{finding.hint}".rstrip()
        yield f"::{_COMMANDS[finding.severity]} {shown}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(report: Report) -> list[dict[str, Any]]:
    """Return the code quality report."""
    return [_quality(located, mark) for located, mark in zip(report.findings, fingerprints(report.findings), strict=True)]


def _quality(located: Located, mark: str) -> dict[str, Any]:
    span, message = review_of(located)
    return {
        "description": message,
        "check_name": f"{located.finding.code} {name_of(located)}",
        "fingerprint": mark,
        "severity": _GITLAB[located.finding.severity],
        "location": {"path": span.file, "positions": {"begin": {"line": span.line, "column": span.column}}},
    }
