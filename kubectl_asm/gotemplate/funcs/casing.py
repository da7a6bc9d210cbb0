"""Letter case: the functions that change case or split a text into words by it.

Go maps one character to one character (``ß`` has no upper case), so Python's ``str.upper`` on a whole text is wrong here.
Every function works on characters; an invalid byte becomes U+FFFD wherever Go decodes the text on the way.
Called through the table in ``funcs/__init__.py``.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

from kubectl_asm.gotemplate.funcs.signature import Environment, Function
from kubectl_asm.gotemplate.values import raw, runes

GROUP = "strings"
BLANKS: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The characters that Go's unicode.IsSpace accepts."""

CHARACTERS_PER_STEP: Final = 4

_REPLACEMENT: Final = "\ufffd"


def is_blank(ch: str) -> bool:
    """Whether the character is white space in Go's sense."""
    return ch in BLANKS


def is_upper(ch: str) -> bool:
    """Whether the character is an upper-case letter; title-case letters are not."""
    return unicodedata.category(ch) == "Lu"


def is_letter(ch: str) -> bool:
    """Whether the character is a letter of any script."""
    return unicodedata.category(ch).startswith("L")


def upper_rune(ch: str) -> str:
    """Return the one-character upper case, or the character itself when Unicode has none."""
    return next((form for form in (ch.upper(), ch.title()) if len(form) == 1), ch)


def lower_rune(ch: str) -> str:
    """Return the one-character lower case; only ``İ`` has a longer form in Python, which Go shortens to ``i``."""
    form = ch.lower()
    return form if len(form) == 1 else form[0]


def title_rune(ch: str) -> str:
    """Return the one-character title case, or the character itself when Unicode has none."""
    form = ch.title()
    return form if len(form) == 1 else ch


def _mapped(text: str, rune: Callable[[str], str]) -> str:
    """Return the text with every character mapped, each different one looked up once."""
    seen = runes(text)
    table = {ch: rune(ch) for ch in set(seen)}
    return "".join(map(table.__getitem__, seen))


def upper(text: str) -> str:
    """Return the text in upper case, character by character. Source: Go strings.ToUpper."""
    return text.upper() if text.isascii() else _mapped(text, upper_rune)


def lower(text: str) -> str:
    """Return the text in lower case, character by character. Source: Go strings.ToLower."""
    return text.lower() if text.isascii() else _mapped(text, lower_rune)


def _separates_words(ch: str) -> bool:
    """Whether a word of ``title`` ends here: ASCII other than letters, digits and ``_``, otherwise white space."""
    if ch.isascii():
        return not (ch.isalnum() or ch == "_")
    return is_blank(ch)


def title(text: str) -> str:
    """Return the text with the first character of each word in title case; the rest stays as it is."""
    result, previous = [], " "
    for ch in runes(text):
        result.append(title_rune(ch) if _separates_words(previous) else ch)
        previous = ch
    return "".join(result)


def untitle(text: str) -> str:
    """Return the text with the first character of each blank-separated word in lower case."""
    result, at_start = [], True
    for ch in runes(text):
        blank = is_blank(ch)
        result.append(lower_rune(ch) if at_start and not blank else ch)
        at_start = blank
    return "".join(result)


def swapcase(text: str) -> str:
    """Return the text with case swapped; a lower-case letter that starts a word becomes title case.

    A word starts at the beginning and after white space; its first cased letter ends the start.
    """
    result, word_start = [], True
    for ch in runes(text):
        category = unicodedata.category(ch)
        if category in ("Lu", "Lt"):
            ch, word_start = lower_rune(ch), False
        elif category == "Ll":
            ch, word_start = (title_rune(ch) if word_start else upper_rune(ch)), False
        else:
            word_start = is_blank(ch)
        result.append(ch)
    return "".join(result)


def _bytes_as_characters(text: str) -> str:
    """Return one character per byte, for the two functions that take a byte for a character."""
    return raw(text).decode("latin-1")


def initials(text: str) -> str:
    """Return the first byte of each word, each read as one Latin-1 character."""
    result, gap = [], True
    for ch in _bytes_as_characters(text):
        blank = is_blank(ch)
        if gap and not blank:
            result.append(ch)
        gap = blank
    return "".join(result)


def nospace(text: str) -> str:
    """Return the text without white space.

    When anything was removed, every remaining byte becomes its own Latin-1 character, as upstream's library does.
    """
    kept = [ch for ch in _bytes_as_characters(text) if not is_blank(ch)]
    return text if len(kept) == len(raw(text)) else "".join(kept)


