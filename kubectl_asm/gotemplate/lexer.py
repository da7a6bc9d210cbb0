"""The first stage: template text to tokens, with the places and error texts of Go's scanner.

``tokenize`` is total: a scanning error becomes the last token, so that the parser reports it where it meets it.
One expression reads the tokens that most templates consist of; methods read what is rare or wrong.
Source: spec/templates.md section 3.3; Go text/template/parse.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from kubectl_asm.gotemplate.quoting import is_print, quote
from kubectl_asm.gotemplate.values import runes


class Kind:
    """The kinds of token. Plain texts: a parse compares them many times, and enum members are slow to look up and hash."""

    ERROR: Final = "ERROR"
    EOF: Final = "EOF"
    TEXT: Final = "TEXT"
    LEFT: Final = "LEFT"
    RIGHT: Final = "RIGHT"
    ASSIGN: Final = "ASSIGN"
    DECLARE: Final = "DECLARE"
    PIPE: Final = "PIPE"
    LEFT_PAREN: Final = "LEFT_PAREN"
    RIGHT_PAREN: Final = "RIGHT_PAREN"
    CHAR: Final = "CHAR"
    STRING: Final = "STRING"
    RAW_STRING: Final = "RAW_STRING"
    CHAR_CONSTANT: Final = "CHAR_CONSTANT"
    NUMBER: Final = "NUMBER"
    COMPLEX: Final = "COMPLEX"
    BOOL: Final = "BOOL"
    VARIABLE: Final = "VARIABLE"
    FIELD: Final = "FIELD"
    DOT: Final = "DOT"
    NIL: Final = "NIL"
    IDENTIFIER: Final = "IDENTIFIER"
    KEYWORD: Final = "KEYWORD"


Token = tuple[str, int, str]
"""Kind, offset in characters, text (or the error's). A plain tuple, the cheapest object there is.

White space is no token: two tokens without any between them are ``adjacent``. The line follows from the offset.
"""


def describe(token: Token) -> str:
    """Return a token as Go's errors show it."""
    kind, _pos, value = token
    if kind == Kind.EOF:
        return "EOF"
    if kind == Kind.ERROR:
        return value
    if kind in _NAMED:
        return f"<{value}>"
    if len(value.encode("utf-8", "surrogateescape")) > 10:
        return quote(value[:10]) + "..."
    return quote(value)


def adjacent(first: Token, second: Token) -> bool:
    """Whether no white space stands between a token and the one behind it."""
    return first[1] + len(first[2]) == second[1]


_NAMED: Final = frozenset({Kind.KEYWORD, Kind.DOT, Kind.NIL})
_KEYWORDS: Final = ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
_WORD_KINDS: Final = {**dict.fromkeys(_KEYWORDS, Kind.KEYWORD), "nil": Kind.NIL, "true": Kind.BOOL, "false": Kind.BOOL}
"""The words that are no identifiers."""

_SPACES: Final = " \t\r\n"
_SPACE_RUN: Final = re.compile(r"[ \t\r\n]+")
_TRIM_MARKERS: Final = frozenset({"- ", "-\t", "-\r", "-\n"})
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9_]*")
_QUOTED: Final = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), Kind.STRING, "unterminated quoted string"),
    "'": (re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"), Kind.CHAR_CONSTANT, "unterminated character constant"),
    "`": (re.compile(r"`[^`]*`"), Kind.RAW_STRING, "unterminated raw quoted string"),
}
_NUMBER: Final = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_END: Final = r"(?=[ \t\r\n.,|:)(]|\}\})"
_COMMON: Final = re.compile(
    r"(?P<TRIM>[ \t\r\n]+-\}\})|[ \t\r\n]*(?:"
    rf"(?P<FIELD>\.[A-Za-z_][A-Za-z0-9_]*){_END}"
    rf"|(?P<WORD>[A-Za-z_][A-Za-z0-9_]*){_END}"
    r"|(?P<RIGHT>\}\})"
    r"|(?P<PIPE>\|)"
    rf"|(?P<VARIABLE>\$[A-Za-z0-9_]*){_END}"
    r'|(?P<STRING>"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*")'
    r"|(?P<NUMBER>-?[0-9]+(?:\.[0-9]+)?)(?=[ \t\r\n|)]|\}\})"
    r"|(?P<DECLARE>:=)|(?P<ASSIGN>=)|(?P<CHAR>,)|(?P<LEFT_PAREN>\()|(?P<RIGHT_PAREN>\))"
    r"|(?P<DOT>\.)(?=[ \t\r\n|)]|\}\})"
    r"|(?P<OTHER>(?s:.)|\Z))"
)
"""A token with the white space before it, at any place in an action. The groups carry the names of the kinds, except WORD;
TRIM: the trim marker with the closing delimiter; OTHER: anything else, and the end of the text.
"""

