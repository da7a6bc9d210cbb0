"""ASM502 duplicate-target-key: every Secret key is written once.

Why: the later one wins, so a value is fetched and lost.
Bad::

    data:
      - {key: db-a, name: PASSWORD}
      - {key: db-b, name: PASSWORD}  # <- ASM502

Good::

    data:
      - {key: db-a, name: PASSWORD_A}
      - {key: db-b, name: PASSWORD_B}

Source: spec/data.md sections 1 and 3; spec/templates.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.outputs import Output, raw_outputs, template_outputs
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM502", "duplicate-target-key", Severity.WARNING, topics=("duplicate-target-key",), kinds=TARGETS)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the later of two outputs with one key."""
    target = target_of(subject)
    assert target is not None
    for outputs in (raw_outputs(target), template_outputs(target)):
        seen: dict[tuple[str, str], Output] = {}
        for output in outputs:
            first = seen.setdefault((output.target, output.key), output)
            if first is not output:
                message = f"Secret key {quoted(output.key)} is written twice; this one wins"
                yield Hit(output.path, message, place=output.place, follows=(first.path,))
