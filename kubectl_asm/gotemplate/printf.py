"""Go's Sprint, Sprintln and Sprintf over the value model: every verb, flag, width, precision and error text.

``display`` is ``%v`` and what a template prints. Built-ins, functions and the executor call it.
Source: Go package fmt, "Printing"; spec/templates.md section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from kubectl_asm.gotemplate import formatting
from kubectl_asm.gotemplate.budget import MIB, BudgetExceeded
from kubectl_asm.gotemplate.floats import format_v
from kubectl_asm.gotemplate.formatting import Flags
from kubectl_asm.gotemplate.funcs.instants import Zone
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.times import Location, go_syntax
from kubectl_asm.gotemplate.values import (
    ANY,
    MISSING,
    GoBytes,
    GoList,
    GoMap,
    GoObject,
    SizedInt,
    Uint8,
    canonical,
    is_unsigned,
    runes,
    sorted_keys,
    text_of,
    type_of,
)

__all__ = ["display", "quote", "sprint", "sprintf", "sprintln"]

ADDRESS: Final = 0xC000010000
"""What every pointer prints as where Go would print an address: those differ from run to run."""

MAX_NUMBER: Final = 1_000_000
"""Widths, precisions and argument numbers above it are refused."""

MAX_TEXT: Final = 64 * MIB
"""What one printed value or one filled format may take: lists that share members print exponentially large."""

_TOO_LARGE: Final = f"template exceeds the budget of {MAX_TEXT} bytes for one value"
_NIL: Final = "<nil>"
_POINTER_VERBS: Final = frozenset("vpbodxX")
_STRING_VERBS: Final = frozenset("vsxXq")
_FLOAT_PRECISION: Final = {"v": -1, "b": -1, "g": -1, "G": -1, "x": -1, "X": -1, "f": 6, "F": 6, "e": 6, "E": 6}


class Printer:
    """Formats values under the flags of one verb. erroring: methods of values are not called any more."""

    __slots__ = ("erroring", "flags", "room")

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.erroring = False
        self.room = MAX_TEXT

    def argument(self, value: object, verb: str) -> str:
        """Return a top-level operand for a verb."""
        if value is None or value is MISSING:
            return formatting.pad(self.flags, _NIL) if verb in "vT" else self.bad_verb(value, verb)
        if verb == "T":
            return formatting.format_string(self.flags, type_of(value))
        if verb == "p":
            return self.pointer(value, verb)
        return self.value(value, verb, 0)

    def bad_verb(self, value: object, verb: str) -> str:
        """Return the text for an operand that the verb cannot print: ``%!d(string=x)``."""
        if value is None or value is MISSING:
            return f"%!{verb}({_NIL})"
        before, self.erroring = self.erroring, True
        shown = self.value(value, "v", 0)
        self.erroring = before
        return f"%!{verb}({type_of(value)}={shown})"

    def value(self, value: object, verb: str, depth: int) -> str:
        """Return a value for a verb; depth: how many containers it lies in."""
        if isinstance(value, str):
            return self.string(value, verb, value)
        if isinstance(value, bool):
            text = "true" if value else "false"
            return formatting.pad(self.flags, text) if verb in "tv" else self.bad_verb(value, verb)
        if isinstance(value, (GoObject, SizedInt)) and (text_form := self._method(value, verb)) is not None:
            return text_form
        if isinstance(value, int):
            return self.integer(value, verb)
        if isinstance(value, float):
            return self.floating(value, verb, value)
        if isinstance(value, complex):
            return self.complex(value, verb)
        return self._composite(value, verb, depth)

    def _composite(self, value: object, verb: str, depth: int) -> str:
        if verb == "w" and not self.erroring:
            return self.bad_verb(value, verb)
        if isinstance(value, GoMap):
            return self.mapping(value, verb, depth)
        if isinstance(value, GoList):
            return self.sequence(value, value.elem, verb, depth, is_nil=value.is_nil)
        if isinstance(value, GoBytes):
            return self.data(value, verb, depth)
        if isinstance(value, GoObject):
            return self.struct(value, verb, depth)
        raise TypeError(f"{type(value).__name__} does not stand for a Go value")

    def _method(self, value: GoObject | SizedInt, verb: str) -> str | None:
        """Return the text by the value's own String or GoString method, None when it does not apply."""
        if self.erroring:
            return None
        if verb == "w":
            return self.bad_verb(value, verb)
        if self.flags.sharp_v:
            syntax = go_syntax(value)
            return None if syntax is None else formatting.format_string(self.flags, syntax)
        text = value.go_string() if verb in _STRING_VERBS else None
        return None if text is None else self.string(text, verb, value)

    def string(self, text: str, verb: str, value: object) -> str:
        """Return a text for a verb; value: what a wrong verb reports."""
        if verb == "q" or (verb == "v" and self.flags.sharp_v):
            return formatting.format_quoted(self.flags, text)
        if verb in "vs":
            return formatting.format_string(self.flags, text)
        if verb in "xX":
            return formatting.format_hex_text(self.flags, text, upper=verb == "X")
        return self.bad_verb(value, verb)

    def integer(self, value: int, verb: str) -> str:
        """Return an integer for a verb."""
        if verb == "v" and self.flags.sharp_v and is_unsigned(value):
            return self._with_sharp(True, int(value), "x")
        if verb in "vdboOxX":
            return formatting.format_integer(self.flags, int(value), verb)
        if verb == "c":
            return formatting.format_char(self.flags, value)
        if verb == "q":
            return formatting.format_quoted_char(self.flags, value)
        return formatting.format_unicode(self.flags, value) if verb == "U" else self.bad_verb(value, verb)

    def _with_sharp(self, sharp: bool, value: int, verb: str) -> str:
        before, self.flags.sharp = self.flags.sharp, sharp
        text = formatting.format_integer(self.flags, value, verb)
        self.flags.sharp = before
        return text

    def floating(self, number: float, verb: str, value: object) -> str:
        """Return a float for a verb; value: what a wrong verb reports."""
        precision = _FLOAT_PRECISION.get(verb)
        if precision is None:
            return self.bad_verb(value, verb)
        return formatting.format_float(self.flags, number, {"v": "g", "F": "f"}.get(verb, verb), precision)

    def complex(self, value: complex, verb: str) -> str:
        """Return a complex number for a verb: ``(1+2i)``."""
        if verb not in _FLOAT_PRECISION:
            return self.bad_verb(value, verb)
        real = self.floating(value.real, verb, value)
        before, self.flags.plus = self.flags.plus, True
        imaginary = self.floating(value.imag, verb, value)
        self.flags.plus = before
        return f"({real}{imaginary}i)"

    def element(self, value: object, verb: str, depth: int) -> str:
        """Return a value inside a container; nil prints without regard to the verb."""
        if value is None or value is MISSING:
            return f"{ANY}(nil)" if self.flags.sharp_v else _NIL
        text = self.value(value, verb, depth)
        self.room -= len(text)
        if self.room < 0:
            raise BudgetExceeded(_TOO_LARGE)
        return text

    def mapping(self, value: GoMap, verb: str, depth: int) -> str:
        """Return a map, its keys sorted."""
        if self.flags.sharp_v and value.is_nil:
            return f"{type_of(value)}(nil)"
        pairs = [f"{self.string(key, verb, key)}:{self.element(value[key], verb, depth + 1)}" for key in sorted_keys(value)]
        return f"{type_of(value)}{{{', '.join(pairs)}}}" if self.flags.sharp_v else f"map[{' '.join(pairs)}]"

    def sequence(self, items: Sequence[object], elem: str, verb: str, depth: int, *, is_nil: bool = False) -> str:
        """Return a list."""
        if self.flags.sharp_v and is_nil:
            return f"[]{elem}(nil)"
        texts = [self.element(item, verb, depth + 1) for item in items]
        return f"[]{elem}{{{', '.join(texts)}}}" if self.flags.sharp_v else f"[{' '.join(texts)}]"

    def data(self, value: GoBytes, verb: str, depth: int) -> str:
        """Return bytes: a text for ``s q x X``, otherwise a list of numbers."""
        if verb == "s":
            return formatting.format_string(self.flags, text_of(value))
        if verb == "q":
            return formatting.format_quoted(self.flags, text_of(value))
        if verb in "xX":
            return formatting.format_hex(self.flags, value, upper=verb == "X")
        name = "byte" if depth == 0 and verb in "vd" else "uint8"
        return self.sequence([Uint8(byte) for byte in value], name, verb, depth)

    def struct(self, value: GoObject, verb: str, depth: int) -> str:
        """Return a struct by its fields, or a pointer."""
        is_pointer = value.go_kind == "ptr"
        if is_pointer and depth > 0:
            return self.pointer(value, verb)
        parts = []
        for name, item in value.go_struct():
            label = f"{name}:" if self.flags.plus_v or self.flags.sharp_v else ""
            parts.append(label + self.field(item, verb, depth + 1))
        name = value.go_type.removeprefix("*") if self.flags.sharp_v else ""
        return ("&" if is_pointer else "") + name + "{" + (", " if self.flags.sharp_v else " ").join(parts) + "}"

    def field(self, value: object, verb: str, depth: int) -> str:
        """Return a struct field; the only pointer among them is a time's zone, None when it is nil."""
        if value is not None and not isinstance(value, Zone):
            return self.value(value, verb, depth)
        if verb in _POINTER_VERBS:
            return self.pointer(value, verb)
        before, self.erroring = self.erroring, True
        shown = self.pointer(None, "v") if value is None else self.struct(Location(value), "v", 0)
        self.erroring = before
        return f"%!{verb}(*time.Location={shown})"

    def pointer(self, value: object, verb: str) -> str:
        """Return an address for a verb; None is the nil pointer."""
        is_pointer = value is None or isinstance(value, (Zone, GoMap, GoList, GoBytes))
        is_pointer = is_pointer or (isinstance(value, GoObject) and value.go_kind == "ptr")
        if not is_pointer:
            return self.bad_verb(value, verb)
        address = 0 if value is None or getattr(value, "is_nil", False) else ADDRESS
        if verb == "v" and self.flags.sharp_v:
            return f"({type_of(value)})({f'0x{address:x}' if address else 'nil'})"
        if verb == "v" and not address:
            return formatting.pad(self.flags, _NIL)
        if verb in "vp":
            return self._with_sharp(not self.flags.sharp, address, "x")
        return self.integer(address, verb) if verb in "bodxX" else self.bad_verb(value, verb)


