"""Go's time.Time: an instant with nanoseconds in a zone, for any year Go can name.

Python's datetime ends at year 9999 and at microseconds; only zone rules come from it, as a tzinfo. ``dates.py``,
``time_parsing.py`` and the methods of time values use it. Source: Go time.Time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC as DATETIME_UTC
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar, Final

from kubectl_asm.gotemplate.funcs.civil import CYCLE_SECONDS, DAY_SECONDS, Civil, civil_from_seconds
from kubectl_asm.gotemplate.funcs.layouts import Clock, format_clock
from kubectl_asm.gotemplate.gojson import JSONError
from kubectl_asm.gotemplate.values import GoObject, Int64, Uint64, wrap

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=DATETIME_UTC)
_NO_JSON: Final = "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON:"
_YEAR_1: Final = -62_135_596_800
_UNIX_TO_ABSOLUTE: Final = 9_223_372_028_741_760_000
"""Seconds from the start of Go's unsigned calendar to 1970."""


# --- zones ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone(GoObject):
    """A time zone. name: what Location.String gives."""

    go_type: ClassVar[str] = "*time.Location"
    go_kind: ClassVar[str] = "ptr"

    name: str

    def go_string(self) -> str:
        """Return the zone's name."""
        return self.name

    def at(self, _unix: int) -> tuple[str, int]:
        """Return abbreviation and seconds east of UTC in force at a Unix time."""
        return "UTC", 0


@dataclass(frozen=True, slots=True)
class FixedZone(Zone):
    """A zone with one offset. name is its abbreviation too, empty when unknown."""

    offset: int

    def at(self, _unix: int) -> tuple[str, int]:
        """Return the fixed name and offset."""
        return self.name, self.offset


@dataclass(frozen=True, slots=True)
class RuleZone(Zone):
    """A zone with the rules of a tzinfo."""

    rules: tzinfo

    def at(self, unix: int) -> tuple[str, int]:
        """Return what the rules say; beyond Python's years, for the same day of an earlier or later 400-year cycle."""
        if not -CYCLE_SECONDS * 4 < unix < CYCLE_SECONDS * 20:
            unix = unix % CYCLE_SECONDS + (CYCLE_SECONDS * 19 if unix > 0 else -CYCLE_SECONDS * 4)
        local = (_EPOCH + timedelta(seconds=unix)).astimezone(self.rules)
        offset = local.utcoffset() or timedelta(0)
        return local.tzname() or "", round(offset.total_seconds())


@dataclass(frozen=True, slots=True)
class _LocalUTC(Zone):
    """UTC as the controller's own zone."""


UTC: Final = Zone("UTC")
LOCAL_UTC: Final = _LocalUTC("UTC")
"""The controller's own zone when it is UTC: prints like UTC, but Go compares it as a different location."""


# --- instants ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoTime(GoObject):
    """An instant. unix: whole seconds since 1970 in Go's range; nanosecond: 0 to 999,999,999; zone: how it is shown."""

    go_type: ClassVar[str] = "time.Time"
    go_kind: ClassVar[str] = "struct"

    unix: int
    nanosecond: int = 0
    zone: Zone = UTC

    def civil(self) -> Civil:
        """Return date and time of day in the zone; before Go's earliest year the reading wraps to its latest."""
        wall = self.unix + self.zone.at(self.unix)[1]
        return civil_from_seconds(wrap(wall + _UNIX_TO_ABSOLUTE, signed=False) - _UNIX_TO_ABSOLUTE)

    def in_zone(self, zone: Zone) -> GoTime:
        """Return the same instant shown in another zone."""
        return GoTime(self.unix, self.nanosecond, zone)

    def plus(self, nanoseconds: int) -> GoTime:
        """Return the instant so much later, in the same zone."""
        seconds, nanosecond = divmod(self.nanosecond + nanoseconds, 10**9)
        return from_unix(self.unix + seconds, self.zone, nanosecond)

    def minus(self, other: GoTime) -> int:
        """Return the nanoseconds since other, held within 64 bits."""
        difference = (self.unix - other.unix) * 10**9 + self.nanosecond - other.nanosecond
        return max(-(1 << 63), min((1 << 63) - 1, difference))

    def format(self, layout: str) -> str:
        """Return the instant written by a Go layout."""
        name, offset = self.zone.at(self.unix)
        return format_clock(layout, Clock(self.civil(), self.nanosecond, name, offset))

    def go_string(self) -> str:
        """Return the text ``%v`` prints: date, time, offset and zone."""
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def go_struct(self) -> tuple[tuple[str, object], ...]:
        """Return Go's private fields: nanosecond, seconds since year 1, and the zone, which is nil for UTC."""
        zone = None if self.zone is UTC else self.zone
        return (("wall", Uint64(self.nanosecond)), ("ext", Int64(self.unix - _YEAR_1)), ("loc", zone))

    def json_text(self) -> str:
        """Return the RFC 3339 text that JSON holds. Raises: JSONError for a year or an offset that has no place in it."""
        if not 0 <= self.civil().year <= 9999:
            raise JSONError(f"{_NO_JSON} year outside of range [0,9999]")
        if abs(self.zone.at(self.unix)[1]) >= DAY_SECONDS:
            raise JSONError(f"{_NO_JSON} timezone hour outside of range [0,23]")
        return self.format("2006-01-02T15:04:05.999999999Z07:00")


ZERO_TIME: Final = GoTime(_YEAR_1)
"""Go's zero Time: the first instant of year 1, UTC."""


def from_unix(seconds: int, zone: Zone, nanosecond: int = 0) -> GoTime:
    """Return the instant of a Unix time; seconds beyond Go's range wrap around as they do there."""
    return GoTime(wrap(seconds), nanosecond, zone)


def from_datetime(instant: datetime, zone: Zone) -> GoTime:
    """Return an aware datetime as an instant shown in zone."""
    elapsed = instant - _EPOCH
    return GoTime(elapsed.days * DAY_SECONDS + elapsed.seconds, elapsed.microseconds * 1000, zone)


def from_wall(wall_seconds: int, nanosecond: int, zone: Zone) -> GoTime:
    """Return the instant at which the zone's wall shows so many seconds since 1970-01-01 00:00.

    In the hour that is skipped or repeated Go takes the offset in force at the guess that the first look-up gives.
    """
    guess = wall_seconds - zone.at(wall_seconds)[1]
    return from_unix(wall_seconds - zone.at(guess)[1], zone, nanosecond)
