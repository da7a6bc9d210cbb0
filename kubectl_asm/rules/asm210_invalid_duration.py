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

import re
from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.model.durations import DurationError, parse_duration
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM210", "invalid-duration", Severity.ERROR, topics=("invalid-duration",), kinds=TARGETS)

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", re.ASCII)
_LONGEST: Final = 64
_UNITS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}


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
            meant = _meant(value)
            change = Change(ChangeKind.VALUE, path, meant) if meant else None
            yield Hit(path, str(error), f"write {meant}" if meant else _hint(value), change=change)


def _meant(value: str) -> str:
    """Return the one duration that can be meant: blanks and letter case aside, units written out, whole days in hours."""
    if len(value) > _LONGEST:
        return ""
    parts = [(number, _UNITS.get(unit.lower(), "")) for number, unit in _PART.findall(value)]
    is_whole = not _PART.sub("", value).strip()
    if not parts or not is_whole or any(not unit or (unit == "d" and not number.isdigit()) for number, unit in parts):
        return ""
    return "".join(f"{int(number) * 24}h" if unit == "d" else f"{number}{unit}" for number, unit in parts)


def _hint(value: str) -> str:
    if value.isdigit() and len(value) <= _LONGEST:
        return f"add a unit: {value}s"
    return "units are ns, us, ms, s, m and h, written without blanks"
