"""Durations, months and weekdays: the named integers of package time; and times as Go source.

``methods.py`` exposes them to templates. Source: Go package time.
"""

from __future__ import annotations

from typing import ClassVar

from kubectl_asm.gotemplate.funcs.civil import MONTHS, WEEKDAYS
from kubectl_asm.gotemplate.funcs.durations import format_duration
from kubectl_asm.gotemplate.funcs.instants import UTC, GoTime, Zone
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import GoList, GoObject, Int64, SizedInt, wrap


class Duration(Int64):
    """A time.Duration, in nanoseconds."""

    __slots__ = ()
    go_type: ClassVar[str] = "time.Duration"
    go_kind: ClassVar[str] = "int64"

    def go_string(self) -> str:
        """Return the duration as ``1h2m3s``."""
        return format_duration(self)


class Month(SizedInt):
    """A time.Month; January is 1."""

    __slots__ = ()
    go_type: ClassVar[str] = "time.Month"
    go_kind: ClassVar[str] = "int"

    def go_string(self) -> str:
        """Return the English name."""
        return MONTHS[self - 1] if 1 <= self <= 12 else f"%!Month({wrap(int(self), signed=False)})"


class Weekday(SizedInt):
    """A time.Weekday; Sunday is 0."""

    __slots__ = ()
    go_type: ClassVar[str] = "time.Weekday"
    go_kind: ClassVar[str] = "int"

    def go_string(self) -> str:
        """Return the English name."""
        return WEEKDAYS[self] if 0 <= self <= 6 else f"%!Weekday({wrap(int(self), signed=False)})"


class Location(GoObject):
    """A *time.Location: a zone as a value of its own."""

    __slots__ = ("zone",)
    go_type: ClassVar[str] = "*time.Location"
    go_kind: ClassVar[str] = "ptr"

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def go_string(self) -> str:
        """Return the zone's name."""
        return self.zone.name

    def go_struct(self) -> tuple[tuple[str, object], ...]:
        """Return Go's private fields, as they are for a zone without rules."""
        lists = (("zone", GoList((), "time.zone")), ("tx", GoList((), "time.zoneTrans")))
        numbers = (("cacheStart", Int64(0)), ("cacheEnd", Int64(0)))
        return (("name", self.zone.name), *lists, ("extend", ""), *numbers, ("cacheZone", None))


def truncate(nanoseconds: int, unit: int) -> int:
    """Return the duration cut towards zero to a multiple of unit; a unit of 0 or less changes nothing."""
    if unit <= 0:
        return nanoseconds
    rest = abs(nanoseconds) % unit
    return nanoseconds + rest if nanoseconds < 0 else nanoseconds - rest


def round_half_away(nanoseconds: int, unit: int) -> int:
    """Return the nearest multiple of unit, halves away from zero, held within 64 bits; a unit of 0 or less changes nothing."""
    if unit <= 0:
        return nanoseconds
    steps = (abs(nanoseconds) * 2 + unit) // (unit * 2)
    value = steps * unit if nanoseconds >= 0 else -steps * unit
    return max(-(1 << 63), min((1 << 63) - 1, value))


def go_syntax(value: object) -> str | None:
    """Return the Go expression that ``%#v`` prints for types which have one of their own: times. None for all others."""
    if not isinstance(value, GoTime):
        return None
    wall = value.civil()
    month = f"time.{MONTHS[wall.month - 1]}"
    numbers = (wall.day, wall.hour, wall.minute, wall.second, value.nanosecond)
    return f"time.Date({wall.year}, {month}, {', '.join(map(str, numbers))}, {_zone_syntax(value.zone)})"


def _zone_syntax(zone: Zone) -> str:
    if zone is UTC:
        return "time.UTC"
    return "time.Local" if zone.name in ("UTC", "Local") else f"time.Location({quote(zone.name)})"
