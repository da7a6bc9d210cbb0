"""SARIF 2.1.0: one run, every rule with its help, a stable fingerprint for each result.

GitHub takes at most 25,000 results in a run; the most serious ones are kept.
Source: SARIF 2.1.0; GitHub's description of what it reads (relative paths, partialFingerprints).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from kubectl_asm import __version__
from kubectl_asm.diagnostics import Fix, Severity
from kubectl_asm.report.findings import ORDER, Report, fingerprints, review_of
from kubectl_asm.rules.base import Rule
from kubectl_asm.rules.runner import CRASH, Located

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS: Final = 25_000
_LEVELS: Final[Mapping[Severity, str]] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(report: Report, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the log object."""
    marked = list(zip(report.findings, fingerprints(report.findings), strict=True))
    if len(marked) > MAX_RESULTS:
        worst = sorted(range(len(marked)), key=lambda at: (-ORDER[marked[at][0].finding.severity], at))[:MAX_RESULTS]
        marked = [marked[at] for at in sorted(worst)]
    numbers = {CRASH: 0, **{rule.meta.code: number for number, rule in enumerate(rules, start=1)}}
    driver = {
        "name": "kubectl-asm",
        "semanticVersion": __version__,
        "rules": [_crash_rule(), *(_rule(rule) for rule in rules)],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(located, mark, numbers) for located, mark in marked],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    meta = rule.meta
    head, _, body = rule.doc.partition("\n")
    return {
        "id": meta.code,
        "name": "".join(word.capitalize() for word in meta.name.split("-")),
        "shortDescription": {"text": head.partition(": ")[2] or head},
        "fullDescription": {"text": why_of(rule)},
        "help": {"text": f"{head}\n{body}".strip(), "markdown": f"**{head}**\n\n{why_of(rule)}"},
        "defaultConfiguration": {"level": _LEVELS[meta.severity]},
        "properties": {"tags": list(meta.topics)},
    }


def _crash_rule() -> dict[str, Any]:
    text = "A rule failed on an object; the others went on."
    return {"id": CRASH, "name": "RuleFailed", "shortDescription": {"text": text}, "help": {"text": text}}


def why_of(rule: Rule) -> str:
    """Return the sentence behind Why: in a rule's docstring."""
    _, _, rest = rule.doc.partition("\nWhy: ")
    return " ".join(rest.partition("\nBad::")[0].split())


def _result(located: Located, mark: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    finding, (span, message) = located.finding, review_of(located)
    region: dict[str, Any] = {"startLine": span.line, "startColumn": span.column}
    if span.end_line and (span.end_line, span.end_column) > (span.line, span.column):
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    text = f"{message}. {finding.hint}" if finding.hint else message
    obj = located.object
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri(span.file)}, "region": region}}
    if obj.kind:
        name = f"{obj.namespace}/{obj.name}" if obj.namespace else obj.name
        place["logicalLocations"] = [{"name": obj.name, "fullyQualifiedName": f"{obj.kind} {name}", "kind": "resource"}]
    fixes = {"fixes": [_fix(finding.fix)]} if finding.fix and span == finding.span else {}
    return {
        "ruleId": finding.code,
        "ruleIndex": numbers[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [place],
        "partialFingerprints": {"kubectlAsm/v1": mark},
        **fixes,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    """Return the edit of --fix as a SARIF fix; a removal inserts nothing."""
    span = fix.edit.span
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    replacement = {"deletedRegion": region, **({"insertedContent": {"text": fix.edit.text}} if fix.edit.text else {})}
    change = {"artifactLocation": {"uri": uri(span.file)}, "replacements": [replacement]}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def uri(file: str) -> str:
    """Return a file name as a relative reference, or as a file URI when it is absolute."""
    path = PurePath(file)
    if path.is_absolute():
        return path.as_uri()
    return quote(path.as_posix())
