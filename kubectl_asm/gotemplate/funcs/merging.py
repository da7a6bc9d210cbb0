"""Deep merge and deep copy of maps, for ``merge``, ``mergeOverwrite`` and ``deepCopy``.

Both walk with their own stack: the depth of a value is data and must not depend on Python's recursion limit.
Source: spec/templates.md section 6.4; mergo v1.0.1 and copystructure v1.2.0, the libraries of upstream's functions.
"""

from __future__ import annotations

from kubectl_asm.gotemplate.budget import Budget
from kubectl_asm.gotemplate.funcs.coercion import is_empty
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.funcs.versions import Version
from kubectl_asm.gotemplate.values import ANY, GoList, GoMap, kind_of, type_of

DIFFERENT_TYPES = "src and dst must be of same type"


def _assign(target: GoMap, key: str, value: object, source: GoMap) -> None:
    """Set a member. Raises: FunctionError with Go's panic text when the maps' element types do not fit."""
    if target.elem not in (ANY, source.elem):
        raise FunctionError(f"reflect.Value.SetMapIndex: value of type {source.elem} is not assignable to type {target.elem}")
    target[key] = value


def _refuse_mixed_pointer(old: object, new: object, *, overwrite: bool) -> None:
    """A pointer in the target cannot take in a map or struct of another type unless it is overwritten."""
    if kind_of(old) != "ptr" or overwrite or kind_of(new) not in ("map", "struct"):
        return
    if not (isinstance(new, GoMap) and new.is_nil) and type_of(old) != f"*{type_of(new)}":
        raise FunctionError(DIFFERENT_TYPES)


def _all_skipped(source: GoMap, *, overwrite: bool) -> bool:
    """Whether merging source into an empty map leaves it empty."""
    return not overwrite and all(item is None for item in source.values())


def _merge_member(target: GoMap, key: str, source: GoMap, *, overwrite: bool) -> tuple[GoMap, GoMap] | None:
    """Merge one member of source into target; return two maps that have to be merged in turn."""
    new, old = source[key], target.get(key)
    if new is None:
        if overwrite:
            _assign(target, key, None, source)
        return None
    if isinstance(new, GoMap) and isinstance(old, GoMap):
        if old or not (not new or _all_skipped(new, overwrite=overwrite)):
            return None if old.is_nil else (old, new)
        _assign(target, key, new, source)
        return None
    if isinstance(new, GoList) and key in target and target.elem != ANY:
        raise FunctionError(f"reflect: call of reflect.Value.IsNil on {kind_of(old)} Value")
    _refuse_mixed_pointer(old, new, overwrite=overwrite)
    if overwrite or is_empty(old):
        _assign(target, key, new, source)
    return None


def merge_into(budget: Budget, target: GoMap, source: GoMap, *, overwrite: bool) -> None:
    """Merge source into target, which changes; values of source are shared, not copied.

    Without overwrite a member of target wins unless it is empty (see ``is_empty``); with it source wins, also with an
    empty value, except that an empty map leaves the target's map as it is.
    Raises: FunctionError with the library's error, or with the panic text, for types that cannot be merged.
    """
    pending = [(target, source)]
    while pending:
        target, source = pending.pop()
        for key in list(source):
            budget.step()
            if (inner := _merge_member(target, key, source, overwrite=overwrite)) is not None:
                pending.append(inner)


def _copy_shell(value: object) -> object:
    """Return an empty container of the same type, or what the library makes of any other value."""
    if isinstance(value, GoMap):
        return GoMap((), value.elem, is_nil=value.is_nil)
    if isinstance(value, GoList):
        return GoList((), value.elem, is_nil=value.is_nil)
    if isinstance(value, Version):
        return type(value)()  # the library cannot see private fields and leaves them zero
    return value


def deep_copy(budget: Budget, value: object) -> object:
    """Return a copy that shares no list or map with value."""
    result = _copy_shell(value)
    pending = [(value, result)]
    while pending:
        source, copy = pending.pop()
        budget.step()
        if isinstance(source, GoMap) and isinstance(copy, GoMap):
            copy.update((key, _copy_shell(item)) for key, item in source.items())
            pending += [(item, copy[key]) for key, item in source.items() if isinstance(item, (GoMap, GoList))]
        elif isinstance(source, GoList) and isinstance(copy, GoList):
            copy.extend(_copy_shell(item) for item in source)
            pending += [pair for pair in zip(source, copy, strict=True) if isinstance(pair[0], (GoMap, GoList))]
    return result
