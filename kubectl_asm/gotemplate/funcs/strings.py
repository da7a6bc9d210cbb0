"""Text functions that do not depend on letter case: cutting, joining, padding, searching, quoting.

Go counts bytes: every position and length here is one of ``raw(text)``, and a cut may leave half a character.
Called through the table in ``funcs/__init__.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kubectl_asm.gotemplate.funcs.casing import BLANKS
from kubectl_asm.gotemplate.funcs.coercion import strval, strvals
from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError
from kubectl_asm.gotemplate.printf import display
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import ANY, GoList, GoMap, raw, runes, strings, text_of, wrap

GROUP = "strings"
_MAX_INT: Final = (1 << 63) - 1


# --- cutting ----------------------------------------------------------------------------------------------


def trunc(count: int, text: str) -> str:
    """Return the first count bytes, or with a negative count the last ones."""
    data = raw(text)
    if count < 0:
        return text_of(data[count:]) if len(data) + count > 0 else text
    return text_of(data[:count])


def _bounds(text: str) -> FunctionError:
    return FunctionError(f"runtime error: slice bounds out of range {text}")


def substr(start: int, end: int, text: str) -> str:
    """Return bytes start to end; a negative start means 0, a negative or too large end the end of the text.

    Raises: FunctionError with the text of Go's panic when the bounds do not fit.
    """
    data = raw(text)
    if start < 0:
        if end < 0:
            raise _bounds(f"[:{end}]")
        if end > len(data):
            raise _bounds(f"[:{end}] with length {len(data)}")
        return text_of(data[:end])
    if end < 0 or end > len(data):
        end = len(data)
    if start > end:
        raise _bounds(f"[{start}:{end}]")
    return text_of(data[start:end])


def _abbreviate(data: bytes, offset: int, width: int) -> bytes:
    """Return at most width bytes of data around offset, with ``...`` where something is cut. width >= 4."""
    if len(data) <= width:
        return data
    room = width - 3
    offset = min(offset, len(data))
    if wrap(len(data) - offset) < room:
        offset = len(data) - room
    if offset <= 4:
        return data[:room] + b"..."
    if width < 7:
        return b""
    if offset + room < len(data):
        return b"..." + _abbreviate(data[offset:], 0, room)
    return b"..." + data[-room:]


def abbrev(width: int, text: str) -> str:
    """Return the text cut to width bytes with ``...`` at the end; a width below 4 leaves it alone."""
    return text if width < 4 else text_of(_abbreviate(raw(text), 0, width))


def abbrevboth(left: int, right: int, text: str) -> str:
    """Return the text cut on both sides: left is the byte to keep in view, right the width of the result."""
    if right < 4 or (left > 0 and right < 7):
        return text
    return text_of(_abbreviate(raw(text), left, right))


def trim(text: str) -> str:
    """Return the text without white space at both ends."""
    return text.strip(BLANKS)


def trim_all(cutset: str, text: str) -> str:
    """Return the text without any of the cut set's characters at both ends; one invalid byte in the set stands for all."""
    seen, cut = runes(text), runes(cutset)
    start = len(seen) - len(seen.lstrip(cut))
    return text[start : len(seen.rstrip(cut))] if cut else text


def trim_prefix(prefix: str, text: str) -> str:
    """Return the text without the prefix."""
    return text_of(raw(text).removeprefix(raw(prefix)))


def trim_suffix(suffix: str, text: str) -> str:
    """Return the text without the suffix."""
    return text_of(raw(text).removesuffix(raw(suffix)))


# --- searching --------------------------------------------------------------------------------------------


def contains(part: str, text: str) -> bool:
    """Whether the bytes of part occur in text."""
    return raw(part) in raw(text)


def has_prefix(part: str, text: str) -> bool:
    """Whether text begins with part."""
    return raw(text).startswith(raw(part))


def has_suffix(part: str, text: str) -> bool:
    """Whether text ends with part."""
    return raw(text).endswith(raw(part))


def _announce_growth(env: Environment, size: int, places: int, growth: int) -> None:
    env.budget.value(size + places * max(growth, 0))


def replace(env: Environment, old: str, new: str, text: str) -> str:
    """Return the text with every old replaced by new; an empty old stands before each character and at the end."""
    if old == "":
        _announce_growth(env, len(raw(text)), len(text) + 1, len(raw(new)))
        return text.replace("", new)
    data, before, after = raw(text), raw(old), raw(new)
    _announce_growth(env, len(data), data.count(before), len(after) - len(before))
    return text_of(data.replace(before, after))


# --- building ---------------------------------------------------------------------------------------------


