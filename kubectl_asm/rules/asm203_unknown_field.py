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

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.shape import IssueKind
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM203", "unknown-field", Severity.ERROR, topics=("unknown-field",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every key the schema does not have."""
    for issue in subject.issues:
        if issue.kind is IssueKind.UNKNOWN and not subject.is_refused(issue.path[:-1]):
            key = issue.path[-1]
            hint = f"did you mean {issue.near}?" if issue.near else f"known here: {', '.join(issue.known)}"
            yield key_hit(issue.path, f"unknown field {quoted(key)}: the API server drops it", hint)
