"""The Gregorian calendar for any year: Python's ends at 9999, Go's does not. Called by the modules about time.

Source: Go package time.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

DAY_SECONDS: Final = 86_400

CYCLE_DAYS: Final = 146_097
CYCLE_SECONDS: Final = CYCLE_DAYS * DAY_SECONDS
"""The calendar, weekdays included, repeats every 400 years."""

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def is_leap(year: int) -> bool:
    """Whether the year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(month: int, year: int) -> int:
    """Return how many days the month (1 to 12) has."""
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def days_before(month: int) -> int:
    """Return how many days of a common year lie before the month (1 to 13)."""
    return sum(days_in(earlier, 1) for earlier in range(1, month))


def days_from_civil(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar; month and day may lie outside their range."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    days += days_before(month) + (1 if month > 2 and is_leap(year) else 0)
    return days + day - 719_163


class Civil(NamedTuple):
    """A date and time of day on the wall. weekday: 0 is Sunday; yearday: 1 is January 1."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: int
    yearday: int


def civil_from_seconds(seconds: int) -> Civil:
    """Return the calendar's reading of seconds since 1970-01-01 00:00 on the wall."""
    days, rest = divmod(seconds, DAY_SECONDS)
    cycles, day_of_cycle = divmod(days + 719_162, CYCLE_DAYS)
    day = date.fromordinal(day_of_cycle + 1)
    hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
    return Civil(day.year + cycles * 400, day.month, day.day, hour, minute, second, (days + 4) % 7, day.timetuple().tm_yday)
