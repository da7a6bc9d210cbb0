r"""Go's regexp package over RE2: same syntax, same matches, Go's own loops for empty matches and templates.

Patterns and texts are Go strings; matching runs on their bytes, so offsets are bytes and invalid UTF-8 matches as Go
treats it: one U+FFFD a byte. Source: spec/data.md section 5.3; spec/templates.md 6.4.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from kubectl_asm.gotemplate.values import raw, runes, text_of

Spans = tuple[tuple[int, int], ...]
"""Byte ranges of the whole match and of each group; (-1, -1) for a group that took no part."""

_NAME: Final = re.compile(r"\w+")

_GO_CAUSES: Final[Mapping[str, str]] = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "trailing \\": "trailing backslash at end of expression",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "bad named capture group": "invalid named capture",
}
"""RE2's name of an error to Go's, where they differ."""

_ANY_BYTE: Final = re.compile(rb"(?:[^\\]|\\[^C])*?\\C", re.DOTALL)
_QUOTED: Final = re.compile(rb"\\Q.*?(?:\\E|\Z)", re.DOTALL)


MAX_UNROLLED: Final = 300_000
"""Pattern bytes times the largest counted repeat that are accepted: RE2 writes repeats out, which can take gigabytes."""

_COUNTED: Final = re.compile(rb"\{(\d{1,9})(?:,(\d{1,9})?)?\}")
_MAX_REPEAT: Final = 1000


class RegexError(ValueError):
    """A pattern that Go refuses; the text is Go's: ``error parsing regexp: CAUSE: `PART```."""


class _Subject:
    """The text of one search as valid UTF-8, able to translate offsets back when bytes had to be replaced."""

    __slots__ = ("_starts", "data", "original")

    def __init__(self, text: str) -> None:
        self.original = raw(text)
        shown = runes(text)
        self.data = self.original if shown is text else raw(shown)
        self._starts: dict[int, int] | None = None
        if len(self.data) != len(self.original):
            self._starts = _offsets(text)

    def piece(self, begin: int, end: int) -> bytes:
        """Return the original bytes between two offsets of ``data``."""
        if self._starts is None:
            return self.original[begin:end]
        return self.original[self._starts[begin] : self._starts[end]]

    def next(self, at: int) -> int:
        """Return the offset after the character at this offset; the same offset at the end."""
        if at >= len(self.data):
            return at
        lead = self.data[at]
        return at + (1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4)


def _offsets(text: str) -> dict[int, int]:
    """Map offsets in the repaired text (three bytes for each invalid one) to offsets in the original bytes."""
    starts, repaired, original = {0: 0}, 0, 0
    for char in text:
        invalid = "\udc80" <= char <= "\udcff"
        repaired += 3 if invalid else len(char.encode())
        original += 1 if invalid else len(char.encode())
        starts[repaired] = original
    return starts


