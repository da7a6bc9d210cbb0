"""List functions. Every one comes twice: the plain name and ``must...``, which differ in Go only by panic or error.

Functions return new lists and leave their argument alone, except ``sortAlpha`` (see there).
Called through the table in ``funcs/__init__.py``. Source: spec/templates.md sections 3.2 and 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate.funcs.coercion import elements, is_empty, strval, strvals, to_int
from kubectl_asm.gotemplate.funcs.equality import deep_equal
from kubectl_asm.gotemplate.funcs.signature import LIST, Environment, Function, FunctionError
from kubectl_asm.gotemplate.values import ANY, GoBytes, GoList, kind_of, raw, strings

GROUP = "lists"
NIL_DEREFERENCE: Final = "runtime error: invalid memory address or nil pointer dereference"
LIST_OF_LISTS: Final = f"[]{LIST}"


def items_of(value: object, complaint: str) -> list[object]:
    """Return the elements of a list. complaint: Go's error text with ``%s`` for the kind of a value that is none.

    Raises: FunctionError; for nil with the text of Go's nil dereference, which is what happens there.
    """
    found = elements(value)
    if found is not None:
        return found
    if value is None:
        raise FunctionError(NIL_DEREFERENCE)
    raise FunctionError(complaint.replace("%s", kind_of(value)))


def make_list(*values: object) -> GoList:
    """Return the values as a list."""
    return GoList(values)


def append(value: object, item: object) -> GoList:
    """Return the list with one more item at the end."""
    return GoList([*items_of(value, "Cannot push on type %s"), item])


def prepend(value: object, item: object) -> GoList:
    """Return the list with one more item at the front."""
    return GoList([item, *items_of(value, "Cannot prepend on type %s")])


def first(value: object) -> object:
    """Return the first item, nil for an empty list."""
    return next(iter(items_of(value, "Cannot find first on type %s")), None)


def last(value: object) -> object:
    """Return the last item, nil for an empty list."""
    return next(reversed(items_of(value, "Cannot find last on type %s")), None)


def rest(value: object) -> GoList:
    """Return all items but the first, a nil list for an empty one."""
    items = items_of(value, "Cannot find rest on type %s")
    return GoList(items[1:], is_nil=not items)


def initial(value: object) -> GoList:
    """Return all items but the last, a nil list for an empty one."""
    items = items_of(value, "Cannot find initial on type %s")
    return GoList(items[:-1], is_nil=not items)


def reverse(value: object) -> GoList:
    """Return the items in reverse order."""
    return GoList(reversed(items_of(value, "Cannot find reverse on type %s")))


def compact(value: object) -> GoList:
    """Return the items that are not empty."""
    return GoList(item for item in items_of(value, "Cannot compact on type %s") if not is_empty(item))


def _contains(env: Environment, haystack: list[object], needle: object) -> bool:
    env.budget.step(len(haystack) // 4 + 1)
    return any(deep_equal(needle, item) for item in haystack)


def uniq(env: Environment, value: object) -> GoList:
    """Return the items without repetitions; two items are equal only when their types are."""
    found: list[object] = []
    for item in items_of(value, "Cannot find uniq on type %s"):
        if not _contains(env, found, item):
            found.append(item)
    return GoList(found)


def without(env: Environment, value: object, *omitted: object) -> GoList:
    """Return the items that equal none of the omitted values."""
    items = items_of(value, "Cannot find without on type %s")
    unwanted = list(omitted)
    return GoList(item for item in items if not _contains(env, unwanted, item))


def has(env: Environment, needle: object, haystack: object) -> bool:
    """Whether the list contains the value; nothing contains nothing."""
    if haystack is None:
        return False
    return _contains(env, items_of(haystack, "Cannot find has on type %s"), needle)


def slice_list(value: object, *bounds: object) -> object:
    """Return the items from the first bound (0) up to the second (the length), of the list's own type.

    An empty list gives nil whatever the bounds. Raises: FunctionError when the bounds do not fit.
    """
    items = items_of(value, "list should be type of slice or array but %s")
    if not items:
        return None
    start = to_int(bounds[0]) if bounds else 0
    end = to_int(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise FunctionError("reflect.Value.Slice: slice index out of bounds")
    if isinstance(value, GoBytes):
        return GoBytes(value[start:end])
    return GoList(items[start:end], value.elem if isinstance(value, GoList) else ANY)


def concat(env: Environment, *values: object) -> GoList:
    """Return the items of all lists one after the other; a nil list when there are none."""
    found: list[object] = []
    for value in values:
        found += items_of(value, "Cannot concat type %s as list")
        env.budget.items(len(found))
    return GoList(found, is_nil=not found)


def chunk(env: Environment, size: int, value: object) -> GoList:
    """Return the list cut into lists of size items, the last one possibly shorter.

    Raises: FunctionError with the text of Go's panic when size is not positive.
    """
    items = items_of(value, "Cannot chunk type %s")
    if size < 1:
        return _chunk_without_size(items, size)
    env.budget.items(len(items))
    return GoList((GoList(items[start : start + size]) for start in range(0, len(items), size)), LIST)


def _chunk_without_size(items: list[object], size: int) -> GoList:
    """Return what Go's float arithmetic gives for a size of 0 or less.

    With ceil(length/size) chunks a single item still fits one chunk and up to -size+1 items fit none; else Go panics.
    """
    if len(items) == 1 and size < -1:
        return GoList([GoList(items)], LIST)
    if size < 0 and 2 <= len(items) <= 1 - size:
        return GoList((), LIST)
    raise FunctionError("runtime error: makeslice: len out of range")


def sort_alpha(value: object) -> GoList:
    """Return the items as texts in byte order; a single value gives a list of one.

    A list that already is one of texts is sorted in place, as upstream does.
    """
    if isinstance(value, GoList) and value.elem == "string":
        value.sort(key=lambda item: raw(strval(item)))
        return value
    if elements(value) is None:
        return strings([strval(value)])
    return strings(sorted(strvals(value), key=raw))


def _pair(
    name: str, call: Callable[..., object], params: tuple[str, ...], summary: str, **options: object
) -> tuple[Function, Function]:
    """Return the rows of a function and of its ``must`` twin."""
    result = str(options.pop("result", LIST))
    variadic, needs_env = bool(options.pop("variadic", False)), bool(options.pop("needs_env", False))
    must = f"must{name[0].upper()}{name[1:]}"
    return (
        Function(name, GROUP, call, params, result, variadic, needs_env, summary=summary),
        Function(must, GROUP, call, params, result, variadic, needs_env, summary=f"Like {name}."),
    )


FUNCTIONS: tuple[Function, ...] = (
    Function("list", GROUP, make_list, (ANY,), LIST, variadic=True, summary="Values as a list."),
    Function("tuple", GROUP, make_list, (ANY,), LIST, variadic=True, summary="Older name of list."),
    *_pair("append", append, (ANY, ANY), "List with an item at the end."),
    *_pair("push", append, (ANY, ANY), "Other name of append."),
    *_pair("prepend", prepend, (ANY, ANY), "List with an item at the front."),
    *_pair("first", first, (ANY,), "First item, nil for an empty list.", result=ANY),
    *_pair("last", last, (ANY,), "Last item, nil for an empty list.", result=ANY),
    *_pair("rest", rest, (ANY,), "All items but the first."),
    *_pair("initial", initial, (ANY,), "All items but the last."),
    *_pair("reverse", reverse, (ANY,), "Items in reverse order."),
    *_pair("compact", compact, (ANY,), "Items that are not empty."),
    *_pair("uniq", uniq, (ANY,), "Items without repetitions.", needs_env=True),
    *_pair("without", without, (ANY, ANY), "Items that equal none of the given values.", variadic=True, needs_env=True),
    *_pair("has", has, (ANY, ANY), "Whether a list contains a value.", result="bool", needs_env=True),
    *_pair("slice", slice_list, (ANY, ANY), "Part of a list; hides the built-in function.", result=ANY, variadic=True),
    *_pair("chunk", chunk, ("int", ANY), "List of lists of a given size.", result=LIST_OF_LISTS, needs_env=True),
    Function("concat", GROUP, concat, (ANY,), ANY, variadic=True, needs_env=True, summary="Items of several lists."),
    Function("sortAlpha", GROUP, sort_alpha, (ANY,), "[]string", summary="Items as texts in byte order."),
)
