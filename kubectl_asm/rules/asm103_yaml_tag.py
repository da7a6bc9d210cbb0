"""ASM103 yaml-tag: only tags of YAML's own set are used.

Why: kubectl ignores or refuses foreign tags; they are never constructed.
Bad::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec: !acme {data: [{key: a, name: a}]}  # <- ASM103
Good::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec: {data: [{key: !!str a, name: a}]}
Source: spec/lint.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM103", "yaml-tag", Severity.ERROR, topics=("yaml-tag",), kinds=())


def check(_subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield nothing: the reader of the text reports this (rules/reading.py)."""
    return iter(())
