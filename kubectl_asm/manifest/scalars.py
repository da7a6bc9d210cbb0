"""What a plain YAML scalar means to the Go loaders that read the same text.

Two dialects exist because two loaders do: backend documents are read by yaml.v3, manifests by kubectl's loader, for
which `yes` and `on` are booleans and dates stay text.
Source: spec/data.md 7.1; measured against yaml.v3 3.0.1 and the yaml.v2 lineage of kubectl.
"""

from __future__ import annotations

import enum
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_TRUE_OLD: Final = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE_OLD: Final = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_SPECIAL_FLOATS: Final = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]|[ ]+)(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[-+]\d{2}:\d{2})?)?", re.ASCII
)
_STARTS_NUMBER = frozenset("0123456789+-.")
_UINT64_MAX = 2**64 - 1
_INT64_MIN = -(2**63)
_MAX_DECIMALS = 20

Scalar = None | bool | int | float | str | datetime


class Dialect(enum.Enum):
    """Which Go loader reads the text."""

    YAML_V3 = "yaml.v3"
    KUBECTL = "kubectl"


def resolve_plain(text: str, dialect: Dialect) -> Scalar:
    """Return the value of a plain (unquoted, untagged) scalar.

    Integers beyond uint64 become floats, as in Go. Pure; never raises.
    """
    if text in NULLS:
        return None
    if text[0] in _STARTS_NUMBER:
        return _number_or_time(text, dialect)
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if dialect is Dialect.KUBECTL:
        if text in _TRUE_OLD:
            return True
        if text in _FALSE_OLD:
            return False
    return text


def _number_or_time(text: str, dialect: Dialect) -> Scalar:
    special = _SPECIAL_FLOATS.get(text)
    if special is not None:
        return special
    if dialect is Dialect.YAML_V3 and (moment := parse_timestamp(text)) is not None:
        return moment
    digits = text.replace("_", "")
    number = parse_int(digits)
    if number is not None:
        return number
    if _FLOAT.fullmatch(text if text[0] == "." else digits):  # after a leading dot Go ignores no underscores
        value = float(digits)
        return text if math.isinf(value) else value  # out of range is an error to Go's parser, so the text stays
    return text


def parse_int(digits: str) -> int | None:
    """Return the integer Go's ParseInt with base 0 reads (0x, 0o, 0b, leading 0 octal), None when it is none."""
    if not _INT.fullmatch(digits):
        return None
    sign, body = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
    base = {"0x": 16, "0o": 8, "0b": 2}.get(body[:2].lower())
    if base:
        number = sign * int(body[2:], base)
    elif body[0] != "0" and len(body) > _MAX_DECIMALS:
        return None  # beyond 64 bits; Python refuses to convert thousands of digits
    else:
        number = sign * int(body, 8 if len(body) > 1 and body[0] == "0" else 10)
    return number if _INT64_MIN <= number <= _UINT64_MAX else None


def parse_timestamp(text: str) -> datetime | None:
    """Return the instant of a YAML timestamp, None when the text is not one. Without a zone it is UTC."""
    if len(text) < 8 or text[4] != "-":
        return None
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if zone is not None and " " in text:
        return None  # the Go layouts allow a zone only after T or t
    micros = int(float(fraction) * 1_000_000) if fraction else 0
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micros, _zone(zone))
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    assert text is not None
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-delta if text[0] == "-" else delta)