# --- without a format -------------------------------------------------------------------------------------


def display(value: object) -> str:
    """Return ``%v`` of a value; nil and missing give ``<nil>``."""
    if isinstance(value, str):
        return value
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is float:
        return format_v(value)  # type: ignore[arg-type] # the exact type was compared
    return Printer(Flags()).argument(value, "v")


def sprint(values: Sequence[object]) -> str:
    """Return the values' texts; a blank stands between two of them when neither is a string."""
    out: list[str] = []
    previous_is_string = True
    for value in values:
        is_string = isinstance(value, str)
        if not is_string and not previous_is_string:
            out.append(" ")
        out.append(display(value))
        previous_is_string = is_string
    return "".join(out)


def sprintln(values: Sequence[object]) -> str:
    """Return the values' texts with blanks between them and a newline at the end."""
    return " ".join(map(display, values)) + "\n"


# --- with a format ----------------------------------------------------------------------------------------


class _Format:
    """One run over a format string. at: position; number: index of the next operand; good: the last index was valid."""

    def __init__(self, text: str, values: Sequence[object]) -> None:
        self.text = text
        self.values = values
        self.at = 0
        self.number = 0
        self.reordered = False
        self.good = True
        self.after_index = False
        self.room = MAX_TEXT
        self.out: list[str] = []

    def run(self) -> str:
        while True:
            percent = self.text.find("%", self.at)
            if percent < 0:
                self.out.append(self.text[self.at :])
                break
            self.out.append(self.text[self.at : percent])
            self.at = percent + 1
            self.verb()
        if not self.reordered and self.number < len(self.values):
            self.out.append(_extra(self.values[self.number :]))
        return "".join(self.out)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def verb(self) -> None:
        """Read one directive after its percent sign and print its operand."""
        self.good = True
        flags = self.flags()
        char = self.peek()
        if not ("a" <= char <= "z" and self.number < len(self.values)):
            self.index()
            self.width(flags)
            self.precision(flags)
            if not self.after_index:
                self.index()
            char = self.peek()
        if not char:
            self.out.append("%!(NOVERB)")
            return
        self.at += 1
        text = self.operand(runes(char), flags)
        self.room -= len(text)
        if self.room < 0:
            raise BudgetExceeded(_TOO_LARGE)
        self.out.append(text)

    def flags(self) -> Flags:
        flags = Flags()
        while (char := self.peek()) and char in "#0+- ":
            setattr(flags, {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}[char], True)
            self.at += 1
        return flags

    def operand(self, verb: str, flags: Flags) -> str:
        if verb == "%":
            return "%"
        if not self.good:
            return f"%!{verb}(BADINDEX)"
        if self.number >= len(self.values):
            return f"%!{verb}(MISSING)"
        if verb in "vw":
            flags.sharp_v, flags.sharp = flags.sharp, False
            flags.plus_v, flags.plus = flags.plus, False
        self.number += 1
        return Printer(flags).argument(self.values[self.number - 1], verb)

    def width(self, flags: Flags) -> None:
        if self.peek() == "*":
            width = self.star("%!(BADWIDTH)")
            if width is not None and width < 0:
                width, flags.minus, flags.zero = -width, True, False
            flags.width = width
            return
        flags.width = self.digits()
        if self.after_index and flags.width is not None:
            self.good = False

    def precision(self, flags: Flags) -> None:
        if self.peek() != "." or self.at + 1 >= len(self.text):
            return
        self.at += 1
        if self.after_index:
            self.good = False
        self.index()
        if self.peek() == "*":
            flags.precision = self.star("%!(BADPREC)", least=0)
        else:
            flags.precision = self.digits() or 0

    def star(self, complaint: str, least: int = -MAX_NUMBER) -> int | None:
        """Return the operand that gives a width or precision."""
        self.at += 1
        self.after_index = False
        value = self.values[self.number] if self.number < len(self.values) else None
        self.number += self.number < len(self.values)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_NUMBER:
            return int(value)
        self.out.append(complaint)
        return None

    def digits(self) -> int | None:
        """Return the decimal number at this place, None when there is none; one that is too large ends the format."""
        begin = self.at
        number: int | None = None
        while self.peek() in _DIGITS:
            if (number or 0) > MAX_NUMBER:
                self.at = len(self.text)
                return None
            number = (number or 0) * 10 + int(self.peek())
            self.at += 1
        return number if self.at > begin else None

    def index(self) -> None:
        """Read an explicit operand number such as ``[2]``."""
        self.after_index = False
        if self.peek() != "[":
            return
        self.reordered = True
        closing = self.text.find("]", self.at)
        if closing < 0 or len(self.text) - self.at < 3:
            self.at += 1
            self.good = False
            return
        inner = self.text[self.at + 1 : closing]
        self.at = closing + 1
        valid = inner.isascii() and inner.isdecimal() and len(inner.lstrip("0")) < 8 and int(inner) // 10 <= MAX_NUMBER
        if valid and 0 < int(inner) <= len(self.values):
            self.number = int(inner) - 1
        else:
            self.good = False
        self.after_index = valid


