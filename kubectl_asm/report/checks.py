"""Results of `check` as output. Source: spec/cli.md 3 (check)."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kubectl_asm.report.documents import envelope

HEADER: Final = ("CHECK", "SUBJECT", "RESULT", "DETAIL")


class Verdict(enum.StrEnum):
    """How a check came out. WARNING: works, with a limit; SKIPPED: what it needs is not there."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. subject: what exactly; hint: what to do when it is not as it should be."""

    name: str
    subject: str
    verdict: Verdict
    detail: str = ""
    hint: str = ""


def check_row(check: Check) -> list[str]:
    """Return one row of the table."""
    return [check.name, check.subject or "-", str(check.verdict), check.detail]


def check_document(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the output object of kind Check."""
    counted = Counter(str(check.verdict) for check in checks)
    items = [
        {"check": one.name, "subject": one.subject, "result": str(one.verdict), "detail": one.detail, "hint": one.hint or None}
        for one in checks
    ]
    return envelope("Check", items=items, summary={str(verdict): counted[str(verdict)] for verdict in Verdict})
