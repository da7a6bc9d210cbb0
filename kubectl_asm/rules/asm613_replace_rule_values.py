"""ASM613 replace-rule-values: replaceRule sources do not hit values.

Why: the newest profile also replaces the plain text of a source inside values.
Bad::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: password, target: pw}]  # with --compat=0.6.7: <- ASM613

Good::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: "^password$", target: pw}]

Source: spec/data.md section 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM613", "replace-rule-values", Severity.INFO, topics=("replace-rule-values",), kinds=TARGETS)

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield plain words, which also occur in values."""
    target = target_of(subject)
    assert target is not None
    if not ctx.settings.replace_values:
        return
    for index, process in enumerate(target.external.spec.data_process):
        for number, rule in enumerate(process.replace_rule):
            if rule.source and not _SPECIAL.search(rule.source):
                path = (*target.base, "dataProcess", index, "replaceRule", number, "source")
                yield Hit(path, f"{quoted(rule.source)} is also replaced inside values", f"anchor it: ^{rule.source[:64]}$")
