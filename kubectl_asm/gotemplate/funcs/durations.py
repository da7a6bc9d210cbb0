"""Go durations: a number of nanoseconds in 64 bits, read from and written as ``1h2m3.5s``.

Called by ``dates.py`` and by the methods of time values. Source: Go time.ParseDuration, Duration.String.
"""

from __future__ import annotations

import re
from typing import Final

SECOND: Final = 10**9
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": SECOND, "m": MINUTE, "h": HOUR}
_TERM: Final = re.compile(r"(?P<whole>[0-9]*)(?P<fraction>\.[0-9]*)?(?P<unit>[^.0-9]*)")
_LIMIT: Final = 1 << 63


class DurationError(ValueError):
    """A text that is no duration; the message is Go's."""


def quote(text: str) -> str:
    """Return the text in quotes as package time writes it in errors: bytes outside printable ASCII in hexadecimal."""
    escaped = []
    for ch in text:
        if ch < " " or ch >= "\x80":
            escaped += [f"\\x{byte:02x}" for byte in ch.encode("utf-8", "surrogateescape")]
        else:
            escaped.append("\\" + ch if ch in '"\\' else ch)
    return '"' + "".join(escaped) + '"'


def _fraction(digits: str, unit: int) -> int:
    """Return the fraction of a unit in nanoseconds, with the float arithmetic Go uses; digits that overflow do not count."""
    value, scale = 0, 1.0
    for digit in digits:
        grown = value * 10 + int(digit)
        if value > (_LIMIT - 1) // 10 or grown > _LIMIT:
            break
        value, scale = grown, scale * 10
    return int(float(value) * (float(unit) / scale))


def parse_duration(text: str) -> int:
    """Return the nanoseconds of a duration with an optional sign. Raises: DurationError."""
    invalid = DurationError(f"time: invalid duration {quote(text)}")
    at = 1 if text[:1] in ("+", "-") else 0
    if text[at:] == "0":
        return 0
    if at == len(text):
        raise invalid
    total = 0
    while at < len(text):
        match = _TERM.match(text, at)
        assert match is not None  # every part of the pattern may be empty
        total += _term(match, text, invalid)
        if total > _LIMIT:
            raise invalid
        at = match.end()
    if text.startswith("-"):
        return -total
    if total == _LIMIT:
        raise invalid
    return total


def _term(match: re.Match[str], text: str, invalid: DurationError) -> int:
    """Return the nanoseconds of one number with its unit."""
    whole, fraction, name = match["whole"], match["fraction"] or "", match["unit"]
    if not whole and len(fraction) < 2:
        raise invalid
    if len(whole.lstrip("0")) > 19 or int(whole or "0") > _LIMIT:
        raise invalid
    if not name:
        raise DurationError(f"time: missing unit in duration {quote(text)}")
    if name not in _UNITS:
        raise DurationError(f"time: unknown unit {quote(name)} in duration {quote(text)}")
    unit = _UNITS[name]
    value = int(whole or "0") * unit
    if value > _LIMIT:
        raise invalid
    value += _fraction(fraction[1:], unit)
    if value > _LIMIT:
        raise invalid
    return value


def _with_fraction(value: int, unit: int) -> str:
    """Return value in units, with the decimals that are needed."""
    whole, rest = divmod(value, unit)
    decimals = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{decimals}" if rest else str(whole)


def format_duration(nanoseconds: int) -> str:
    """Return the duration as Go writes it: ``0s``, ``1.5ms``, ``1m35s``, ``2h0m0s``."""
    sign, value = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    if value == 0:
        return "0s"
    if value < SECOND:
        unit, name = next((unit, name) for unit, name in ((10**6, "ms"), (10**3, "µs"), (1, "ns")) if value >= unit)
        return f"{sign}{_with_fraction(value, unit)}{name}"
    minutes, rest = divmod(value, MINUTE)
    text = _with_fraction(rest, SECOND) + "s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = (f"{hours}h" if hours else "") + f"{minutes}m" + text
    return sign + text