class GoRegex:
    """A compiled pattern with those methods of Go's Regexp that templates and data rules need."""

    __slots__ = ("_groups", "_names", "_program", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._program = _compile(raw(pattern))
        self._groups = range(self._program.groups + 1)
        self._names = {name.decode(): number for name, number in self._program.groupindex.items()}

    def matches(self, text: str) -> bool:
        """Whether the pattern matches anywhere in text."""
        return self._search(_Subject(text), 0) is not None

    def find(self, text: str) -> str | None:
        """Return the text of the leftmost match, None when there is none."""
        subject = _Subject(text)
        spans = self._search(subject, 0)
        return None if spans is None else text_of(subject.piece(*spans[0]))

    def find_all(self, text: str, limit: int = -1) -> list[str] | None:
        """Return the texts of at most limit matches (below 0: all); None when there is none, as Go's nil slice."""
        subject = _Subject(text)
        found = [text_of(subject.piece(*spans[0])) for spans in self._all(subject, limit)]
        return found or None

    def split(self, text: str, limit: int = -1) -> list[str] | None:
        """Return the pieces of text around the matches, at most limit of them (below 0: all; 0: None)."""
        if limit == 0:
            return None
        if self.pattern and not text:
            return [""]
        subject = _Subject(text)
        pieces: list[str] = []
        begin = end = 0
        for spans in self._all(subject, limit):
            if 0 < limit <= len(pieces) + 1:
                break
            end, match_end = spans[0]
            if match_end != 0:
                pieces.append(text_of(subject.piece(begin, end)))
            begin = match_end
        if end != len(subject.data):
            pieces.append(text_of(subject.piece(begin, len(subject.data))))
        return pieces

    def replace_all(self, text: str, replacement: str) -> str:
        """Return text with every match replaced; ``$1 ${1} $name ${name} $$`` in the replacement are expanded."""
        parts = _template(replacement)
        return self._replace(text, lambda subject, spans: self._expand(parts, subject, spans))

    def replace_all_literal(self, text: str, replacement: str) -> str:
        """Return text with every match replaced by the replacement as it stands."""
        fixed = raw(replacement)
        return self._replace(text, lambda _subject, _spans: fixed)

    def _search(self, subject: _Subject, start: int) -> Spans | None:
        """Return the leftmost match at or after an offset; text before it still counts for ``^`` and ``\\b``."""
        found = self._program.search(subject.data, start)
        return None if found is None else tuple(found.span(group) for group in self._groups)

    def unknown_groups(self, replacement: str) -> tuple[str, ...]:
        """Return the groups that a replacement names and the pattern does not have, in order."""
        named = [part for part in _template(replacement) if not isinstance(part, bytes)]
        return tuple(
            str(part) for part in named if (part not in self._groups if isinstance(part, int) else part not in self._names)
        )

    def _all(self, subject: _Subject, limit: int) -> Iterator[Spans]:
        """Yield at most limit matches; an empty match that touches the match before it does not count."""
        at, previous_end, count = 0, -1, 0
        while count != limit and at <= len(subject.data):
            spans = self._search(subject, at)
            if spans is None:
                return
            begin, end = spans[0]
            touching = end == at and begin == previous_end
            at = end if end != at else max(subject.next(at), at + (at == len(subject.data)))
            previous_end = end
            if not touching:
                count += 1
                yield spans

    def _replace(self, text: str, replacement: Callable[[_Subject, Spans], bytes]) -> str:
        """Replace every match; an empty match that touches the match before it is left alone."""
        subject = _Subject(text)
        out: list[bytes] = []
        done = at = 0
        while at <= len(subject.data):
            spans = self._search(subject, at)
            if spans is None:
                break
            begin, end = spans[0]
            out.append(subject.piece(done, begin))
            if end > done or begin == 0:
                out.append(replacement(subject, spans))
            done = end
            at = max(end, subject.next(at), at + (at == len(subject.data)))
        out.append(subject.piece(done, len(subject.data)))
        return text_of(b"".join(out))

    def _expand(self, parts: Sequence[bytes | str | int], subject: _Subject, spans: Spans) -> bytes:
        return b"".join(part if isinstance(part, bytes) else self._group(part, subject, spans) for part in parts)

    def _group(self, group: str | int, subject: _Subject, spans: Spans) -> bytes:
        number = group if isinstance(group, int) else self._names.get(group, len(spans))
        if number >= len(spans) or spans[number][0] < 0:
            return b""
        return subject.piece(*spans[number])


@lru_cache(maxsize=256)
def _template(replacement: str) -> Sequence[bytes | str | int]:
    """Cut a replacement into literal bytes, group numbers and group names. A malformed ``$`` stands for itself."""
    first, *others = replacement.split("$")
    parts: list[bytes | str | int] = [raw(first)]
    rest = iter(others)
    for piece in rest:
        if not piece and (following := next(rest, None)) is not None:
            parts.append(raw("$" + following))
            continue
        name, tail = _group_name(piece)
        parts += [raw("$" + piece)] if not name else [_group_key(name), raw(tail)]
    return parts


def _group_name(piece: str) -> tuple[str, str]:
    """Return the group name at the start of the text after a ``$``, and what follows it; no name when malformed."""
    braced = piece.startswith("{")
    match = _NAME.match(piece, int(braced))
    name = "" if match is None else "".join(itertools.takewhile(_is_name_char, match.group()))
    end = int(braced) + len(name)
    if braced and name:
        return (name, piece[end + 1 :]) if piece[end : end + 1] == "}" else ("", piece)
    return name, piece[end:]


def _is_name_char(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char == "_"


def _group_key(name: str) -> str | int:
    is_number = name.isascii() and name.isdecimal() and len(name) < 9 and (name == "0" or name[0] != "0")
    return int(name) if is_number else name


def _compile(pattern: bytes) -> Any:
    """Return RE2's program; it has no Python type information. Raises: RegexError."""
    if b"\\C" in pattern and _ANY_BYTE.match(_QUOTED.sub(b"", pattern)):
        raise RegexError("error parsing regexp: invalid escape sequence: `\\C`")
    repeats = [int(count) for pair in _COUNTED.findall(pattern) for count in pair if count]
    if len(pattern) * min(max(repeats, default=1), _MAX_REPEAT) > MAX_UNROLLED:
        raise RegexError(f"error parsing regexp: expression too large: `{text_of(pattern)}`")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 32 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        cause = error.args[0] if error.args else b""
        raise RegexError(_go_error(text_of(cause) if isinstance(cause, bytes) else str(cause), text_of(pattern))) from None


def _go_error(text: str, pattern: str) -> str:
    """Return Go's text of an RE2 error ``CAUSE: PART``."""
    cause, _, part = text.partition(": ")
    cause = _GO_CAUSES.get(cause, cause)
    if part.startswith("(?<"):  # Go takes this for the start of a group's name, whatever follows
        rest = pattern[pattern.index("(?<") :]
        cause, part = "invalid named capture", rest[: rest.find(">") + 1] or rest
    if cause == "invalid UTF-8":
        part = pattern
    return f"error parsing regexp: {cause}: `{part}`"


@lru_cache(maxsize=128)
def compile_regex(pattern: str) -> GoRegex:
    """Return the compiled pattern (RE2 syntax as Go accepts it). Raises: RegexError with Go's text."""
    return GoRegex(pattern)


def quote_meta(text: str) -> str:
    """Return text with every character that has a meaning in patterns escaped, as Go's QuoteMeta does."""
    return _META.sub(r"\\\g<0>", text)


_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
