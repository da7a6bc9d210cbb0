"""What a template can reach on a Go object: explicit tables of methods and fields, never Python attributes.

Called by ``fields.py`` for ``.Name`` on a time, duration, version or certificate.
Source: spec/templates.md section 3.3 (row "methods"); Go package time; Masterminds/semver v3.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from kubectl_asm.gotemplate.funcs.civil import DAY_SECONDS, days_from_civil
from kubectl_asm.gotemplate.funcs.instants import UTC, ZERO_TIME, GoTime, from_wall
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.funcs.versions import Version, VersionError, changed, check_metadata, check_prerelease
from kubectl_asm.gotemplate.gojson import quote as json_quote
from kubectl_asm.gotemplate.times import Duration, Location, Month, Weekday, go_syntax, round_half_away, truncate
from kubectl_asm.gotemplate.values import GoBytes, Int64, Uint64, int64, raw, type_of, wrap


class Method(msgspec.Struct, frozen=True):
    """One method. call: receives the object, then arguments of the types in params.

    complaint: Go's text when its results make it impossible to call from a template, "" for all others.
    """

    call: Callable[..., object]
    params: tuple[str, ...] = ()
    complaint: str = ""


def _count(name: str, results: int) -> Method:
    return Method(_not_callable, complaint=f"function {name} has {results} return values; should be 1 or 2")


def _second(name: str, go_type: str) -> Method:
    text = f"invalid function signature for {name}: second return value should be error; is {go_type}"
    return Method(_not_callable, complaint=text)


def _not_callable(*_args: object) -> object:
    raise FunctionError("method cannot be called")


# --- time.Duration, time.Month, time.Weekday --------------------------------------------------------------

_DURATION: Final[Mapping[str, Method]] = {
    "Abs": Method(lambda d: Duration(min(abs(d), (1 << 63) - 1))),
    "Hours": Method(lambda d: _units(d, 3600 * 10**9)),
    "Minutes": Method(lambda d: _units(d, 60 * 10**9)),
    "Seconds": Method(lambda d: _units(d, 10**9)),
    "Milliseconds": Method(lambda d: Int64(truncate(d, 10**6) // 10**6)),
    "Microseconds": Method(lambda d: Int64(truncate(d, 10**3) // 10**3)),
    "Nanoseconds": Method(Int64),
    "String": Method(lambda d: d.go_string()),
    "Round": Method(lambda d, unit: Duration(round_half_away(d, unit)), ("time.Duration",)),
    "Truncate": Method(lambda d, unit: Duration(truncate(d, unit)), ("time.Duration",)),
}
_NAMED: Final[Mapping[str, Method]] = {"String": Method(lambda value: value.go_string())}


def _units(duration: int, unit: int) -> float:
    """Return a duration in units, the whole and the rest converted apart as in Go."""
    whole = truncate(duration, unit)
    return float(whole // unit) + float(duration - whole) / unit


# --- time.Time --------------------------------------------------------------------------------------------


def _order(left: GoTime, right: GoTime) -> int:
    a, b = (left.unix, left.nanosecond), (right.unix, right.nanosecond)
    return (a > b) - (a < b)


def _unix(scale: int) -> Callable[[GoTime], Int64]:
    """Return a reader of the time since 1970 with so many parts a second, wrapped around at 64 bits."""
    return lambda t: int64(t.unix * scale + t.nanosecond * scale // 10**9)


def _add_date(t: GoTime, years: int, months: int, days: int) -> GoTime:
    wall = t.civil()
    since = days_from_civil(wall.year + years, wall.month + months, wall.day + days) * DAY_SECONDS
    return from_wall(since + wall.hour * 3600 + wall.minute * 60 + wall.second, t.nanosecond, t.zone)


def _since_zero(t: GoTime) -> int:
    return (t.unix - ZERO_TIME.unix) * 10**9 + t.nanosecond


def _truncate_time(t: GoTime, unit: int) -> GoTime:
    return t if unit <= 0 else t.plus(-(_since_zero(t) % unit))


def _round_time(t: GoTime, unit: int) -> GoTime:
    if unit <= 0:
        return t
    rest = _since_zero(t) % unit
    return t.plus(-rest if rest * 2 < unit else unit - rest)


def _format_time(t: GoTime, layout: str) -> str:
    return t.format(layout)


def _marshal_time(t: GoTime) -> str:
    year = t.civil().year
    if not 0 <= year <= 9999:
        raise FunctionError("Time.MarshalJSON: year outside of range [0,9999]")
    return t.json_text()


def _append_format(t: GoTime, head: object, layout: str) -> GoBytes:
    assert isinstance(head, (GoBytes, list))
    return GoBytes(bytes(head if isinstance(head, GoBytes) else b"") + raw(t.format(layout)))


_TIME: Final[Mapping[str, Method]] = {
    "Add": Method(lambda t, d: t.plus(int(d)), ("time.Duration",)),
    "AddDate": Method(_add_date, ("int", "int", "int")),
    "After": Method(lambda t, u: _order(t, u) > 0, ("time.Time",)),
    "AppendFormat": Method(_append_format, ("[]uint8", "string")),
    "Before": Method(lambda t, u: _order(t, u) < 0, ("time.Time",)),
    "Clock": _count("Clock", 3),
    "Compare": Method(_order, ("time.Time",)),
    "Date": _count("Date", 3),
    "Day": Method(lambda t: t.civil().day),
    "Equal": Method(lambda t, u: _order(t, u) == 0, ("time.Time",)),
    "Format": Method(_format_time, ("string",)),
    "GoString": Method(go_syntax),
    "Hour": Method(lambda t: t.civil().hour),
    "ISOWeek": _second("ISOWeek", "int"),
    "In": Method(lambda t, where: t.in_zone(where.zone), ("*time.Location",)),
    "IsDST": Method(lambda t: t.zone.at(t.unix)[1] > min(t.zone.at(t.unix - 15_778_800)[1], t.zone.at(t.unix + 15_778_800)[1])),
    "IsZero": Method(lambda t: _order(t, ZERO_TIME) == 0),
    "Local": Method(lambda t: t.in_zone(UTC)),
    "Location": Method(lambda t: Location(t.zone)),
    "MarshalJSON": Method(lambda t: GoBytes(raw(json_quote(_marshal_time(t))))),
    "MarshalText": Method(lambda t: GoBytes(raw(_marshal_time(t).replace("Time.MarshalJSON", "Time.MarshalText")))),
    "Minute": Method(lambda t: t.civil().minute),
    "Month": Method(lambda t: Month(t.civil().month)),
    "Nanosecond": Method(lambda t: t.nanosecond),
    "Round": Method(_round_time, ("time.Duration",)),
    "Second": Method(lambda t: t.civil().second),
    "String": Method(lambda t: t.go_string()),
    "Sub": Method(lambda t, u: Duration(t.minus(u)), ("time.Time",)),
    "Truncate": Method(_truncate_time, ("time.Duration",)),
    "UTC": Method(lambda t: t.in_zone(UTC)),
    "Unix": Method(_unix(1)),
    "UnixMicro": Method(_unix(10**6)),
    "UnixMilli": Method(_unix(10**3)),
    "UnixNano": Method(_unix(10**9)),
    "Weekday": Method(lambda t: Weekday(t.civil().weekday)),
    "Year": Method(lambda t: t.civil().year),
    "YearDay": Method(lambda t: t.civil().yearday),
    "Zone": _second("Zone", "int"),
    "ZoneBounds": _second("ZoneBounds", "time.Time"),
}

# --- *semver.Version --------------------------------------------------------------------------------------


def _next(version: Version, part: str) -> Version:
    """Return the next version of a part; a pre-release's next patch is its release."""
    fields: dict[str, int | str] = {"prerelease": "", "metadata": ""}
    if part == "patch" and version.prerelease:
        return changed(version, **fields)
    parts = ("major", "minor", "patch")
    numbers = dict(zip(parts, (version.major, version.minor, version.patch), strict=True))
    fields[part] = wrap(numbers[part] + 1, signed=False)
    fields.update(dict.fromkeys(parts[parts.index(part) + 1 :], 0))
    return changed(version, **fields)


