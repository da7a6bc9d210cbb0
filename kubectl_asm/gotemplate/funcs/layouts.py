"""Go's time layouts: cut into pieces, and written for a clock. Called by ``instants.py`` and ``time_parsing.py``.

A layout is a sample of the reference time (``2006-01-02 15:04:05``); every recognised sample is replaced, all else is literal.
Source: spec/templates.md section 6.4 (row ``date``); Go time.Time.Format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from kubectl_asm.gotemplate.funcs.civil import MONTHS, WEEKDAYS, Civil

_SAMPLE: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?![0-9])"
)


class Piece(NamedTuple):
    """A literal text and the sample after it; the last piece of a layout has an empty sample."""

    literal: str
    sample: str


def pieces(layout: str) -> Iterator[Piece]:
    """Yield the pieces of a layout."""
    end = 0
    for match in _SAMPLE.finditer(layout):
        yield Piece(layout[end : match.start()], match.group())
        end = match.end()
    yield Piece(layout[end:], "")


class Clock(NamedTuple):
    """What a wall clock and calendar show. offset: seconds east of UTC; name: the zone's abbreviation, maybe empty."""

    civil: Civil
    nanosecond: int
    name: str
    offset: int


def _padded(value: int, width: int) -> str:
    return ("-" if value < 0 else "") + str(abs(value)).rjust(width, "0")


def _hour12(clock: Clock) -> int:
    return clock.civil.hour % 12 or 12


def _offset(clock: Clock, sample: str) -> str:
    """Return the zone offset in the sample's form; a ``Z`` sample gives ``Z`` for UTC."""
    if clock.offset == 0 and sample.startswith("Z"):
        return "Z"
    minutes = math.trunc(clock.offset / 60)
    seconds = abs(clock.offset) % 60
    parts = [_padded(abs(minutes) // 60, 2), _padded(abs(minutes) % 60, 2), _padded(seconds, 2)]
    count = {3: 1, 5: 2, 6: 2, 7: 3, 9: 3}[len(sample)]
    return ("-" if minutes < 0 else "+") + (":" if ":" in sample else "").join(parts[:count])


def _fraction(clock: Clock, sample: str) -> str:
    """Return the fraction of the second; a sample of nines drops trailing zeros, and itself when nothing is left."""
    digits = f"{clock.nanosecond:09d}"[: len(sample) - 1]
    if sample[1] == "9":
        digits = digits.rstrip("0")
        return sample[0] + digits if digits else ""
    return sample[0] + digits


_WRITERS: Final[dict[str, Callable[[Clock], str]]] = {
    "January": lambda clock: MONTHS[clock.civil.month - 1],
    "Jan": lambda clock: MONTHS[clock.civil.month - 1][:3],
    "1": lambda clock: str(clock.civil.month),
    "01": lambda clock: _padded(clock.civil.month, 2),
    "Monday": lambda clock: WEEKDAYS[clock.civil.weekday],
    "Mon": lambda clock: WEEKDAYS[clock.civil.weekday][:3],
    "2": lambda clock: str(clock.civil.day),
    "_2": lambda clock: str(clock.civil.day).rjust(2),
    "02": lambda clock: _padded(clock.civil.day, 2),
    "__2": lambda clock: str(clock.civil.yearday).rjust(3),
    "002": lambda clock: _padded(clock.civil.yearday, 3),
    "15": lambda clock: _padded(clock.civil.hour, 2),
    "3": lambda clock: str(_hour12(clock)),
    "03": lambda clock: _padded(_hour12(clock), 2),
    "4": lambda clock: str(clock.civil.minute),
    "04": lambda clock: _padded(clock.civil.minute, 2),
    "5": lambda clock: str(clock.civil.second),
    "05": lambda clock: _padded(clock.civil.second, 2),
    "2006": lambda clock: _padded(clock.civil.year, 4),
    "06": lambda clock: _padded(abs(clock.civil.year) % 100, 2),
    "PM": lambda clock: "PM" if clock.civil.hour >= 12 else "AM",
    "pm": lambda clock: "pm" if clock.civil.hour >= 12 else "am",
    "MST": lambda clock: clock.name or _offset(clock, "-0700"),
}


def _write(clock: Clock, sample: str) -> str:
    if sample in _WRITERS:
        return _WRITERS[sample](clock)
    if sample[:1] in ("-", "Z"):
        return _offset(clock, sample)
    return _fraction(clock, sample) if sample else ""


def format_clock(layout: str, clock: Clock) -> str:
    """Return what the clock shows, written by the layout."""
    return "".join(piece.literal + _write(clock, piece.sample) for piece in pieces(layout))
