"""JUnit XML: a test case a finding, grouped by file; notes are skipped tests. Source: spec/cli.md 3 (validate -o junit)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby

from kubectl_asm.diagnostics import Severity
from kubectl_asm.report.findings import Report, headline, name_of, span_of
from kubectl_asm.rules.runner import Located

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_lines(report: Report) -> Iterator[str]:
    """Yield the document; an input without findings is one passed test."""
    failures = len(report.findings) - report.count(Severity.INFO)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="kubectl-asm validate" tests="{max(len(report.findings), 1)}" failures="{failures}">'
    for file, group in groupby(report.findings, key=lambda located: span_of(located).file):
        yield from _suite(file, list(group))
    if not report.findings:
        yield '  <testsuite name="manifests" tests="1" failures="0">'
        yield '    <testcase classname="manifests" name="no findings"/>'
        yield "  </testsuite>"
    yield "</testsuites>"


def _suite(file: str, group: list[Located]) -> Iterator[str]:
    failures = sum(located.finding.severity is not Severity.INFO for located in group)
    yield f'  <testsuite name={_attribute(file)} tests="{len(group)}" failures="{failures}">'
    for located in group:
        finding = located.finding
        name = f"{finding.code} {name_of(located)} at {span_of(located).line}:{span_of(located).column}"
        yield f"    <testcase classname={_attribute(file)} name={_attribute(name)} file={_attribute(file)}>"
        text = _clean(f"{headline(located)}\n{finding.hint}".rstrip())
        if finding.severity is Severity.INFO:
            yield f"      <skipped message={_attribute(finding.message)}/>"
        else:
            yield f'      <failure type="{finding.severity}" message={_attribute(finding.message)}>{escape(text)}</failure>'
        yield "    </testcase>"
    yield "  </testsuite>"


def _attribute(text: str) -> str:
    return f'"{escape(_clean(text))}"'


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