def _repeated(env: Environment, text: str, count: int) -> str:
    size = len(raw(text)) * count
    if count < 0:
        raise FunctionError("strings: negative Repeat count")
    if size > _MAX_INT:
        raise FunctionError("strings: Repeat output length overflow")
    env.budget.value(size)
    return text * count


def repeat(env: Environment, count: int, text: str) -> str:
    """Return the text count times. Raises: FunctionError for a negative count; BudgetExceeded for a huge result."""
    return _repeated(env, text, count)


def indent(env: Environment, spaces: int, text: str) -> str:
    """Return the text with blanks before every line, also before an empty one and after a final newline."""
    padding = _repeated(env, " ", spaces)
    _announce_growth(env, len(raw(text)), text.count("\n") + 1, spaces)
    return padding + text.replace("\n", "\n" + padding)


def nindent(env: Environment, spaces: int, text: str) -> str:
    """Return the indented text after a newline."""
    return "\n" + indent(env, spaces, text)


def wrap_words(env: Environment, width: int, separator: str, text: str, *, break_words: bool) -> str:
    """Return the text in lines of at most width bytes, cut at blanks.

    width below 1 counts as 1, an empty separator as a newline. A longer word is cut when break_words, else kept whole.
    """
    data, newline, width = raw(text), raw(separator) or b"\n", max(width, 1)
    lines: list[bytes] = []
    offset = size = 0
    while len(data) - offset > width:
        if data[offset] == 0x20:
            offset += 1
            continue
        end, skip = data.rfind(b" ", offset, offset + width + 1), 1
        if end < 0 and break_words:
            end, skip = offset + width, 0
        elif end < 0:
            end = data.find(b" ", offset + width)
        if end < 0:
            break
        lines.append(data[offset:end])
        offset = end + skip
        size += len(lines[-1]) + len(newline)
        env.budget.value(size)
        env.budget.step()
    return text_of(newline.join([*lines, data[offset:]]))


def wrap_text(env: Environment, width: int, text: str) -> str:
    """Return the text in lines of at most width bytes where blanks allow it."""
    return wrap_words(env, width, "", text, break_words=False)


def wrap_with(env: Environment, width: int, separator: str, text: str) -> str:
    """Return the text in pieces of at most width bytes with separator between them; long words are cut."""
    return wrap_words(env, width, separator, text, break_words=True)


def plural(one: str, many: str, count: int) -> str:
    """Return one for a count of 1, otherwise many."""
    return one if count == 1 else many


def hello() -> str:
    """Return a fixed greeting."""
    return "Hello!"


# --- lists and texts --------------------------------------------------------------------------------------


def join_texts(env: Environment, separator: str, items: Sequence[str]) -> str:
    """Return the items with the separator between them, after asking the budget for the size."""
    env.budget.value(sum(len(raw(item)) for item in items) + len(raw(separator)) * len(items))
    return separator.join(items)


def join(env: Environment, separator: str, value: object) -> str:
    """Return the items of a list as texts with the separator between them; nil items are left out."""
    return join_texts(env, separator, strvals(value))


def split_bytes(env: Environment, separator: str, text: str, limit: int = -1) -> list[str]:
    """Return the pieces of text; at most limit of them unless it is negative, none when it is 0. Asks the budget first.

    An empty separator gives the characters, each invalid byte by itself. Source: Go strings.SplitN.
    """
    if limit == 0:
        return []
    pieces = raw(text).count(raw(separator)) + 1 if separator else len(text)
    env.budget.items(pieces if limit < 0 else min(pieces, limit))
    if separator == "":
        if limit < 0 or limit >= len(text):
            return list(text)
        return [*text[: limit - 1], text[limit - 1 :]]
    return [text_of(part) for part in raw(text).split(raw(separator), limit - 1 if limit > 0 else -1)]


def split_list(env: Environment, separator: str, text: str) -> GoList:
    """Return the pieces of text as a list of texts."""
    return strings(split_bytes(env, separator, text))


def splitn(env: Environment, separator: str, limit: int, text: str) -> GoMap:
    """Return at most limit pieces of text under the keys ``_0``, ``_1`` ...; a negative limit means all, 0 none."""
    pieces = split_bytes(env, separator, text, limit)
    return GoMap(((f"_{number}", piece) for number, piece in enumerate(pieces)), "string")


def split(env: Environment, separator: str, text: str) -> GoMap:
    """Return the pieces of text under the keys ``_0``, ``_1`` ..."""
    return splitn(env, separator, -1, text)


def to_strings(value: object) -> GoList:
    """Return a list's items as texts, nil items left out; a single value gives a list of one, nothing an empty one."""
    if isinstance(value, GoList) and value.elem == "string":
        return value
    return strings(strvals(value))