def _is_connector(ch: str) -> bool:
    return ch in "-_" or is_blank(ch)


def camelcase(text: str) -> str:
    """Return the words joined, each starting in upper case: ``http_server`` becomes ``HttpServer``.

    A run of capitals is lowered after its first letter; leading connectors stay, of inner ones all but one stay.
    """
    chars = runes(text)
    start = next((i for i, ch in enumerate(chars) if not _is_connector(ch)), len(chars))
    if start == len(chars):
        return chars + chars[-1:]  # upstream writes the last connector twice
    result = [chars[:start]]
    in_capitals = is_upper(chars[start])
    pending = upper_rune(chars[start])
    for ch in chars[start + 1 :]:
        if _is_connector(pending):
            if _is_connector(ch):
                result.append(pending)
                pending = ch
            else:
                in_capitals, pending = is_upper(ch), upper_rune(ch)
            continue
        result.append(pending)
        in_capitals = in_capitals and is_upper(ch)
        pending = lower_rune(ch) if in_capitals else ch
    return "".join([*result, pending])


class _Kind(enum.Enum):
    """What a piece of a name is made of."""

    END = enum.auto()
    NUMBER = enum.auto()
    UPPER = enum.auto()
    LETTERS = enum.auto()
    CONNECTOR = enum.auto()
    PUNCTUATION = enum.auto()
    OTHER = enum.auto()


class _Piece(NamedTuple):
    kind: _Kind
    text: str


_NO_PIECE: Final = _Piece(_Kind.END, "")
_ENDS_WORD: Final = frozenset({_Kind.CONNECTOR, _Kind.PUNCTUATION})
_CJK: Final = ((0x4E00, 0x9FCC), (0x3400, 0x4D85), (0x20000, 0x2B81D))


def _is_alphabet(ch: str) -> bool:
    """Whether the character is a letter outside the large CJK blocks, whose characters are words of their own."""
    return is_letter(ch) and not any(low <= ord(ch) <= high for low, high in _CJK)


def _is_small(ch: str) -> bool:
    return _is_alphabet(ch) and not is_upper(ch)


def _is_number(ch: str) -> bool:
    return unicodedata.category(ch).startswith("N")


def _is_punctuation(ch: str) -> bool:
    return unicodedata.category(ch).startswith("P")


def _is_undecodable(ch: str) -> bool:
    return ch == _REPLACEMENT or "\udc80" <= ch <= "\udcff"


def _skip_undecodable(text: str, start: int, otherwise: str) -> tuple[str, int]:
    """Return the first decodable character from start on and the position after it; otherwise stands in at the end."""
    for position in range(start, len(text)):
        if not _is_undecodable(text[position]):
            return text[position], position + 1
    return otherwise, len(text)


def _run(text: str, start: int, first: str, belongs: Callable[[str], bool]) -> int:
    """Return where the run of characters that belong together ends; undecodable bytes go with what follows them."""
    current = first
    while start < len(text):
        current, after = _skip_undecodable(text, start, current)
        if not belongs(current):
            break
        start = after
    return start


def _end_of_capitals(text: str, start: int, first: str) -> int:
    """Return where the word that starts with a capital ends: ``HTTPStatus`` gives ``HTTP`` first, then ``Status``."""
    if start == len(text):
        return start
    second, after = _skip_undecodable(text, start, first)
    if not is_upper(second):
        return _run(text, after, second, _is_small) if _is_alphabet(second) else start
    last_start = start
    start, current = after, second
    while start < len(text):
        current, after = _skip_undecodable(text, start, current)
        if not is_upper(current):
            return last_start if _is_alphabet(current) else start
        last_start, start = start, after
    return start


def _is_other(ch: str) -> bool:
    return not (_is_connector(ch) or _is_alphabet(ch) or _is_number(ch) or _is_punctuation(ch))


_RUNS: Final[tuple[tuple[_Kind, Callable[[str], bool], Callable[[str], bool]], ...]] = (
    (_Kind.CONNECTOR, _is_connector, _is_connector),
    (_Kind.PUNCTUATION, _is_punctuation, _is_punctuation),
    (_Kind.LETTERS, _is_small, _is_small),
    (_Kind.NUMBER, _is_number, _is_number),
    (_Kind.OTHER, lambda _ch: True, _is_other),
)


