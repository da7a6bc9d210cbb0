"""Reading a time by a Go layout. Called by ``dates.py``.

Source: spec/templates.md section 6.4; Go time.ParseInLocation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from kubectl_asm.gotemplate.funcs.civil import DAY_SECONDS, MONTHS, WEEKDAYS, days_before, days_from_civil, days_in, is_leap
from kubectl_asm.gotemplate.funcs.durations import quote
from kubectl_asm.gotemplate.funcs.instants import UTC, FixedZone, GoTime, Zone, from_unix, from_wall
from kubectl_asm.gotemplate.funcs.layouts import pieces


class TimeFormatError(ValueError):
    """A text that the layout does not fit; the message is Go's."""


class _MismatchError(Exception):
    """The text does not continue as the layout asks."""


class _RangeError(Exception):
    """A number of the text is out of its range; the argument names it."""


_FRACTION: Final = re.compile(r"[.,][0-9]+")
_UP_TO_FOUR_DIGITS: Final = re.compile(r"[0-9]{1,4}")
_SIGNED_DIGIT: Final = re.compile(r"[+-][0-9]")
_BLANKS: Final = re.compile(" *")
_LONGEST_ZONE: Final = 32
_MIN_RANGES: Final = {"month": (1, 12), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None  # the pattern may match nothing
    return match.end()


class _Reader:
    """Reads one text by one layout. Fields that the text does not set stay None."""

    def __init__(self, layout: str, text: str) -> None:
        self._layout, self._text, self._at = layout, text, 0
        self._pieces = list(pieces(layout))
        self._numbers: dict[str, int] = {}
        self._afternoon: bool | None = None
        self._zone: Zone | None = None
        self._offset: int | None = None
        self._zone_name = ""

    def read(self, local: Zone) -> GoTime:
        """Return the time; local is the zone of a text that names none. Raises: TimeFormatError."""
        for number, (literal, sample) in enumerate(self._pieces):
            self._skip(literal)
            if sample:
                self._read_sample(sample, self._pieces[number + 1].sample)
        if self._at < len(self._text):
            self._fail(f": extra text: {quote(self._text[self._at :])}")
        return self._build(local)

    def _fail(self, message: str) -> NoReturn:
        raise TimeFormatError(f"parsing time {quote(self._text)}{message}")

    def _fail_at(self, element: str, at: int) -> NoReturn:
        self._fail(f" as {quote(self._layout)}: cannot parse {quote(self._text[at:])} as {quote(element)}")

    def _skip(self, literal: str) -> None:
        """Move past a literal of the layout; a blank stands for any number of blanks, also none at the end."""
        place = 0
        while place < len(literal):
            if literal[place] == " ":
                if not self._ahead(" ") and self._at < len(self._text):
                    self._fail_at(literal, self._at)
                place = _after_blanks(literal, place)
                self._at = _after_blanks(self._text, self._at)
            elif self._ahead(literal[place]):
                place, self._at = place + 1, self._at + 1
            else:
                self._fail_at(literal, self._at)

    def _ahead(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _read_sample(self, sample: str, following: str) -> None:
        before = self._at
        try:
            if sample[0] in "-Z":
                self._read_offset(sample)
            elif sample[0] in ".,":
                self._read_fraction(sample)
            else:
                _READERS[sample](self)
            if sample in ("5", "05") and following[:1] not in (".", ",") and _FRACTION.match(self._text, self._at):
                self._read_fraction(".9")
        except _MismatchError:
            self._fail_at(sample, before)
        except _RangeError as error:
            self._fail(f": {error} out of range")

    def _take(self, count: int) -> str:
        if len(self._text) - self._at < count:
            raise _MismatchError
        self._at += count
        return self._text[self._at - count : self._at]

    def _digits(self, least: int, most: int) -> int:
        """Read a number of so many digits."""
        match = _UP_TO_FOUR_DIGITS.match(self._text, self._at, self._at + most)
        if match is None or len(match[0]) < least:
            raise _MismatchError
        return int(self._take(len(match[0])))

    def number(self, field: str, least: int, most: int = 2, *, pad: int = 0, top: int | None = None) -> None:
        """Read a number into a field; pad: how many blanks may stand before it; top: largest value when not the usual."""
        for _ in range(pad):
            self._at += self._ahead(" ")
        value = self._digits(least, most)
        self._numbers[field] = value
        low, high = _MIN_RANGES.get(field, (value, value))
        if not low <= value <= (high if top is None else top):
            raise _RangeError(field)

    def year(self, digits: int) -> None:
        """Read a year; of two digits, 69 to 99 belong to the 20th century."""
        if digits == 2 and _SIGNED_DIGIT.match(self._text, self._at):
            value = int(self._take(2))
        else:
            value = self._digits(digits, digits)
        if digits == 2:
            value += 1900 if value >= 69 else 2000
        self._numbers["year"] = value

    def name(self, field: str, names: Sequence[str]) -> None:
        """Read a month or weekday name, whatever its case."""
        for number, name in enumerate(names, start=1):
            found = self._text[self._at : self._at + len(name)]
            if found.isascii() and found.lower() == name.lower():
                self._take(len(name))
                self._numbers[field] = number
                return
        raise _MismatchError

    def half(self, morning: str, afternoon: str) -> None:
        """Read the half of the day."""
        taken = self._take(2)
        if taken not in (morning, afternoon):
            raise _MismatchError
        self._afternoon = taken == afternoon

    def zone_name(self) -> None:
        """Read a zone abbreviation."""
        if self._ahead("UTC"):
            self._take(3)
            self._zone = UTC
            return
        length = _zone_name_length(self._text[self._at : self._at + _LONGEST_ZONE])
        if not length:
            raise _MismatchError
        self._zone_name = self._take(length)

    def _read_offset(self, sample: str) -> None:
        if sample[0] == "Z" and self._ahead("Z"):
            self._take(1)
            self._zone = UTC
            return
        taken = self._take(len(sample))
        shape = re.sub("[0-9]", "0", taken[1:])
        hours, minutes, seconds = (int(part or 0) for part in _offset_parts(taken[1:], shape, sample))
        for value, most, what in ((hours, 24, "hour"), (minutes, 60, "minute"), (seconds, 60, "second")):
            if value > most:
                raise _RangeError(f"time zone offset {what}")
        if taken[0] not in "+-":
            raise _MismatchError
        offset = (hours * 60 + minutes) * 60 + seconds
        self._offset = -offset if taken[0] == "-" else offset

    def _read_fraction(self, sample: str) -> None:
        """Read a fraction of the second: for a sample of zeros exactly so many digits, otherwise as many as there are."""
        if sample[1] == "0":
            taken = self._take(len(sample))
            if not _FRACTION.fullmatch(taken):
                raise _MismatchError
        else:
            match = _FRACTION.match(self._text, self._at)
            if match is None:
                return
            taken = self._take(len(match[0]))
        self._numbers["nanosecond"] = int(taken[1:10].ljust(9, "0"))

    # --- from fields to an instant

    def _hour(self) -> int:
        hour = self._numbers.get("hour", 0)
        if self._afternoon and hour < 12:
            return hour + 12
        return 0 if self._afternoon is False and hour == 12 else hour

    def _month_and_day(self, year: int) -> tuple[int, int]:
        if "yearday" not in self._numbers:
            return self._numbers.get("month", 1), self._numbers.get("day", 1)
        month, day = self._from_yearday(year, self._numbers["yearday"])
        for field, value in (("month", month), ("day", day)):
            if self._numbers.get(field, value) != value:
                self._fail(f": day-of-year does not match {field}")
        return month, day

    def _from_yearday(self, year: int, yearday: int) -> tuple[int, int]:
        if is_leap(year):
            if yearday == 31 + 29:
                return 2, 29
            yearday -= 1 if yearday > 31 + 29 else 0
        if not 1 <= yearday <= 365:
            self._fail(": day-of-year out of range")
        month = max(month for month in range(1, 13) if days_before(month) < yearday)
        return month, yearday - days_before(month)

    def _build(self, local: Zone) -> GoTime:
        year = self._numbers.get("year", 0)
        month, day = self._month_and_day(year)
        if not 1 <= day <= days_in(month, year):
            self._fail(": day out of range")
        minutes = self._hour() * 60 + self._numbers.get("minute", 0)
        wall = days_from_civil(year, month, day) * DAY_SECONDS + minutes * 60 + self._numbers.get("second", 0)
        return self._in_zone(wall, self._numbers.get("nanosecond", 0), local)

    def _in_zone(self, wall: int, nanosecond: int, local: Zone) -> GoTime:
        if self._zone is not None:
            return from_unix(wall, self._zone, nanosecond)
        if self._offset is not None:
            unix = wall - self._offset
            name, offset = local.at(unix)
            is_local = offset == self._offset and self._zone_name in ("", name)
            return from_unix(unix, local if is_local else FixedZone(self._zone_name, self._offset), nanosecond)
        if self._zone_name:
            name, offset = local.at(wall)
            if name == self._zone_name:
                return from_unix(wall - offset, local, nanosecond)
            # Go knows no offset for a foreign abbreviation, except for GMT+n, and then only shows it.
            hours = int(self._zone_name[3:] or 0) if self._zone_name.startswith("GMT") else 0
            return from_unix(wall, FixedZone(self._zone_name, hours * 3600), nanosecond)
        return from_wall(wall, nanosecond, local)


def _offset_parts(digits: str, shape: str, sample: str) -> tuple[str, str, str]:
    """Return hours, minutes and seconds of an offset written like the sample; missing parts are empty."""
    if shape != re.sub("[0-9]", "0", sample[1:]):
        raise _MismatchError
    plain = digits.replace(":", "")
    return plain[:2], plain[2:4], plain[4:]


def _signed_offset_length(text: str) -> int:
    """Return the length of ``+5`` or ``-11`` at the start of the text, 0 when there is none up to 23."""
    match = re.match(r"[+-][0-9]+", text)
    return match.end() if match and int(match.group()[1:18]) <= 23 and match.end() < 18 else 0


def _zone_name_length(text: str) -> int:
    """Return the length of the zone abbreviation at the start of the text, 0 when there is none."""
    if len(text) < 3:
        return 0
    if text[:4] in ("ChST", "MeST"):
        return 4
    if text.startswith("GMT"):
        return 3 + _signed_offset_length(text[3:])
    if text[0] in "+-":
        return _signed_offset_length(text)
    capitals = len(re.match(r"[A-Z]{0,6}", text).group())  # type: ignore[union-attr] # the pattern may match nothing
    if capitals == 5:
        return 5 if text[4] == "T" else 0
    if capitals == 4:
        return 4 if text[3] == "T" or text[:4] == "WITA" else 0
    return 3 if capitals == 3 else 0


_SHORT_MONTHS: Final = tuple(name[:3] for name in MONTHS)
_SHORT_DAYS: Final = tuple(name[:3] for name in WEEKDAYS)

_READERS: Final[dict[str, Callable[[_Reader], None]]] = {
    "January": lambda reader: reader.name("month", MONTHS),
    "Jan": lambda reader: reader.name("month", _SHORT_MONTHS),
    "1": lambda reader: reader.number("month", 1),
    "01": lambda reader: reader.number("month", 2),
    "Monday": lambda reader: reader.name("weekday", WEEKDAYS),
    "Mon": lambda reader: reader.name("weekday", _SHORT_DAYS),
    "2": lambda reader: reader.number("day", 1),
    "_2": lambda reader: reader.number("day", 1, pad=1),
    "02": lambda reader: reader.number("day", 2),
    "__2": lambda reader: reader.number("yearday", 1, 3, pad=2),
    "002": lambda reader: reader.number("yearday", 3, 3),
    "15": lambda reader: reader.number("hour", 1),
    "3": lambda reader: reader.number("hour", 1, top=12),
    "03": lambda reader: reader.number("hour", 2, top=12),
    "4": lambda reader: reader.number("minute", 1),
    "04": lambda reader: reader.number("minute", 2),
    "5": lambda reader: reader.number("second", 1),
    "05": lambda reader: reader.number("second", 2),
    "2006": lambda reader: reader.year(4),
    "06": lambda reader: reader.year(2),
    "PM": lambda reader: reader.half("AM", "PM"),
    "pm": lambda reader: reader.half("am", "pm"),
    "MST": lambda reader: reader.zone_name(),
}


def parse_time(layout: str, text: str, local: Zone) -> GoTime:
    """Return the time that the text gives by the layout, in local when it names no zone. Raises: TimeFormatError."""
    return _Reader(layout, text).read(local)
