"""ASM603 jmespath: every jmesPath[].path is a JMESPath expression that can be evaluated.

Why: a path that fails is skipped, and its Secret key silently disappears.
Bad::

    data:
      - key: app
        jmesPath:
          - {path: "friends[0.name", objectAlias: friend}  # <- ASM603

Good::

    data:
      - key: app
        jmesPath:
          - {path: "friends[0].name", objectAlias: friend}

Source: spec/data.md section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.engine.jmes_scan import FUNCTIONS, PathIssue, path_issues
from kubectl_asm.manifest.documents import Path
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.shape import nearest
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM603", "jmespath", Severity.ERROR, topics=("jmespath",), kinds=TARGETS)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield syntax errors, unknown functions and wrong numbers of arguments."""
    target = target_of(subject)
    assert target is not None
    for at in target.entries():
        if at.is_extract:
            continue
        for index, rule in enumerate(at.source.jmes_path):
            path = (*at.path, "jmesPath", index, "path")
            if not subject.has(path) and path not in subject.actual:
                continue
            for issue in path_issues(rule.path):
                near = nearest(issue.name, FUNCTIONS) if issue.name and issue.name not in FUNCTIONS else ""
                hint = f"did you mean {near}?" if near else ""
                message = f"{quoted(rule.path)}: {issue.message}"
                yield Hit(path, message, hint, offset=issue.offset, length=issue.length, change=_change(path, issue))


def _change(path: Path, issue: PathIssue) -> Change | None:
    """Write the one function that can be meant."""
    meant = only_meant(issue.name, FUNCTIONS) if issue.name and issue.name not in FUNCTIONS else ""
    return Change(ChangeKind.INSIDE, path, meant, issue.offset, issue.length) if meant else None