def _next_piece(text: str, start: int) -> _Piece:
    """Return the piece that begins at start."""
    first, after = _skip_undecodable(text, start, _REPLACEMENT)
    if first == _REPLACEMENT:
        return _Piece(_Kind.END, text[start:])
    if is_upper(first) and not _is_connector(first):
        return _Piece(_Kind.UPPER, text[start : _end_of_capitals(text, after, first)])
    kind, belongs = next((kind, belongs) for kind, begins, belongs in _RUNS if begins(first))
    return _Piece(kind, text[start : _run(text, after, first, belongs)])


def _pieces(text: str) -> list[_Piece]:
    pieces, start = [], 0
    while start < len(text):
        pieces.append(_next_piece(text, start))
        start += len(pieces[-1].text)
    return pieces


class _NameBuilder:
    """Joins the pieces of a name in lower case with one connector between words."""

    def __init__(self, text: str, connector: str) -> None:
        self._rest = _pieces(text)[::-1]
        self._connector = connector
        self._out: list[str] = []
        self._piece = self._rest.pop()

    def build(self) -> str:
        while self._rest:
            before = self._piece
            if before.kind is not _Kind.CONNECTOR:
                self._emit(before)
            self._advance()
            if before.kind is _Kind.CONNECTOR:
                self._emit(before)
            elif before.kind is _Kind.NUMBER:
                self._take_letters_and_numbers()
            elif before.kind is not _Kind.PUNCTUATION:
                self._after_word()
        self._emit(self._piece)
        return "".join(self._out)

    def _advance(self) -> _Piece:
        self._piece = self._rest.pop() if self._rest else _NO_PIECE
        return self._piece

    def _emit(self, piece: _Piece) -> None:
        if piece.kind is _Kind.UPPER:
            self._out.append("".join(lower_rune(ch) if is_upper(ch) else ch for ch in runes(piece.text)))
        elif piece.kind is _Kind.CONNECTOR:
            self._out.append("".join(self._connector if _is_connector(ch) else ch for ch in runes(piece.text)))
        else:
            self._out.append(piece.text)

    def _separate(self, *, at_end: bool) -> None:
        """Write a connector unless the next piece separates words by itself."""
        if self._piece.kind not in _ENDS_WORD and (at_end or self._piece.kind is not _Kind.END):
            self._out.append(self._connector)

    def _take_letters_and_numbers(self) -> None:
        """Letters after a number belong to it: ``2m3s`` stays one word."""
        while self._piece.kind in (_Kind.LETTERS, _Kind.NUMBER):
            self._emit(self._piece)
            self._advance()
        self._separate(at_end=False)

    def _after_word(self) -> None:
        """A number stays with the word before it (``Bld4Floor``) unless small letters follow it (``HTTP2xx``)."""
        if self._piece.kind is not _Kind.NUMBER:
            self._separate(at_end=True)
            return
        if not self._rest:
            return
        number = self._piece
        if self._advance().kind is _Kind.LETTERS:
            self._out.append(self._connector)
            self._emit(number)
            self._take_letters_and_numbers()
        else:
            self._emit(number)
            self._separate(at_end=True)


def _joined_lower(text: str, connector: str) -> str:
    return _NameBuilder(text, connector).build() if text else ""


def snakecase(text: str) -> str:
    """Return the words in lower case joined by ``_``: ``FirstName`` becomes ``first_name``."""
    return _joined_lower(text, "_")


def kebabcase(text: str) -> str:
    """Return the words in lower case joined by ``-``: ``FirstName`` becomes ``first-name``."""
    return _joined_lower(text, "-")


def _row(name: str, call: Callable[[str], str], summary: str) -> Function:
    """Return a row whose function charges for every character: these walk the text one by one."""

    def charged(env: Environment, text: str) -> str:
        env.budget.step(len(text) // CHARACTERS_PER_STEP + 1)
        return call(text)

    return Function(name, GROUP, charged, ("string",), "string", needs_env=True, summary=summary)


FUNCTIONS: tuple[Function, ...] = (
    _row("upper", upper, "Upper case, one character for one character."),
    _row("lower", lower, "Lower case, one character for one character."),
    _row("title", title, "First character of each word in title case."),
    _row("untitle", untitle, "First character of each word in lower case."),
    _row("swapcase", swapcase, "Upper case to lower case and back; word starts become title case."),
    _row("initials", initials, "First byte of each word."),
    _row("nospace", nospace, "Text without white space."),
    _row("camelcase", camelcase, "Words joined in camel case with a leading capital."),
    _row("snakecase", snakecase, "Words in lower case joined by underscores."),
    _row("kebabcase", kebabcase, "Words in lower case joined by hyphens."),
)
