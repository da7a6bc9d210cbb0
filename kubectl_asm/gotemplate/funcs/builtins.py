"""The functions of the template language itself: comparison, indexing, printing, escaping.

``and``, ``or`` and ``call`` are listed for their signatures; the compiler gives them their own code, because they do not
evaluate like other functions. Source: spec/templates.md section 3.3; Go text/template, "Functions".
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote_plus

from kubectl_asm.gotemplate.formatting import Flags
from kubectl_asm.gotemplate.funcs.signature import VALUE, Environment, Function, FunctionError
from kubectl_asm.gotemplate.printf import Printer, display, sprint, sprintf, sprintln
from kubectl_asm.gotemplate.quoting import is_print
from kubectl_asm.gotemplate.values import (
    ANY,
    MISSING,
    GoBytes,
    GoList,
    GoMap,
    GoObject,
    Uint8,
    is_true,
    is_unsigned,
    kind_of,
    raw,
    type_of,
    zero,
)

GROUP: Final = "builtins"


# --- comparison -------------------------------------------------------------------------------------------


def _basic_kind(value: object) -> str:
    """Return the family within which values compare, "" for values that have no order."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "uint" if is_unsigned(value) else "int"
    if isinstance(value, float):
        return "float"
    return "complex" if isinstance(value, complex) else ""


def _is_nothing(value: object) -> bool:
    return value is None or value is MISSING


def _is_nil(value: object) -> bool:
    return _is_nothing(value) or bool(getattr(value, "is_nil", False))


def _incompatible(left: object, right: object) -> FunctionError:
    return FunctionError(f"incompatible types for comparison: {type_of(left)} and {type_of(right)}")


def _pair_equal(left: object, right: object) -> bool:
    kinds = _basic_kind(left), _basic_kind(right)
    if kinds[0] != kinds[1] and kinds not in (("int", "uint"), ("uint", "int")):
        if _is_nothing(left) or _is_nothing(right):
            return False
        raise _incompatible(left, right)
    return left == right if kinds[0] else _structures_equal(left, right)


def _structures_equal(left: object, right: object) -> bool:
    """Compare values that are not of a basic kind: nothing, pointers and structs; lists and maps cannot be compared."""
    if not (_is_nothing(left) or _is_nothing(right)) and kind_of(left) != kind_of(right):
        raise FunctionError(f"non-comparable types {_as_text(left)}: {type_of(left)}, {type_of(right)}: {display(right)}")
    if _is_nil(left) or _is_nil(right):
        return _is_nil(left) == _is_nil(right)
    if isinstance(right, (GoMap, GoList, GoBytes)):
        raise FunctionError(f"non-comparable type {_as_text(right)}: {type_of(right)}")
    if kind_of(right) == "ptr":
        return left is right
    return left is right or (isinstance(left, GoObject) and isinstance(right, GoObject) and _same_struct(left, right))


def _same_struct(left: GoObject, right: GoObject) -> bool:
    return type_of(left) == type_of(right) and (
        left == right or (left.go_struct() != () and left.go_struct() == right.go_struct())
    )


def _as_text(value: object) -> str:
    return Printer(Flags()).argument(value, "s")


def equal(first: object, *others: object) -> bool:
    """Return whether the first value equals any other. Values of different basic types are an error."""
    if not others:
        raise FunctionError("missing argument for comparison")
    return any(_pair_equal(first, other) for other in others)


def not_equal(left: object, right: object) -> bool:
    """Return whether two values differ."""
    return not equal(left, right)