_DIGITS: Final = tuple("0123456789")


def _extra(values: Sequence[object]) -> str:
    """Return Go's complaint about operands that no verb used."""
    shown = [_NIL if value is None else f"{type_of(value)}={Printer(Flags()).argument(value, 'v')}" for value in values]
    return f"%!(EXTRA {', '.join(shown)})"


class _Directive(msgspec.Struct, frozen=True):
    """A directive without ``*`` and ``[n]``: the text before it, its flags, numbers and verb ("" at the end of the format)."""

    before: str
    marks: str = ""
    width: int | None = None
    precision: int | None = None
    verb: str = ""

    def flags(self) -> Flags:
        """Return new flags: printing changes them on the way."""
        marks, is_v = self.marks, self.verb in "vw"
        sharp, plus = "#" in marks, "+" in marks
        return Flags(
            sharp and not is_v,
            "0" in marks,
            plus and not is_v,
            "-" in marks,
            " " in marks,
            sharp and is_v,
            plus and is_v,
            self.width,
            self.precision,
        )


_SIMPLE: Final = re.compile(r"([^%]*)%([-+# 0]*)([0-9]{0,6})(?:\.([0-9]{0,6}))?([a-zA-Z%])")


@lru_cache(maxsize=256)
def _simple_format(text: str) -> tuple[_Directive, ...] | None:
    """Return the directives of a format that has only simple ones, None for any other format."""
    directives: list[_Directive] = []
    at = 0
    while (match := _SIMPLE.match(text, at)) is not None:
        before, marks, width, precision, verb = match.groups()
        number = None if precision is None else int(precision or 0)
        directives.append(_Directive(before, marks, int(width) if width else None, number, verb))
        at = match.end()
    return None if "%" in text[at:] else (*directives, _Directive(text[at:]))


def _fill(directives: Sequence[_Directive], values: Sequence[object]) -> str:
    """Return a format of simple directives filled with the values."""
    out: list[str] = []
    number, room = 0, MAX_TEXT
    for directive in directives:
        text = ""
        if directive.verb == "%":
            text = "%"
        elif directive.verb and number >= len(values):
            text = f"%!{directive.verb}(MISSING)"
        elif directive.verb:
            text = Printer(directive.flags()).argument(values[number], directive.verb)
            number += 1
        out.append(directive.before + text)
        room -= len(text)
        if room < 0:
            raise BudgetExceeded(_TOO_LARGE)
    if number < len(values):
        out.append(_extra(values[number:]))
    return "".join(out)


def sprintf(text: str, values: Sequence[object]) -> str:
    """Return the format filled with the values; mistakes become texts such as ``%!d(string=x)``, never errors."""
    directives = _simple_format(text)
    return canonical(_Format(text, values).run() if directives is None else _fill(directives, values))