def _with_prerelease(version: Version, text: str) -> Version:
    try:
        check_prerelease(text) if text else None
    except VersionError as error:
        raise FunctionError(str(error)) from None
    return changed(version, prerelease=text)


def _with_metadata(version: Version, text: str) -> Version:
    try:
        check_metadata(text) if text else None
    except VersionError as error:
        raise FunctionError(str(error)) from None
    return changed(version, metadata=text)


def _compares(accept: Callable[[int], bool]) -> Method:
    return Method(lambda left, right: accept(left.compare(right)), ("*semver.Version",))


_VERSION_VALUE: Final[Mapping[str, Method]] = {
    "IncMajor": Method(lambda v: _next(v, "major")),
    "IncMinor": Method(lambda v: _next(v, "minor")),
    "IncPatch": Method(lambda v: _next(v, "patch")),
    "Major": Method(lambda v: Uint64(v.major)),
    "MarshalJSON": Method(lambda v: GoBytes(raw(json_quote(v.go_string())))),
    "MarshalText": Method(lambda v: GoBytes(raw(v.go_string()))),
    "Metadata": Method(lambda v: v.metadata),
    "Minor": Method(lambda v: Uint64(v.minor)),
    "Patch": Method(lambda v: Uint64(v.patch)),
    "Prerelease": Method(lambda v: v.prerelease),
    "SetMetadata": Method(_with_metadata, ("string",)),
    "SetPrerelease": Method(_with_prerelease, ("string",)),
    "String": Method(lambda v: v.go_string()),
    "Value": Method(lambda v: v.go_string()),
}


