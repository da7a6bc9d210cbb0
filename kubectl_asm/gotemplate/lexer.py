"""The first stage: template text to tokens, with the places and error texts of Go's scanner.

``tokenize`` is total: a scanning error becomes the last token, so that the parser reports it where it meets it.
Source: spec/templates.md section 3.3; Go text/template/parse.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple, NoReturn

from kubectl_asm.gotemplate.quoting import is_print, quote
from kubectl_asm.gotemplate.values import runes


class Kind(enum.Enum):
    """The kinds of token."""

    ERROR = "error"
    EOF = "EOF"
    TEXT = "text"
    LEFT = "left delimiter"
    RIGHT = "right delimiter"
    SPACE = "space"
    ASSIGN = "="
    DECLARE = ":="
    PIPE = "|"
    LEFT_PAREN = "("
    RIGHT_PAREN = ")"
    CHAR = "character"
    STRING = "string"
    RAW_STRING = "raw string"
    CHAR_CONSTANT = "character constant"
    NUMBER = "number"
    COMPLEX = "complex number"
    BOOL = "bool"
    VARIABLE = "variable"
    FIELD = "field"
    DOT = "."
    NIL = "nil"
    IDENTIFIER = "identifier"
    KEYWORD = "keyword"


class Token(NamedTuple):
    """One token. pos: offset in characters; line: from 1, of its first character; value: its text, or the error's."""

    kind: Kind
    pos: int
    value: str
    line: int

    def __str__(self) -> str:
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.value
        if self.kind in _NAMED:
            return f"<{self.value}>"
        if len(self.value.encode("utf-8", "surrogateescape")) > 10:
            return quote(self.value[:10]) + "..."
        return quote(self.value)


_NAMED: Final = frozenset({Kind.KEYWORD, Kind.DOT, Kind.NIL})
KEYWORDS: Final = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})

_SPACES: Final = " \t\r\n"
_SPACE_RUN: Final = re.compile(r"[ \t\r\n]+")
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
_WORD_END: Final = r"(?=[ |.)]|\}\})"
_FAST: Final = re.compile(
    r"(?P<SPACE> +(?![- \t\r\n]))"
    rf"|(?P<FIELD>\.[A-Za-z_][A-Za-z0-9_]*){_WORD_END}"
    rf"|(?P<VARIABLE>\$[A-Za-z0-9_]*){_WORD_END}"
    rf"|(?P<WORD>[A-Za-z_][A-Za-z0-9_]*){_WORD_END}"
    r'|(?P<STRING>"[^"\\\n]*")'
    r"|(?P<NUMBER>[0-9]+)(?=[ |)]|\}\})|(?P<DOT>\.)(?=[ |)]|\}\})"
    r"|(?P<PIPE>\|)|(?P<DECLARE>:=)"
)
_FAST_KINDS: Final = {name: Kind[name] for name in _FAST.groupindex if name != "WORD"}
"""The common tokens in one match: none spans lines, touches a trim marker or can be an error."""

_SINGLE: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.LEFT_PAREN, ")": Kind.RIGHT_PAREN}


def is_word_char(char: str) -> bool:
    """Whether the character may stand in a name: letters, decimal digits, underscore."""
    return char.isalpha() or char.isdecimal() or char == "_"


def describe_char(char: str) -> str:
    """Return a character as ``U+0041 'A'``."""
    code = ord(char)
    return f"U+{code:04X} '{char}'" if is_print(char) else f"U+{code:04X}"


def _word_kind(word: str) -> Kind:
    if word in KEYWORDS:
        return Kind.KEYWORD
    return _WORD_KINDS.get(word, Kind.IDENTIFIER)


_WORD_KINDS: Final = {"nil": Kind.NIL, "true": Kind.BOOL, "false": Kind.BOOL}


