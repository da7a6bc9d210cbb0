"""Formatting of single numbers and texts under the flags of one printf verb: padding, signs, bases, precision.

``printf.py`` decides which of these a value needs. Every function returns text. Source: Go package fmt, "Printing".
"""

from __future__ import annotations

import math

import msgspec

from kubectl_asm.gotemplate.floats import positional, scientific, shortest_digits
from kubectl_asm.gotemplate.quoting import MAX_RUNE, can_backquote, is_print, quote, quote_rune, valid_rune
from kubectl_asm.gotemplate.values import raw


class Flags(msgspec.Struct):
    """The flags of one verb. width and precision: characters, None when absent. sharp_v, plus_v: ``%#v``, ``%+v``."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    sharp_v: bool = False
    plus_v: bool = False
    width: int | None = None
    precision: int | None = None

    @property
    def pads_with_zeros(self) -> bool:
        """Zeros pad only on the left."""
        return self.zero and not self.minus


def pad(flags: Flags, text: str, *, zeros: bool = True) -> str:
    """Return text widened to the width, in characters; zeros: whether the flag 0 applies."""
    if not flags.width or flags.width <= len(text):
        return text
    if flags.minus:
        return text.ljust(flags.width)
    return text.rjust(flags.width, "0" if zeros and flags.zero else " ")


def truncate(flags: Flags, text: str) -> str:
    """Return at most precision characters of text."""
    return text if flags.precision is None else text[: flags.precision]


def format_string(flags: Flags, text: str) -> str:
    """Return ``%s``."""
    return pad(flags, truncate(flags, text))


def format_quoted(flags: Flags, text: str) -> str:
    """Return ``%q``; with ``#`` in back quotes where that is possible, with ``+`` in ASCII."""
    text = truncate(flags, text)
    if flags.sharp and can_backquote(text):
        return pad(flags, f"`{text}`")
    return pad(flags, quote(text, ascii_only=flags.plus))


def format_hex(flags: Flags, data: bytes, *, upper: bool) -> str:
    """Return ``%x`` of bytes; with a blank as flag one group a byte, with ``#`` a prefix before each group."""
    if flags.precision is not None:
        data = data[: flags.precision]
    if not data:
        return pad(flags, "")
    prefix = "0x" if flags.sharp else ""
    text = " ".join(f"{prefix}{byte:02x}" for byte in data) if flags.space else prefix + data.hex()
    return pad(flags, text.upper() if upper else text)


def format_hex_text(flags: Flags, text: str, *, upper: bool) -> str:
    """Return ``%x`` of a text's bytes."""
    return format_hex(flags, raw(text), upper=upper)


# --- integers ---------------------------------------------------------------------------------------------

_BASES = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


def format_integer(flags: Flags, value: int, verb: str) -> str:
    """Return an integer for the verbs ``v d b o O x X``."""
    digits = format(abs(value), _BASES[verb])
    sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
    if flags.precision == 0 and value == 0:
        return " " * (flags.width or 0)
    least = flags.precision or 0
    if flags.precision is None and flags.pads_with_zeros and flags.width is not None:
        least = flags.width - len(sign)
    digits = digits.rjust(least, "0")
    return pad(flags, sign + _with_base(flags, digits, verb), zeros=False)


def _with_base(flags: Flags, digits: str, verb: str) -> str:
    if verb == "O":
        return "0o" + ("0" + digits if flags.sharp and digits[0] != "0" else digits)
    if not flags.sharp or verb in "vd":
        return digits
    if verb == "o":
        return digits if digits[0] == "0" else "0" + digits
    return f"0{verb}{digits}"


def format_char(flags: Flags, code: int) -> str:
    """Return ``%c``."""
    return pad(flags, valid_rune(code))


def format_quoted_char(flags: Flags, code: int) -> str:
    """Return ``%q`` of an integer."""
    return pad(flags, quote_rune(code, ascii_only=flags.plus))


def format_unicode(flags: Flags, code: int) -> str:
    """Return ``%U``: ``U+0041``, with ``#`` followed by the character. Negative numbers count as 64 bits."""
    code &= (1 << 64) - 1
    text = f"U+{code:0{max(4, flags.precision or 0)}X}"
    if flags.sharp and code <= MAX_RUNE and is_print(chr(code)):
        text += f" '{chr(code)}'"
    return pad(flags, text, zeros=False)


# --- floats -----------------------------------------------------------------------------------------------