_VERSION: Final[Mapping[str, Method]] = {
    **_VERSION_VALUE,
    "Compare": Method(lambda left, right: left.compare(right), ("*semver.Version",)),
    "Equal": _compares(lambda order: order == 0),
    "GreaterThan": _compares(lambda order: order > 0),
    "GreaterThanEqual": _compares(lambda order: order >= 0),
    "LessThan": _compares(lambda order: order < 0),
    "LessThanEqual": _compares(lambda order: order <= 0),
    "Original": Method(lambda v: v.original),
}

_LOCATION: Final[Mapping[str, Method]] = {"String": Method(lambda where: where.zone.name)}

METHODS: Final[Mapping[str, Mapping[str, Method]]] = {
    "time.Time": _TIME,
    "time.Duration": _DURATION,
    "time.Month": _NAMED,
    "time.Weekday": _NAMED,
    "*time.Location": _LOCATION,
    "*semver.Version": _VERSION,
    "semver.Version": _VERSION_VALUE,
}
"""Go type to method name to method."""

_FIELDS: Final[Mapping[str, Mapping[str, Callable[[Any], object]]]] = {
    "sprig.certificate": {"Cert": lambda value: value.cert, "Key": lambda value: value.key},
}

_UNEXPORTED: Final[Mapping[str, frozenset[str]]] = {
    "time.Time": frozenset({"wall", "ext", "loc"}),
    "*semver.Version": frozenset({"major", "minor", "patch", "pre", "metadata", "original"}),
    "semver.Version": frozenset({"major", "minor", "patch", "pre", "metadata", "original"}),
    "*time.Location": frozenset({"name", "zone", "tx", "extend", "cacheStart", "cacheEnd", "cacheZone"}),
}


def method_of(value: object, name: str) -> Method | None:
    """Return a value's method, None when its type has none of that name."""
    table = METHODS.get(type_of(value))
    return None if table is None else table.get(name)


def field_of(value: object, name: str) -> Callable[[Any], object] | None:
    """Return the reader of an exported field, None when the type has none of that name."""
    table = _FIELDS.get(type_of(value))
    return None if table is None else table.get(name)


def is_unexported(value: object, name: str) -> bool:
    """Whether the type has a field of that name which Go hides."""
    return name in _UNEXPORTED.get(type_of(value), frozenset())