class _Stop(Exception):
    """Scanning ended with an error token."""


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.parens = 0
        self.tokens: list[Token] = []

    def emit(self, kind: Kind, end: int) -> None:
        """Add the token from the current place to end."""
        value = self.text[self.at : end]
        self.tokens.append(Token(kind, self.at, value, self.line))
        self.skip_to(end)

    def skip_to(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def fail(self, message: str) -> NoReturn:
        self.tokens.append(Token(Kind.ERROR, self.at, message, self.line))
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
        """Read text up to the next action; return whether there is one."""
        while True:
            left = self.text.find("{{", self.at)
            end = len(self.text) if left < 0 else left
            kept = end
            trims = left >= 0 and self._trims_left(left + 2)
            if trims:
                kept = self.at + len(self.text[self.at : end].rstrip(_SPACES))
            if kept > self.at:
                self.emit(Kind.TEXT, kept)
            self.skip_to(end)
            if left < 0:
                self.emit(Kind.EOF, end)
                return False
            marker = 2 if trims else 0
            if not self.text.startswith("/*", left + 2 + marker):
                self.emit(Kind.LEFT, left + 2)
                self.skip_to(self.at + marker)
                self.parens = 0
                return True
            self.comment(left + 2 + marker)

    def comment(self, begin: int) -> None:
        self.skip_to(begin)
        close = self.text.find("*/", begin + 2)
        if close < 0:
            self.fail("unclosed comment")
        trims = self._trims_right(close + 2)
        if not trims and not self.text.startswith("}}", close + 2):
            self.fail("comment ends before closing delimiter")
        self._leave(close + 2 + (4 if trims else 2), trims)

    def _trims_left(self, at: int) -> bool:
        return self.text.startswith("-", at) and self.text[at + 1 : at + 2] in tuple(_SPACES)

    def _trims_right(self, at: int) -> bool:
        """Whether a blank, the trim marker and the closing delimiter stand here."""
        return self.text[at : at + 1] in tuple(_SPACES) and self.text.startswith("-}}", at + 1)

    def _leave(self, end: int, trims: bool) -> None:
        """Move to the end of an action, and past the white space after it when it trims."""
        self.skip_to(end)
        if trims and (match := _SPACE_RUN.match(self.text, end)):
            self.skip_to(match.end())

    # --- actions

    def inside(self) -> None:
        """Read the tokens of one action, the closing delimiter included."""
        while True:
            self._common()
            closes = self.text.startswith("}}", self.at)
            trims = not closes and self._trims_right(self.at)
            if closes or trims:
                if self.parens:
                    self.fail("unclosed left paren")
                if trims:
                    self.skip_to(self.at + 2)
                self.emit(Kind.RIGHT, self.at + 2)
                self._leave(self.at, trims)
                return
            self.token()

    def _common(self) -> None:
        """Read tokens as long as they are common ones."""
        match = _FAST.match
        text, at, line, tokens = self.text, self.at, self.line, self.tokens
        while (found := match(text, at)) is not None:
            value, group = found[0], found.lastgroup
            assert group is not None
            tokens.append(Token(_FAST_KINDS[group] if group != "WORD" else _word_kind(value), at, value, line))
            at = found.end()
        self.at = at

    def token(self) -> None:
        char = self.text[self.at : self.at + 1]
        if not char:
            self.fail("unclosed action")
        if char in _SPACES:
            self.space()
        elif char in _SINGLE:
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
        match = _SPACE_RUN.match(self.text, self.at)
        assert match is not None
        end = match.end()
        if self._trims_right(end - 1):
            end -= 1
        if end > self.at:
            self.emit(Kind.SPACE, end)

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

    def name(self, kind: Kind) -> None:
        """Read a field or variable; a lone dot is the cursor."""
        end = self._word_end(self.at + 1)
        self._check_end(end)
        self.emit(Kind.DOT if kind is Kind.FIELD and end == self.at + 1 else kind, end)

    def word(self) -> None:
        end = self._word_end(self.at)
        self._check_end(end)
        self.emit(_word_kind(self.text[self.at : end]), end)

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