def less(left: object, right: object) -> bool:
    """Return whether left comes first; only numbers of one kind and texts (by bytes) have an order."""
    kinds = _basic_kind(left), _basic_kind(right)
    if not kinds[0] or not kinds[1]:
        raise FunctionError("invalid type for comparison")
    if kinds[0] != kinds[1] and kinds not in (("int", "uint"), ("uint", "int")):
        raise _incompatible(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return raw(left) < raw(right)
    if kinds[0] in ("bool", "complex"):
        raise FunctionError("invalid type for comparison")
    return left < right  # type: ignore[operator, no-any-return] # both are numbers by their kinds


def less_or_equal(left: object, right: object) -> bool:
    """Return whether left comes first or equals right."""
    return less(left, right) or equal(left, right)


def greater(left: object, right: object) -> bool:
    """Return whether right comes first."""
    return not less_or_equal(left, right)


def greater_or_equal(left: object, right: object) -> bool:
    """Return whether left does not come first."""
    return not less(left, right)


def negate(value: object) -> bool:
    """Return whether the value is empty."""
    return not is_true(value)


# --- containers -------------------------------------------------------------------------------------------


def length(value: object) -> int:
    """Return the number of bytes of a text or of members of a container."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(raw(value))
    if isinstance(value, (GoMap, GoList, GoBytes)):
        return len(value)
    if value is None:
        raise FunctionError("len of nil pointer")
    if value is MISSING:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    raise FunctionError(f"len of type {type_of(value).removeprefix('*')}")


def _position(index: object, size: int) -> int:
    if _is_nothing(index):
        raise FunctionError("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise FunctionError(f"cannot index slice/array with type {type_of(index)}")
    if not 0 <= index <= size:
        raise FunctionError(f"index out of range: {int(index)}")
    return int(index)


def _map_member(mapping: GoMap, key: object) -> object:
    if _is_nothing(key):
        raise FunctionError("value is nil; should be of type string")
    if not isinstance(key, str):
        raise FunctionError(f"value has type {type_of(key)}; should be string")
    return mapping[key] if key in mapping else zero(mapping.elem)


def _element(item: object, index: object) -> object:
    if isinstance(item, GoMap):
        return _map_member(item, index)
    if isinstance(item, (GoList, GoBytes)):
        position = _position(index, len(item))
        if position == len(item):
            raise FunctionError("reflect: slice index out of range")
        return Uint8(item[position]) if isinstance(item, GoBytes) else item[position]
    if isinstance(item, str):
        data = raw(item)
        position = _position(index, len(data))
        if position == len(data):
            raise FunctionError("reflect: string index out of range")
        return Uint8(data[position])
    raise FunctionError(f"can't index item of type {type_of(item).removeprefix('*')}")


def index(item: object, *indexes: object) -> object:
    """Return the member reached by the indexes, one container after the other."""
    if _is_nothing(item):
        raise FunctionError("index of untyped nil")
    for step in indexes:
        if _is_nothing(item):
            raise FunctionError("index of nil pointer")
        item = _element(item, step)
    return item


# --- printing and escaping --------------------------------------------------------------------------------


def printable(value: object) -> str:
    """Return what an action prints for a value: ``<no value>`` for nothing."""
    return "<no value>" if _is_nothing(value) else display(value)


def _joined(values: tuple[object, ...]) -> str:
    return sprint(["<no value>" if _is_nothing(value) else value for value in values])


def print_(env: Environment, *values: object) -> str:
    """Return the values' texts; a blank stands between two of them when neither is a string."""
    env.budget.value(sum(len(value) for value in values if isinstance(value, str)))
    return sprint(values)


def println(env: Environment, *values: object) -> str:
    """Return the values' texts with blanks between them and a newline at the end."""
    env.budget.value(sum(len(value) for value in values if isinstance(value, str)))
    return sprintln(values)


def printf(_env: Environment, form: str, *values: object) -> str:
    """Return the format filled with the values."""
    return sprintf(form, values)


_HTML: Final = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_JS: Final = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def html(*values: object) -> str:
    """Return the values' text with HTML's special characters escaped."""
    return _joined(values).translate(_HTML)


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if " " <= char < "\x80" or "\udc80" <= char <= "\udcff":
        return char
    return char if char > "\x7f" and is_print(char) else f"\\u{ord(char):04X}"


def js(*values: object) -> str:
    """Return the values' text as the inside of a JavaScript string."""
    return "".join(map(_js_char, _joined(values)))


def urlquery(*values: object) -> str:
    """Return the values' text as part of a URL query."""
    return quote_plus(raw(_joined(values)))


def _own_code(*_values: object) -> object:
    raise FunctionError("evaluated by the compiler")


_TWO: Final = (VALUE, VALUE)
FUNCTIONS: tuple[Function, ...] = (
    Function("and", GROUP, _own_code, _TWO, VALUE, variadic=True, summary="First empty value, otherwise the last; stops early."),
    Function("or", GROUP, _own_code, _TWO, VALUE, variadic=True, summary="First value that is not empty, otherwise the last."),
    Function("call", GROUP, _own_code, _TWO, VALUE, variadic=True, summary="Always an error: no value is a function."),
    Function("not", GROUP, negate, (VALUE,), "bool", summary="Whether the value is empty."),
    Function("eq", GROUP, equal, _TWO, "bool", variadic=True, summary="Whether the first value equals any of the others."),
    Function("ne", GROUP, not_equal, _TWO, "bool", summary="Whether two values differ."),
    Function("lt", GROUP, less, _TWO, "bool", summary="Whether the first value is less."),
    Function("le", GROUP, less_or_equal, _TWO, "bool", summary="Whether the first value is less or equal."),
    Function("gt", GROUP, greater, _TWO, "bool", summary="Whether the first value is greater."),
    Function("ge", GROUP, greater_or_equal, _TWO, "bool", summary="Whether the first value is greater or equal."),
    Function("len", GROUP, length, (VALUE,), "int", summary="Bytes of a text, members of a list or map."),
    Function("index", GROUP, index, _TWO, VALUE, variadic=True, summary="Member of a list, map or text, step by step."),
    Function("print", GROUP, print_, (ANY,), variadic=True, needs_env=True, summary="Values as text."),
    Function("println", GROUP, println, (ANY,), variadic=True, needs_env=True, summary="Values as a line of text."),
    Function("printf", GROUP, printf, ("string", ANY), variadic=True, needs_env=True, summary="Values in a format."),
    Function("html", GROUP, html, (ANY,), variadic=True, summary="Text with HTML characters escaped."),
    Function("js", GROUP, js, (ANY,), variadic=True, summary="Text as the inside of a JavaScript string."),
    Function("urlquery", GROUP, urlquery, (ANY,), variadic=True, summary="Text as part of a URL query."),
)
