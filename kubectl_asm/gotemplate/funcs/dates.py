"""Time functions. ``now`` is the instant of the Environment; nothing here reads a clock.

A date may be a time, or integer seconds since 1970; with anything else the date functions take the present instant.
Called through the table in ``funcs/__init__.py``. Source: spec/templates.md sections 6.3 and 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate.funcs.coercion import parse_plain_int
from kubectl_asm.gotemplate.funcs.durations import HOUR, MINUTE, SECOND, DurationError, format_duration, parse_duration
from kubectl_asm.gotemplate.funcs.instants import LOCAL_UTC, UTC, ZERO_TIME, GoTime, RuleZone, Zone, from_datetime, from_unix
from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError, Purity
from kubectl_asm.gotemplate.funcs.time_parsing import TimeFormatError, parse_time
from kubectl_asm.gotemplate.values import ANY, Int32, Int64, wrap

GROUP = "dates"
TIME: Final = "time.Time"
_HTML: Final = "2006-01-02"
_LONGEST_GROWTH: Final = 16
"""How many bytes one of a layout can become: the year of the last time Go knows."""


# --- zones and instants -----------------------------------------------------------------------------------


def local_zone(env: Environment) -> Zone:
    """Return the controller's own zone."""
    return LOCAL_UTC if env.local is None else RuleZone("Local", env.local)


def load_zone(env: Environment, name: str) -> Zone:
    """Return the zone of an IANA name; ``Local`` is the controller's own, an unknown name UTC."""
    if name == "Local":
        return local_zone(env)
    if name in ("", "UTC") or ".." in name or name[0] in "/\\":
        return UTC
    rules = env.zone(name)
    return UTC if rules is None else RuleZone(name, rules)


def now(env: Environment) -> GoTime:
    """Return the instant of the execution."""
    return from_datetime(env.now, local_zone(env))


def _instant(env: Environment, value: object, *, integers: tuple[type[int], ...]) -> GoTime:
    """Return the value as a time; integers: the types that count as seconds since 1970."""
    if isinstance(value, GoTime):
        return value
    if type(value) in integers:
        return from_unix(int(value), local_zone(env))  # type: ignore[call-overload] # the check above narrows it
    return now(env)


