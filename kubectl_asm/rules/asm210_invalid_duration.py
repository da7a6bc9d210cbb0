"""ASM210 invalid-duration: rotationInterval is a Go duration.

Why: the controller cannot decode the object: nothing is synced.
Bad::

    rotationInterval: 1d  # <- ASM210
    data: [{key: a, name: a}]

Good::

    rotationInterval: 24h
    data: [{key: a, name: a}]

Source: spec/api.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.durations import DurationError, parse_duration
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM210", "invalid-duration", Severity.ERROR, topics=("invalid-duration",), kinds=TARGETS)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every interval that is no duration, bare numbers included."""
    for path in {("spec", "rotationInterval"), ("spec", "externalSecretSpec", "rotationInterval")}:
        value = subject.raw(path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or subject.is_refused(path[:-1]):
            continue
        try:
            if value:
                parse_duration(value)
        except DurationError as error:
            yield Hit(path, str(error), _hint(value))


def _hint(value: str) -> str:
    if value.isdigit():
        return f"add a unit: {value}s"
    return "units are ns, us, ms, s, m and h, written without blanks"
