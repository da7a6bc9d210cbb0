"""ASM203 unknown-field: every key is one that the schema has.

Why: the API server drops or refuses an unknown key, so what it says is lost.
Bad::

    data:
      - key: app
        name: app
        jmespath: [{path: a, objectAlias: a}]  # <- ASM203

Good::

    data:
      - key: app
        jmesPath: [{path: a, objectAlias: a}]

Source: spec/api.md sections 3 to 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.rules.base import Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.shape import IssueKind, ShapeIssue
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM203", "unknown-field", Severity.ERROR, topics=("unknown-field",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every key the schema does not have."""
    for issue in subject.issues:
        if issue.kind is IssueKind.UNKNOWN and not subject.is_refused(issue.path[:-1]):
            key = issue.path[-1]
            hint = f"did you mean {issue.near}?" if issue.near else f"known here: {', '.join(issue.known)}"
            message = f"unknown field {quoted(key)}: the API server drops it"
            yield key_hit(issue.path, message, hint, change=_rename(issue, subject))


def _rename(issue: ShapeIssue, subject: Subject) -> Change | None:
    """Rename to the one field that can be meant, when it is not there yet and can hold the value."""
    if not issue.near or only_meant(str(issue.path[-1]), issue.known) != issue.near:
        return None
    meant, mended = issue.near, (*issue.path[:-1], issue.near)
    if subject.actual.get(mended) != issue.path:
        return None
    others = [one for one in subject.issues if one is not issue and one.path[:-1] == issue.path[:-1]]
    is_contested = any(one.kind is IssueKind.UNKNOWN and one.near == meant for one in others)
    has_wrong_form = any(one.kind is IssueKind.TYPE and one.path == mended for one in others)
    return None if is_contested or has_wrong_form else Change(ChangeKind.RENAME, issue.path, meant)
