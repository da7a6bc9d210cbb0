"""The forms of a validation report by name: each writes one report to one stream. Source: spec/cli.md 3 (validate)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from typing import IO, Any, Final

from kubectl_asm.report.findings import Report
from kubectl_asm.rules.base import Rule

_LINES: Final = {
    "text": ("lint_text", "lines"),
    "junit": ("junit", "junit_lines"),
    "tap": ("tap", "tap_lines"),
    "github": ("annotations", "github_lines"),
    "markdown": ("lint_pages", "markdown"),
}
_DATA: Final = {"json": ("findings", "validation"), "gitlab": ("annotations", "gitlab")}
FORMS: Final = ("text", "json", "sarif", "junit", "tap", "github", "gitlab", "markdown", "html")


def write_report(out: IO[str], report: Report, form: str, rules: Sequence[Rule]) -> None:
    """Write a report in one of the FORMS. Only the writer that is asked for is loaded."""
    if form == "html":
        out.writelines(_writer("lint_pages", "html")(report))
    elif form == "sarif":
        _json(out, _writer("sarif", "sarif")(report, rules))
    elif form in _DATA:
        _json(out, _writer(*_DATA[form])(report))
    else:
        out.writelines(f"{line}\n" for line in _writer(*_LINES[form])(report))


def _writer(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"kubectl_asm.report.{module}"), name)


def _json(out: IO[str], document: Any) -> None:
    json.dump(document, out, indent=2, ensure_ascii=False)
    out.write("\n")
