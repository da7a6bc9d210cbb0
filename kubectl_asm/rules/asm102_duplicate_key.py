"""ASM102 duplicate-key: a key stands once in a mapping.

Why: the API server keeps the last one in silence; two apiVersions are two objects without a line --- between them.
Bad::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data:
        - key: a
          name: a
          name: b  # <- ASM102
Good::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data:
        - key: a
          name: a
Source: spec/lint.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM102", "duplicate-key", Severity.ERROR, topics=("duplicate-key",), kinds=())


def check(_subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield nothing: the reader of the text reports this (rules/reading.py)."""
    return iter(())