def _general(x: float, precision: int) -> str:
    """Return finite x >= 0 for %g; precision -1 means the shortest digits that read back."""
    if precision < 0:
        digits, exponent = shortest_digits(x)
        threshold = 6
    else:
        mantissa, _, power = f"{x:.{max(precision, 1) - 1}e}".partition("e")
        digits, exponent = mantissa.replace(".", "").rstrip("0") or "0", int(power)
        threshold = max(precision, 1)
        if threshold > len(digits) > exponent:
            threshold = len(digits)
    if x != 0 and (exponent < -4 or exponent >= threshold):
        return scientific(digits, exponent)
    return positional(digits, exponent)


def _mantissa(x: float) -> tuple[int, int]:
    """Return the 53-bit integer mantissa of x > 0 and its power of two."""
    fraction, exponent = math.frexp(x)
    return int(math.ldexp(fraction, 53)), exponent - 53


def _binary_exponent(x: float) -> str:
    """Return ``%b``: the stored integer mantissa and its power of two."""
    mantissa, exponent = _mantissa(x) if x else (0, _SMALLEST)
    if exponent < _SMALLEST:
        mantissa, exponent = mantissa >> (_SMALLEST - exponent), _SMALLEST
    return f"{mantissa}p{exponent:+d}"


_SMALLEST = -1074


def _hexadecimal(x: float, precision: int) -> str:
    """Return ``%x`` of finite x >= 0; precision -1 means as many digits as needed."""
    mantissa, exponent = _mantissa(x) if x else (0, -52)
    exponent += 52
    if 0 <= precision < 13 and x:
        mantissa, exponent = _round_hex(mantissa, exponent, precision)
    lead, rest = divmod(mantissa, 1 << 52)
    digits = f"{rest:013x}"
    digits = digits.rstrip("0") if precision < 0 else digits[:precision].ljust(precision, "0")
    return f"0x{lead}{'.' + digits if digits else ''}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _round_hex(mantissa: int, exponent: int, precision: int) -> tuple[int, int]:
    """Return a mantissa of 53 bits rounded, half to even, to so many hexadecimal digits."""
    shift = 52 - 4 * precision
    kept, rest = divmod(mantissa, 1 << shift)
    if rest * 2 + (kept & 1) > 1 << shift:
        kept += 1
    kept <<= shift
    return (kept >> 1, exponent + 1) if kept >> 53 else (kept, exponent)


def _finite(x: float, verb: str, precision: int) -> str:
    """Return finite x >= 0 without sign or padding; verb is lower case."""
    if verb == "e":
        return f"{x:.{precision}e}" if precision >= 0 else scientific(*shortest_digits(x))
    if verb == "f":
        return f"{x:.{precision}f}" if precision >= 0 else positional(*shortest_digits(x))
    if verb == "g":
        return _general(x, precision)
    return _binary_exponent(x) if verb == "b" else _hexadecimal(x, precision)


def _sharp(text: str, verb: str, precision: int) -> str:
    """Return a number's text with the decimal point and the trailing zeros that the flag # demands."""
    marker = "p" if "p" in text else "e" if "e" in text and verb != "x" else ""
    body, _, tail = text.partition(marker) if marker else (text, "", "")
    wanted = (6 if precision < 0 else precision) if verb in "gx" else 0
    digits = body.replace(".", "")
    if verb == "x":  # Go counts the digits after the leading zero of 0x, the x among them
        wanted -= len(digits.lstrip("0"))
    else:
        wanted -= len(digits.lstrip("0")) or (1 if body == "0" else 0)
    if "." not in body:
        body += "."
    return body + "0" * max(wanted, 0) + marker + tail


def _not_a_number(flags: Flags, x: float) -> str:
    """Return infinities, which always carry a sign, and NaN, which does so on demand."""
    sign = "-" if x < 0 else "+" if flags.plus or not flags.space else " "
    if math.isinf(x):
        return pad(flags, sign + "Inf", zeros=False)
    return pad(flags, (sign if flags.plus or flags.space else "") + "NaN", zeros=False)


def format_float(flags: Flags, x: float, verb: str, default_precision: int) -> str:
    """Return a float for the verbs ``b e E f F g G x X``; default_precision applies when the format gives none."""
    if not math.isfinite(x):
        return _not_a_number(flags, x)
    precision = default_precision if flags.precision is None else flags.precision
    lower = verb.lower()
    text = _finite(abs(x), lower, precision)
    if flags.sharp and verb != "b":
        text = _sharp(text, lower, 0 if verb == "X" else precision)  # Go forgets the zeros of %#X
    if verb in "EGX":
        text = text.upper()
    sign = "-" if math.copysign(1.0, x) < 0 else "+" if flags.plus else " " if flags.space else ""
    if sign and flags.pads_with_zeros and flags.width is not None:
        return sign + text.rjust(flags.width - 1, "0")
    return pad(flags, sign + text)
