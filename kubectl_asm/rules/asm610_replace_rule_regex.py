"""ASM610 replace-rule-regex: replaceRule sources are valid RE2.

Why: the entry fails, or loses all its keys in older releases.
Bad::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: "^(db", target: x}]  # <- ASM610

Good::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: "^(db)", target: x}]

Source: spec/data.md section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM610", "replace-rule-regex", Severity.ERROR, topics=("replace-rule-regex",), kinds=TARGETS)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield patterns that RE2 refuses."""
    target = target_of(subject)
    assert target is not None
    for index, process in enumerate(target.external.spec.data_process):
        for number, rule in enumerate(process.replace_rule):
            try:
                compile_regex(rule.source)
            except RegexError as error:
                path = (*target.base, "dataProcess", index, "replaceRule", number, "source")
                message = f"{quoted(rule.source)} is no valid RE2 expression: {error}"[:300]
                yield Hit(path, message, "RE2 has no look-around and no back-references")
