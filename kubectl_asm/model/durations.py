"""Go durations: strict parsing and the short form of kubectl.

Source: spec/api.md 2.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

_UNIT_US = {"ns": 0.001, "us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_GROUP = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(r"[-+]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_MAX_US = (2**63 - 1) / 1000


class DurationError(ValueError):
    """The text is no Go duration."""


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> timedelta:
    """Return the duration of texts such as 10s, 1m30s, -1.5h or 0. Raises DurationError (a bare number has no unit)."""
    if not _WHOLE.fullmatch(text):
        raise DurationError(f'"{text[:64]}" is not a duration such as 90s, 2m or 1h30m')
    micros = sum(float(number) * _UNIT_US[unit] for number, unit in _GROUP.findall(text))
    if micros > _MAX_US:
        raise DurationError(f'"{text[:64]}" is longer than a duration can be')
    return timedelta(microseconds=-micros if text.startswith("-") else micros)


def format_duration(value: timedelta) -> str:
    """Return the duration as Go writes it: 1h30m0s, 90s becomes 1m30s, half a second 500ms."""
    total = value.total_seconds()
    if 0 < abs(total) < 1:
        micros = round(total * 1e6)
        return f"{micros / 1000:g}ms" if abs(micros) >= 1000 else f"{micros}µs"
    sign = "-" if total < 0 else ""
    minutes, seconds = divmod(abs(total), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{seconds:.6f}".rstrip("0").rstrip(".")
    if hours:
        return f"{sign}{hours}h{minutes}m{shown}s"
    return f"{sign}{minutes}m{shown}s" if minutes else f"{sign}{shown}s"