_WITH_CARE: Final = frozenset({Kind.LEFT_PAREN, Kind.RIGHT_PAREN, Kind.RIGHT, "TRIM", "OTHER"})
"""Groups that take more than adding a token."""

_SINGLE: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.LEFT_PAREN, ")": Kind.RIGHT_PAREN}


def is_word_char(char: str) -> bool:
    """Whether the character may stand in a name: letters, decimal digits, underscore."""
    return char.isalpha() or char.isdecimal() or char == "_"


def describe_char(char: str) -> str:
    """Return a character as ``U+0041 'A'``."""
    code = ord(char)
    return f"U+{code:04X} '{char}'" if is_print(char) else f"U+{code:04X}"


class _Stop(Exception):
    """Scanning ended with an error token."""


class _Lexer:
    """at: the offset of what is read next; parens: those open in the current action."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.parens = 0
        self.tokens: list[Token] = []

    def emit(self, kind: str, end: int) -> None:
        """Add the token from the current place to end."""
        self.tokens.append((kind, self.at, self.text[self.at : end]))
        self.at = end

    def fail(self, message: str) -> NoReturn:
        self.tokens.append((Kind.ERROR, self.at, message))
        raise _Stop

    def run(self) -> list[Token]:
        try:
            while self.outside():
                self.inside()
        except _Stop:
            pass
        return self.tokens

    # --- text and comments

    def outside(self) -> bool:
        """Read text up to the next action, and its opening delimiter; return whether there is one."""
        text = self.text
        while True:
            at = self.at
            left = text.find("{{", at)
            if left < 0:
                if at < len(text):
                    self.emit(Kind.TEXT, len(text))
                self.tokens.append((Kind.EOF, len(text), ""))
                return False
            trims = text[left + 2 : left + 4] in _TRIM_MARKERS
            before = text[at:left].rstrip(_SPACES) if trims else text[at:left]
            if before:
                self.tokens.append((Kind.TEXT, at, before))
            begin = left + 4 if trims else left + 2
            if not text.startswith("/*", begin):
                self.tokens.append((Kind.LEFT, left, "{{"))
                self.at = begin
                return True
            self.at = begin
            self.comment()

    def comment(self) -> None:
        close = self.text.find("*/", self.at + 2)
        if close < 0:
            self.fail("unclosed comment")
        trims = self._trims_right(close + 2)
        if not trims and not self.text.startswith("}}", close + 2):
            self.fail("comment ends before closing delimiter")
        self._leave(close + 2 + (4 if trims else 2), trims)

    def _trims_right(self, at: int) -> bool:
        """Whether a blank, the trim marker and the closing delimiter stand here."""
        return self.text[at : at + 1] in tuple(_SPACES) and self.text.startswith("-}}", at + 1)

    def _leave(self, end: int, trims: bool) -> None:
        """Move to the end of an action, and past the white space after it when it trims."""
        self.at = end
        if trims and (match := _SPACE_RUN.match(self.text, end)):
            self.at = match.end()

    # --- actions

    def inside(self) -> None:
        """Read the tokens of one action, the closing delimiter included."""
        self.parens = 0
        while not self._common():
            self.token()

    def _common(self) -> bool:
        """Read tokens as long as they are common ones; return whether the action ended."""
        append = self.tokens.append
        for found in _COMMON.finditer(self.text, self.at):
            index, kind = found.lastindex, found.lastgroup
            assert index is not None  # every alternative is a group
            assert kind is not None
            value, pos = found[index], found.start(index)
            if kind == "WORD":
                append((_WORD_KINDS.get(value, Kind.IDENTIFIER), pos, value))
            elif kind not in _WITH_CARE:
                append((kind, pos, value))
            elif kind == Kind.LEFT_PAREN:
                self.parens += 1
                append((kind, pos, value))
            elif kind == Kind.RIGHT_PAREN and self.parens > 0:
                self.parens -= 1
                append((kind, pos, value))
            elif kind in (Kind.RIGHT, "TRIM") and self.parens == 0:
                self.at = found.end()
                append((Kind.RIGHT, self.at - 2, "}}"))
                self._leave(self.at, kind == "TRIM")
                return True
            else:
                self.at = found.start()
                break
        return False

    def token(self) -> None:
        """Read the next token, whichever it is."""
        self.space()
        char = self.text[self.at : self.at + 1]
        if not char:
            self.fail("unclosed action")
        if self.text.startswith("}}", self.at) or self._trims_right(self.at):
            self.fail("unclosed left paren")  # without one, the delimiter is a common token
        if char in _SINGLE:
            self.punctuation(char)
        elif char == ":":
            if not self.text.startswith(":=", self.at):
                self.fail("expected :=")
            self.emit(Kind.DECLARE, self.at + 2)
        elif char in _QUOTED:
            self.quoted(char)
        elif char == "$":
            self.name(Kind.VARIABLE)
        elif char == "." and not ("0" <= self.text[self.at + 1 : self.at + 2] <= "9") and self.at + 1 < len(self.text):
            self.name(Kind.FIELD)
        elif char in "+-.0123456789":
            self.number()
        elif is_word_char(char):
            self.word()
        elif " " <= char <= "~":
            self.emit(Kind.CHAR, self.at + 1)
        else:
            self.fail(f"unrecognized character in action: {describe_char(runes(char))}")

    def space(self) -> None:
        """Skip white space; the last of it stays when it belongs to a trim marker."""
        if match := _SPACE_RUN.match(self.text, self.at):
            end = match.end()
            self.at = end - 1 if self._trims_right(end - 1) else end

    def punctuation(self, char: str) -> None:
        self.parens += {"(": 1, ")": -1}.get(char, 0)
        if self.parens < 0:
            self.fail("unexpected right paren")
        self.emit(_SINGLE[char], self.at + 1)

    def quoted(self, char: str) -> None:
        pattern, kind, complaint = _QUOTED[char]
        match = pattern.match(self.text, self.at)
        if match is None:
            self.fail(complaint)
        self.emit(kind, match.end())

    def _word_end(self, at: int) -> int:
        while True:
            match = _ASCII_WORD.match(self.text, at)
            assert match is not None
            at = match.end()
            if at >= len(self.text) or not is_word_char(self.text[at]):
                return at
            at += 1

    def _check_end(self, end: int) -> None:
        """Refuse a name that runs into a character which cannot follow one."""
        char = self.text[end : end + 1]
        if char and char not in " \t\r\n.,|:)(" and not self.text.startswith("}}", end):
            self.fail(f"bad character {describe_char(runes(char))}")

    def name(self, kind: str) -> None:
        """Read a field or variable; a lone dot is the cursor."""
        end = self._word_end(self.at + 1)
        self._check_end(end)
        self.emit(Kind.DOT if kind is Kind.FIELD and end == self.at + 1 else kind, end)

    def word(self) -> None:
        end = self._word_end(self.at)
        self._check_end(end)
        self.emit(_WORD_KINDS.get(self.text[self.at : end], Kind.IDENTIFIER), end)

    def number(self) -> None:
        end = self._number_end(self.at)
        if self.text[end : end + 1] not in ("+", "-"):
            self.emit(Kind.NUMBER, end)
            return
        end = self._number_end(end)
        if self.text[end - 1] != "i":
            self._bad_number(end)
        self.emit(Kind.COMPLEX, end)

    def _number_end(self, at: int) -> int:
        match = _NUMBER.match(self.text, at)
        assert match is not None
        end = match.end()
        if end < len(self.text) and is_word_char(self.text[end]):
            self._bad_number(end + 1)
        return end

    def _bad_number(self, end: int) -> None:
        self.fail(f"bad number syntax: {quote(self.text[self.at : end])}")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a template text; the last one is EOF or an error."""
    return _Lexer(text).run()
