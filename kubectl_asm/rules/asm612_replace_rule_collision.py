"""ASM612 replace-rule-collision: replaceRule keeps names apart.

Why: when every member gets the same name, one of them survives.
Bad::

    dataProcess:
      - extract: {key: a}
        replaceRule:
          - {source: "^.*$", target: value}  # <- ASM612

Good::

    dataProcess:
      - extract: {key: a}
        replaceRule:
          - {source: "^", target: app_}

Source: spec/data.md section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM612", "replace-rule-collision", Severity.WARNING, topics=("replace-rule-collision",), kinds=TARGETS)

_NAMES: Final = ("a", "user", "DB_HOST", "a.b-c", "x1", "0")


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield rules that give every name the same text."""
    target = target_of(subject)
    assert target is not None
    for index, process in enumerate(target.external.spec.data_process):
        for number, rule in enumerate(process.replace_rule):
            if len(rule.target) <= 1000 and _is_collapsing(rule.source, rule.target):
                path = (*target.base, "dataProcess", index, "replaceRule", number, "source")
                yield Hit(path, f"{quoted(rule.source)} gives every member the name {quoted(rule.target)}: one of them survives")


@lru_cache(maxsize=1024)
def _is_collapsing(source: str, target: str) -> bool:
    try:
        regex = compile_regex(source)
    except RegexError:
        return False
    return len({regex.replace_all(name, target) for name in _NAMES}) == 1