def to_string(value: object) -> str:
    """Return a value as text."""
    return strval(value)


def quote_values(env: Environment, *values: object) -> str:
    """Return the values as double-quoted Go texts with blanks between them; nil values are left out."""
    return join_texts(env, " ", [quote(strval(value)) for value in values if value is not None])


def squote(env: Environment, *values: object) -> str:
    """Return the values between single quotes without any escaping; nil values are left out."""
    return join_texts(env, " ", [f"'{display(value)}'" for value in values if value is not None])


def cat(env: Environment, *values: object) -> str:
    """Return the values with blanks between them; nil values are left out."""
    return join_texts(env, " ", [display(value) for value in values if value is not None])


_TEXT: Final = ("string",)
_TWO_TEXTS: Final = ("string", "string")
_MAP_OF_TEXTS: Final = "map[string]string"

FUNCTIONS: tuple[Function, ...] = (
    Function("abbrev", GROUP, abbrev, ("int", "string"), summary="Text cut to a number of bytes, ending in three dots."),
    Function("abbrevboth", GROUP, abbrevboth, ("int", "int", "string"), summary="Text cut on both sides with three dots."),
    Function("cat", GROUP, cat, (ANY,), variadic=True, needs_env=True, summary="Values joined by blanks, nil left out."),
    Function("contains", GROUP, contains, _TWO_TEXTS, "bool", summary="Whether the second text contains the first."),
    Function("hasPrefix", GROUP, has_prefix, _TWO_TEXTS, "bool", summary="Whether the second text begins with the first."),
    Function("hasSuffix", GROUP, has_suffix, _TWO_TEXTS, "bool", summary="Whether the second text ends with the first."),
    Function("hello", GROUP, hello, summary="A fixed greeting."),
    Function("indent", GROUP, indent, ("int", "string"), needs_env=True, summary="Blanks before every line."),
    Function(
        "join", GROUP, join, ("string", ANY), needs_env=True, summary="Items of a list joined by a separator, nil left out."
    ),
    Function("nindent", GROUP, nindent, ("int", "string"), needs_env=True, summary="A newline, then blanks before every line."),
    Function("plural", GROUP, plural, ("string", "string", "int"), summary="First text for a count of 1, otherwise the second."),
    Function("quote", GROUP, quote_values, (ANY,), variadic=True, needs_env=True, summary="Values in double quotes."),
    Function("repeat", GROUP, repeat, ("int", "string"), needs_env=True, summary="Text a number of times."),
    Function(
        "replace",
        GROUP,
        replace,
        ("string", "string", "string"),
        needs_env=True,
        summary="Every first text replaced by the second.",
    ),
    Function(
        "split", GROUP, split, _TWO_TEXTS, _MAP_OF_TEXTS, needs_env=True, summary="Pieces of a text under the keys _0, _1 ..."
    ),
    Function("splitList", GROUP, split_list, _TWO_TEXTS, "[]string", needs_env=True, summary="Pieces of a text as a list."),
    Function(
        "splitn",
        GROUP,
        splitn,
        ("string", "int", "string"),
        _MAP_OF_TEXTS,
        needs_env=True,
        summary="At most so many pieces of a text.",
    ),
    Function("squote", GROUP, squote, (ANY,), variadic=True, needs_env=True, summary="Values in single quotes, nothing escaped."),
    Function("substr", GROUP, substr, ("int", "int", "string"), summary="Bytes from a start to an end."),
    Function("toString", GROUP, to_string, (ANY,), summary="Any value as text."),
    Function("toStrings", GROUP, to_strings, (ANY,), "[]string", summary="Items of a list as texts."),
    Function("trim", GROUP, trim, _TEXT, summary="Text without white space at both ends."),
    Function("trimAll", GROUP, trim_all, _TWO_TEXTS, summary="Text without a set of characters at both ends."),
    Function("trimPrefix", GROUP, trim_prefix, _TWO_TEXTS, summary="Text without a prefix."),
    Function("trimSuffix", GROUP, trim_suffix, _TWO_TEXTS, summary="Text without a suffix."),
    Function("trimall", GROUP, trim_all, _TWO_TEXTS, summary="Older name of trimAll."),
    Function("trunc", GROUP, trunc, ("int", "string"), summary="First, or with a negative count last, bytes."),
    Function("wrap", GROUP, wrap_text, ("int", "string"), needs_env=True, summary="Text in lines of at most so many bytes."),
    Function(
        "wrapWith", GROUP, wrap_with, ("int", "string", "string"), needs_env=True, summary="Text in pieces joined by a separator."
    ),
)
