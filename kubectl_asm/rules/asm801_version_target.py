"""ASM801 version-target: the running controller knows every field.

Why: an older release ignores what it does not know, or needs what newer ones do not.
Bad::

    rotationInterval: 1h  # with --target=0.5.12: <- ASM801
    data: [{key: a, name: a}]

Good::

    data: [{key: a, name: a}]

Source: spec/lint.md section 5; spec/versions.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.releases import Need, needs_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM801", "version-target", Severity.WARNING, topics=("version-target",))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield what the target release does not know, ignores, or needs otherwise."""
    if ctx.target is None:
        return
    release = ".".join(map(str, ctx.target))
    for need in needs_of(subject):
        if need.applies(ctx.target):
            yield Hit(need.path, _message(need, release), need.hint, need.place)
            if need.is_whole_object:
                return


def _message(need: Need, release: str) -> str:
    since = ".".join(map(str, need.since))
    return f"{need.what} {need.effect} by release {release} (since {since})"
