"""ASM611 replace-rule-group: replaceRule targets name groups that exist.

Why: an unknown group is replaced by nothing; $2_ is a group named 2_.
Bad::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: "^(.+)_(.+)$", target: "$2_$1"}]  # <- ASM611

Good::

    dataProcess:
      - extract: {key: a}
        replaceRule: [{source: "^(.+)_(.+)$", target: "${2}_$1"}]

Source: spec/data.md section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.externalsecret import ReplaceRule
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM611", "replace-rule-group", Severity.WARNING, topics=("replace-rule-group",), kinds=TARGETS)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield groups of a target that its source does not have."""
    target = target_of(subject)
    assert target is not None
    for index, process in enumerate(target.external.spec.data_process):
        for number, rule in enumerate(process.replace_rule):
            try:
                unknown = compile_regex(rule.source).unknown_groups(rule.target)
            except RegexError:
                continue
            for name in unknown:
                path = (*target.base, "dataProcess", index, "replaceRule", number, "target")
                hint = f"write ${{{name.rstrip('_')}}}_" if name.endswith("_") else "an unknown group is replaced by nothing"
                message = f"{quoted(rule.target)}: the source has no group {quoted(name)}"
                follows = ((*path[:-1], "source"),)
                yield Hit(path, message, hint, change=_braces(path, rule, name), follows=follows)


def _braces(path: Path, rule: ReplaceRule, name: str) -> Change | None:
    """An underscore behind a group of the source needs braces around the group."""
    group, written = name.rstrip("_"), f"${name}"
    if group == name or rule.target.count(written) != 1 or compile_regex(rule.source).unknown_groups(f"${{{group}}}"):
        return None
    text = f"${{{group}}}{name[len(group) :]}"
    return Change(ChangeKind.INSIDE, path, text, rule.target.index(written), len(written))
