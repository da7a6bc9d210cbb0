"""Lenient conversions that functions apply to arguments of any type: to an integer, a float or a text.

They never fail: what cannot be converted is 0, 0.0 or the value's ``%v`` text. Called by the group files only.
Source: spec/templates.md section 6.4 (rows ``int``, ``add``); spf13/cast v1.7.0, the conversion library of upstream's functions.
"""

from __future__ import annotations

import math
import re
from typing import Final

from kubectl_asm.gotemplate.printf import display
from kubectl_asm.gotemplate.values import SIZED, GoBytes, GoList, Uint8, kind_of, text_of, wrap

MIN_INT64: Final = -(1 << 63)
MAX_INT64: Final = (1 << 63) - 1

_ZERO_DECIMALS: Final = re.compile(r"\.0+\.*\Z")
_DIGITS: Final = r"[0-9](?:_?[0-9])*"
_INTEGER: Final = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>(?:_?[0-9a-fA-F])+)|0[bB](?P<binary>(?:_?[01])+)|0[oO](?P<octal>(?:_?[0-7])+)"
    r"|(?P<old_octal>0(?:_?[0-7])*)|(?P<decimal>[1-9](?:_?[0-9])*))"
)
_BASES: Final = {"hex": 16, "binary": 2, "octal": 8, "old_octal": 8, "decimal": 10}
_DECIMAL_FLOAT: Final = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX_DIGITS: Final = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_HEX_FLOAT: Final = re.compile(rf"[+-]?0[xX](?:_?{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}")
_NAMED_FLOAT: Final = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)


def parse_int(text: str) -> int | None:
    """Return the integer of a literal with an optional sign and base prefix, or None when it is none or above 64 bits.

    A leading 0 means octal; underscores may separate digits. Source: Go strconv.ParseInt with base 0.
    """
    match = _INTEGER.fullmatch(text)
    if match is None or match.lastgroup is None:
        return None
    digits = match[match.lastgroup].replace("_", "")
    value = _bounded(digits, _BASES[match.lastgroup])
    if value is None:
        return None
    value = -value if match["sign"] == "-" else value
    return value if MIN_INT64 <= value <= MAX_INT64 else None


def _bounded(digits: str, base: int) -> int | None:
    """Return the number, or None when it has too many digits to be worth reading (Python refuses very long texts)."""
    significant = digits.lstrip("0") or "0"
    return int(significant, base) if len(significant) <= 64 else None


def parse_plain_int(text: str, base: int = 10) -> tuple[int, str]:
    """Return the integer of plain digits in that base, and Go's reason when it is wrong: "" | "syntax" | "range".

    On overflow the value is the nearest limit; on a syntax error 0. Source: Go strconv.ParseInt with an explicit base.
    """
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    allowed = "0123456789abcdefghijklmnopqrstuvwxyz"[:base]
    if not digits or any(digit not in allowed for digit in digits.lower()):
        return 0, "syntax"
    magnitude = _bounded(digits, base)
    value = MAX_INT64 + 1 if magnitude is None else magnitude
    value = -value if sign == "-" else value
    if magnitude is None or not MIN_INT64 <= value <= MAX_INT64:
        return (MIN_INT64 if sign == "-" else MAX_INT64), "range"
    return value, ""


def parse_float(text: str) -> float | None:
    """Return the float of a literal, or None when it is none or too large. Source: Go strconv.ParseFloat."""
    if _NAMED_FLOAT.fullmatch(text):
        return float(text)
    plain = text.replace("_", "")
    if _DECIMAL_FLOAT.fullmatch(text):
        value = float(plain)
        return None if math.isinf(value) else value
    if _HEX_FLOAT.fullmatch(text):
        try:
            return float.fromhex(plain)
        except OverflowError:
            return None
    return None


def _is_numeric(value: object) -> bool:
    """Whether the conversions know the integer's type: the built-in ones, and the two enumerations of package time."""
    return type(value) is int or type(value) in SIZED.values() or getattr(value, "go_type", "") in ("time.Month", "time.Weekday")


def _from_float(value: float) -> int:
    """Return the float cut to an int64; out of range gives the smallest one, as on amd64."""
    if math.isnan(value) or not -(2.0**63) <= value < 2.0**63:
        return MIN_INT64
    return int(value)


def to_int(value: object) -> int:
    """Return the value as an integer of 64 bits; texts are read as literals, everything unknown is 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return wrap(int(value)) if _is_numeric(value) else 0
    if isinstance(value, float):
        return _from_float(value)
    if isinstance(value, str):
        return parse_int(_ZERO_DECIMALS.sub("", value)) or 0
    return 0


def to_float(value: object) -> float:
    """Return the value as a float; texts are read as literals, everything unknown is 0."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int):
        return float(int(value)) if _is_numeric(value) else 0.0
    if isinstance(value, str):
        number = parse_float(value)
        return 0.0 if number is None else number
    return 0.0


def strval(value: object) -> str:
    """Return the value as text: a text and bytes as they are, anything else by ``%v``."""
    if isinstance(value, str):
        return value
    return text_of(value) if isinstance(value, GoBytes) else display(value)


def elements(value: object) -> list[object] | None:
    """Return a list's elements, or None when the value is not of Go's slice kind."""
    if isinstance(value, GoList):
        return list(value)
    return [Uint8(byte) for byte in value] if isinstance(value, GoBytes) else None


def strvals(value: object) -> list[str]:
    """Return a list's elements as texts without nil ones; a single value gives one text, nil none."""
    items = elements(value)
    if items is None:
        items = [value]
    return [strval(item) for item in items if item is not None]


def is_empty(value: object) -> bool:
    """Whether functions such as ``default`` take the value for unset: nil, zero, false, and anything of length 0.

    Structs are never empty.
    """
    if isinstance(value, (GoList, str, bytes, dict, int, float, complex)):
        return not value
    return kind_of(value) == "invalid"
