"""Text of float64 the way Go writes it: ``%v`` of fmt and the number form of encoding/json.

Source: spec/data.md section 7.3.
"""

from __future__ import annotations

import math


def shortest_digits(x: float) -> tuple[str, int]:
    """Return the shortest digits that read back as finite x >= 0, and the decimal exponent of d.ddd * 10**exponent.

    Zero gives ("0", 0). No trailing zeros otherwise.
    """
    if x == 0:
        return "0", 0
    mantissa, _, exponent = repr(x).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) if whole.strip("0") else -(len(fraction) - len(fraction.lstrip("0")))
    return digits.rstrip("0") or "0", point - 1 + int(exponent or 0)


def positional(digits: str, exponent: int) -> str:
    """Return d.ddd * 10**exponent without an exponent."""
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    padded = digits.ljust(exponent + 1, "0")
    return padded[: exponent + 1] + ("." + padded[exponent + 1 :] if len(padded) > exponent + 1 else "")


def scientific(digits: str, exponent: int) -> str:
    """Return d.ddde+XX: a signed exponent of at least two digits."""
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def format_v(x: float) -> str:
    """Return Go's %v of a float64: shortest digits; exponent form exactly when the exponent is below -4 or above 5.

    Not-numbers are ``+Inf -Inf NaN``.
    """
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "+Inf" if x > 0 else "-Inf"
    digits, exponent = shortest_digits(abs(x))
    sign = "-" if math.copysign(1.0, x) < 0 else ""
    form = scientific if exponent < -4 or exponent > 5 else positional
    return sign + form(digits, exponent)


def format_json(x: float) -> str:
    """Return encoding/json's text of a finite float64: exponent form below 1e-6 and from 1e21 on, exponent not padded."""
    digits, exponent = shortest_digits(abs(x))
    sign = "-" if math.copysign(1.0, x) < 0 else ""
    if x != 0 and (exponent < -6 or exponent >= 21):
        text = scientific(digits, exponent)
        return sign + (text[:-2] + text[-1] if text[-4:-1] == "e-0" else text)
    return sign + positional(digits, exponent)
