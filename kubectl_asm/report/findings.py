"""Findings as data: the Validation document, fingerprints, baselines and counts that every report shares.

Source: spec/cli.md 3 (validate).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from kubectl_asm.diagnostics import Fix, Severity, Span
from kubectl_asm.manifest.decode import path_text
from kubectl_asm.report.documents import API, envelope
from kubectl_asm.rules.runner import Located, Verdicts

_BUILT: Final = re.compile(r"(?P<path>.+) \((?P<tool>helm|kustomize)\)", re.S)
BASELINE_KIND: Final = "Baseline"
ORDER: Final[Mapping[Severity, int]] = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class Report(msgspec.Struct, frozen=True):
    """What reports print. findings: in the order of files and places, those of a baseline left out."""

    findings: tuple[Located, ...]
    verdicts: Verdicts
    suppressed: int = 0

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity."""
        return sum(located.finding.severity is severity for located in self.findings)

    @property
    def fixable(self) -> int:
        """The number of findings that --fix would mend."""
        return sum(located.finding.fix is not None for located in self.findings)

    @property
    def worst(self) -> int:
        """The order of the worst finding, -1 for none."""
        return max((ORDER[located.finding.severity] for located in self.findings), default=-1)


def span_of(located: Located) -> Span:
    """Return the place of a finding; every finding on files has one."""
    span = located.finding.span
    assert span is not None
    return span


def name_of(located: Located) -> str:
    """Return the name of a finding's rule."""
    return located.rule.meta.name if located.rule else "rule-failed"


def review_of(located: Located) -> tuple[Span, str]:
    """Return the place in the repository where a review can show a finding, and its message.

    What helm or kubectl built has no lines there: the finding goes to the top of the file it was built from, and says where
    it lies in what was built.
    """
    span, message = span_of(located), located.finding.message
    match = _BUILT.fullmatch(span.file)
    if match is None:
        return span, message
    file = match["path"] if match["tool"] == "helm" else f"{match['path'].rstrip('/')}/kustomization.yaml"
    return Span(file, 1, 1), f"{message} (line {span.line} of what {match['tool']} builds)"


def docs_of(located: Located) -> str:
    """Return the page that explains a finding."""
    return f"docs/rules/{located.finding.code}.md" if located.rule else ""


def headline(located: Located) -> str:
    """Return the one line every text report shows: place, severity, code, message."""
    finding = located.finding
    return f"{finding.span}: {finding.severity}: {finding.message} [{finding.code} {name_of(located)}]"


def validation(report: Report) -> dict[str, Any]:
    """Return the document of kind Validation."""
    verdicts = report.verdicts
    summary = {
        "files": verdicts.files,
        "documents": verdicts.documents,
        "resources": verdicts.resources,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "infos": report.count(Severity.INFO),
        "suppressed": report.suppressed,
    }
    return envelope("Validation", findings=[finding_item(located) for located in report.findings], summary=summary)


def finding_item(located: Located) -> dict[str, Any]:
    """Return one finding as data."""
    finding, span, obj = located.finding, span_of(located), located.object
    return {
        "code": finding.code,
        "name": name_of(located),
        "severity": str(finding.severity),
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line or span.line,
        "endColumn": span.end_column or span.column,
        "path": path_text(finding.path) if finding.path else "",
        "object": {"kind": obj.kind, "namespace": obj.namespace, "name": obj.name},
        "message": finding.message,
        "hint": finding.hint,
        "docs": docs_of(located),
        **({"fix": fix_item(finding.fix)} if finding.fix else {}),
    }


def fix_item(fix: Fix) -> dict[str, Any]:
    """Return a fix as data: its title, and the range to replace in the form of a finding's place."""
    span = fix.edit.span
    return {
        "title": fix.title,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "text": fix.edit.text,
    }


# -- fingerprints and baselines


def fingerprints(findings: Iterable[Located]) -> list[str]:
    """Return a stable mark for each finding: it survives moved lines, and equal findings are numbered."""
    seen: dict[str, int] = {}
    marks = []
    for located in findings:
        obj = located.object
        parts = (located.finding.code, span_of(located).file, obj.kind, obj.namespace, obj.name, located.line_text)
        mark = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[mark] = seen.get(mark, 0) + 1
        marks.append(f"{mark}:{seen[mark]}")
    return marks


def baseline_text(findings: Sequence[Located]) -> str:
    """Return a baseline file that holds these findings."""
    entries = [
        {"fingerprint": mark, "code": located.finding.code, "file": span_of(located).file}
        for mark, located in zip(fingerprints(findings), findings, strict=True)
    ]
    return json.dumps({"apiVersion": API, "kind": BASELINE_KIND, "findings": entries}, indent=2, ensure_ascii=False) + "\n"


def read_baseline(document: Any) -> frozenset[str]:
    """Return the fingerprints of a baseline document. Raises ValueError."""
    if not isinstance(document, dict) or document.get("kind") != BASELINE_KIND or document.get("apiVersion") != API:
        raise ValueError(f"not a file of kind {BASELINE_KIND}, {API}")
    entries = document.get("findings")
    if not isinstance(entries, list):
        raise ValueError("findings must be a list")
    return frozenset(str(entry["fingerprint"]) for entry in entries if isinstance(entry, dict) and "fingerprint" in entry)


def make_report(verdicts: Verdicts, baseline: frozenset[str] = frozenset()) -> Report:
    """Return what is printed: the findings that are not in the baseline."""
    marks = fingerprints(verdicts.findings)
    kept = tuple(located for located, mark in zip(verdicts.findings, marks, strict=True) if mark not in baseline)
    return Report(kept, verdicts, verdicts.suppressed + len(verdicts.findings) - len(kept))
