"""Numeric constants of a template: one literal may be exact in several Go types at once.

Source: Go text/template/parse; spec/templates.md section 3.2 (row "constant").
"""

from __future__ import annotations

import math
import re
from typing import Final

from kubectl_asm.gotemplate.funcs.coercion import parse_float
from kubectl_asm.gotemplate.nodes import NumberNode
from kubectl_asm.gotemplate.quoting import LiteralError, quote, unquote_char

_LIMIT: Final = 1 << 64
_MIN: Final = -(1 << 63)
_OLD_OCTAL: Final = re.compile(r"[+-]?0[0-9_]+")


def character_constant(pos: int, text: str) -> NumberNode:
    """Return the number of a literal such as ``'a'``. Raises: LiteralError."""
    code = unquote_char(text)
    return NumberNode(pos, text, code, code, float(code))


def complex_constant(pos: int, text: str) -> NumberNode:
    """Return the number of a literal such as ``1+2i``. Raises: LiteralError."""
    cut = max(text.rfind("+"), text.rfind("-"))
    if text[cut - 1] in "eEpP":
        cut = max(text.rfind("+", 0, cut), text.rfind("-", 0, cut))
    real, imaginary = parse_float(text[:cut]), parse_float(text[cut:-1])
    if real is None or imaginary is None:
        raise LiteralError("syntax error scanning complex number")
    return _from_complex(pos, text, complex(real, imaginary))


def constant(pos: int, text: str) -> NumberNode:
    """Return the number of any other literal. Raises: LiteralError with Go's text."""
    if text.endswith("i") and (imaginary := parse_float(text[:-1])) is not None:
        return _from_complex(pos, text, complex(0, imaginary))
    whole = _integer(text)
    signed = whole if whole is not None and _MIN <= whole < -_MIN else None
    unsigned = whole if whole is not None and 0 <= whole < _LIMIT and (text[0] not in "+-" or whole == 0) else None
    if signed is not None or unsigned is not None:
        return NumberNode(pos, text, signed, unsigned, float(signed if signed is not None else unsigned or 0))
    number = parse_float(text)
    if number is None:
        raise LiteralError(f"illegal number syntax: {quote(text)}")
    if not any(mark in text for mark in ".eEpP"):
        raise LiteralError(f"integer overflow: {quote(text)}")
    return NumberNode(pos, text, _exact(number, _MIN, -_MIN), _exact(number, 0, _LIMIT), number)


def _integer(text: str) -> int | None:
    """Return the integer of a literal of any size with an optional sign and base prefix; a leading 0 means octal."""
    try:
        return int(text, 8 if _OLD_OCTAL.fullmatch(text) else 0)
    except ValueError:
        return None


def _exact(number: float, low: int, high: int) -> int | None:
    """Return the float as an integer when it is one within the limits."""
    return int(number) if math.isfinite(number) and low <= number < high and number == int(number) else None


def _from_complex(pos: int, text: str, value: complex) -> NumberNode:
    if value.imag != 0:
        return NumberNode(pos, text, complex_value=value)
    real = value.real
    return NumberNode(pos, text, _exact(real, _MIN, -_MIN), _exact(real, 0, _LIMIT), real, value)
