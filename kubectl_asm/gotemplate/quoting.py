"""Go string and character literals: writing them (``%q``) and reading them back. Source: Go strconv.Quote, strconv.Unquote."""

from __future__ import annotations

import re
from typing import Final

from kubectl_asm.gotemplate.values import canonical, runes, text_of

_NAMED: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}
_LETTERS: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]*")
_ESCAPE: Final = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([^\\\n])")

MAX_RUNE: Final = 0x10FFFF


class LiteralError(ValueError):
    """A literal that Go cannot read; the message is Go's."""


def is_print(char: str) -> bool:
    """Whether Go counts the character as printable: letters, marks, numbers, punctuation, symbols and the blank."""
    return char.isprintable()


def is_surrogate(code: int) -> bool:
    """Whether the code point is one of the halves that no valid text holds."""
    return 0xD800 <= code <= 0xDFFF


def _escaped(char: str, delimiter: str, ascii_only: bool) -> str:
    """Return one character as it stands inside a literal."""
    if char == delimiter:
        return "\\" + char
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if is_print(char) and (code < 0x80 or not ascii_only):
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Escapes(dict[int, str]):
    """The escapes inside double quotes, worked out for each character when it is first met."""

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._ascii_only = ascii_only

    def __missing__(self, code: int) -> str:
        return self.setdefault(code, _escaped(chr(code), '"', self._ascii_only))


_ESCAPES: Final = _Escapes(ascii_only=False)
_ASCII_ESCAPES: Final = _Escapes(ascii_only=True)


def quote(text: str, *, ascii_only: bool = False) -> str:
    """Return text in double quotes with Go's escapes; bytes that are not UTF-8 become ``\\xNN``."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + text.translate(_ASCII_ESCAPES if ascii_only else _ESCAPES) + '"'


def valid_rune(code: int) -> str:
    """Return the character of a code point, U+FFFD when there is none."""
    return chr(code) if 0 <= code <= MAX_RUNE and not is_surrogate(code) else "\ufffd"


def quote_rune(code: int, *, ascii_only: bool = False) -> str:
    """Return a character literal, ``'x'``."""
    return "'" + _escaped(valid_rune(code), "'", ascii_only) + "'"


def can_backquote(text: str) -> bool:
    """Whether text can stand between back quotes as it is: one line of valid text without control characters."""
    return not any((char < " " and char != "\t") or char in "`\x7f\ufeff" or is_surrogate(ord(char)) for char in text)


def unquote(literal: str) -> str:
    """Return the text of a literal in double or back quotes. Raises: LiteralError."""
    inner = literal[1:-1]
    if literal[0] == "`":
        return inner.replace("\r", "")
    if "\\" not in inner:
        return runes(inner)
    pieces: list[bytes] = []
    at = 0
    while at < len(inner):
        value, at = _read(inner, at, '"')
        pieces.append(value if isinstance(value, bytes) else chr(value).encode())
    return canonical(text_of(b"".join(pieces)))


def unquote_char(literal: str) -> int:
    """Return the code point of a character literal. Raises: LiteralError."""
    inner = literal[1:]
    if inner[:1] == "'":
        raise LiteralError("invalid syntax")
    value, at = _read(inner, 0, "'")
    if inner[at:] != "'":
        raise LiteralError(f"malformed character constant: {literal}")
    return value[0] if isinstance(value, bytes) else value


def _read(inner: str, at: int, delimiter: str) -> tuple[int | bytes, int]:
    """Return the character or byte at an offset, and the offset after it. The other kind of quote cannot be escaped."""
    match = _ESCAPE.match(inner, at)
    if match is None:
        raise LiteralError("invalid syntax")
    letter, hexadecimal, octal, short, long, plain = match.groups()
    if plain is not None:
        return ord(runes(plain)), match.end()
    if letter is not None:
        if letter in "'\"" and letter != delimiter:
            raise LiteralError("invalid syntax")
        return _LETTERS[letter], match.end()
    if short is not None or long is not None:
        code = int(short or long, 16)
        if code > MAX_RUNE or is_surrogate(code):
            raise LiteralError("invalid syntax")
        return code, match.end()
    byte = int(hexadecimal, 16) if hexadecimal is not None else int(octal, 8)
    if byte > 255:
        raise LiteralError("invalid syntax")
    return bytes([byte]), match.end()