def _charge(env: Environment, text: str) -> None:
    env.budget.step(len(text) // 4 + 1)


# --- writing ----------------------------------------------------------------------------------------------


def date_in_zone(env: Environment, layout: str, value: object, zone: str) -> str:
    """Return the date in a zone, written by a Go layout."""
    _charge(env, layout)
    env.budget.value(len(layout) * _LONGEST_GROWTH)
    return _instant(env, value, integers=(int, Int64, Int32)).in_zone(load_zone(env, zone)).format(layout)


def date(env: Environment, layout: str, value: object) -> str:
    """Return the date in the controller's zone, written by a Go layout."""
    return date_in_zone(env, layout, value, "Local")


def html_date(env: Environment, value: object) -> str:
    """Return the date as ``2006-01-02``."""
    return date_in_zone(env, _HTML, value, "Local")


def html_date_in_zone(env: Environment, value: object, zone: str) -> str:
    """Return the date in a zone as ``2006-01-02``."""
    return date_in_zone(env, _HTML, value, zone)


def unix_epoch(value: GoTime) -> str:
    """Return the seconds since 1970 as text."""
    return str(value.unix)


# --- reading and moving -----------------------------------------------------------------------------------


def must_to_date(env: Environment, layout: str, text: str) -> GoTime:
    """Return the time that a text gives by a Go layout. Raises: FunctionError."""
    _charge(env, layout + text)
    try:
        return parse_time(layout, text, local_zone(env))
    except TimeFormatError as error:
        raise FunctionError(str(error)) from error


def to_date(env: Environment, layout: str, text: str) -> GoTime:
    """Return the time that a text gives by a Go layout, the first instant of year 1 when it does not fit."""
    try:
        return must_to_date(env, layout, text)
    except FunctionError:
        return ZERO_TIME


def must_date_modify(duration: str, value: GoTime) -> GoTime:
    """Return the time moved by a duration such as ``-1h30m``. Raises: FunctionError."""
    try:
        return value.plus(parse_duration(duration))
    except DurationError as error:
        raise FunctionError(str(error)) from error


def date_modify(duration: str, value: GoTime) -> GoTime:
    """Return the time moved by a duration, unchanged when the duration is none."""
    try:
        return value.plus(parse_duration(duration))
    except DurationError:
        return value


# --- durations --------------------------------------------------------------------------------------------


def ago(env: Environment, value: object) -> str:
    """Return how long ago the date was, to the second."""
    elapsed = now(env).minus(_instant(env, value, integers=(int, Int64)))
    seconds, rest = divmod(abs(elapsed), SECOND)
    rounded = (seconds + (2 * rest >= SECOND)) * SECOND
    return format_duration(-rounded if elapsed < 0 else rounded)


def duration(value: object) -> str:
    """Return so many seconds, given as text or int64, as a duration; anything else counts as 0."""
    seconds = 0
    if isinstance(value, str):
        seconds = parse_plain_int(value)[0]
    elif type(value) is Int64:  # not time.Duration, which is another type in Go
        seconds = int(value)
    return format_duration(wrap(seconds * SECOND))


_STEPS: Final = (
    (365 * 24 * HOUR, "y"), (30 * 24 * HOUR, "mo"), (24 * HOUR, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"),
)  # fmt: skip


def _nanoseconds(env: Environment, value: object) -> int:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except DurationError:
            return 0
    if isinstance(value, GoTime):
        return now(env).minus(value)
    return int(value) if type(value) is Int64 else 0


def duration_round(env: Environment, value: object) -> str:
    """Return a duration, or the time since a date, in its largest unit that it exceeds: ``2h``, ``3mo``."""
    size = abs(_nanoseconds(env, value))
    return next((f"{size // unit}{name}" for unit, name in _STEPS if size > unit), "0s")


def _row(name: str, call: Callable[..., object], params: tuple[str, ...], summary: str) -> Function:
    """Return the row of a function that takes the present instant for an unusable date."""
    return Function(name, GROUP, call, params, needs_env=True, purity=Purity.TIME, summary=summary)


_MODIFY: Final = ("string", TIME)
_IN_ZONE: Final = ("string", ANY, "string")

FUNCTIONS: tuple[Function, ...] = (
    _row("ago", ago, (ANY,), "How long ago a date was."),
    _row("date", date, ("string", ANY), "Date written by a Go layout."),
    _row("dateInZone", date_in_zone, _IN_ZONE, "Date in a zone, written by a Go layout."),
    _row("date_in_zone", date_in_zone, _IN_ZONE, "Older name of dateInZone."),
    Function("dateModify", GROUP, date_modify, _MODIFY, TIME, summary="Time moved by a duration, unchanged for a bad one."),
    Function("date_modify", GROUP, date_modify, _MODIFY, TIME, summary="Older name of dateModify."),
    Function("duration", GROUP, duration, (ANY,), summary="Seconds as a duration."),
    _row("durationRound", duration_round, (ANY,), "Duration in its largest unit."),
    _row("htmlDate", html_date, (ANY,), "Date as year, month and day."),
    _row("htmlDateInZone", html_date_in_zone, (ANY, "string"), "Date in a zone as year, month and day."),
    Function("mustDateModify", GROUP, must_date_modify, _MODIFY, TIME, summary="Like dateModify, with an error."),
    Function("must_date_modify", GROUP, must_date_modify, _MODIFY, TIME, summary="Older name of mustDateModify."),
    Function(
        "mustToDate", GROUP, must_to_date, ("string", "string"), TIME, needs_env=True, summary="Like toDate, with an error."
    ),
    Function(
        "now",
        GROUP,
        now,
        (),
        TIME,
        needs_env=True,
        purity=Purity.TIME,
        status="differs",
        summary="Instant of the execution, the same at every call; printed without Go's monotonic clock reading.",
    ),
    Function("toDate", GROUP, to_date, ("string", "string"), TIME, needs_env=True, summary="Time of a text by a Go layout."),
    Function("unixEpoch", GROUP, unix_epoch, (TIME,), summary="Seconds since 1970 of a time."),
)
