"""Map functions. They take ``map[string]interface {}`` only, never the ``map[string]string`` of ``split`` and parseKeyValue.

``set``, ``unset`` and the merges change their first argument, as upstream does; every template gets its own data.
Called through the table in ``funcs/__init__.py``. Source: spec/templates.md sections 3.2 and 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate.funcs.coercion import strval
from kubectl_asm.gotemplate.funcs.merging import deep_copy, merge_into
from kubectl_asm.gotemplate.funcs.signature import LIST, MAP, Environment, Function, FunctionError, Purity
from kubectl_asm.gotemplate.values import ANY, GoList, GoMap, canonical, sorted_keys, strings, type_of

GROUP = "dicts"


def make_dict(env: Environment, *members: object) -> GoMap:
    """Return a map of alternating keys and values; keys become texts, a missing last value an empty text."""
    env.budget.items(len(members) // 2)
    keys = [canonical(strval(key)) for key in members[::2]]
    values = [*members[1::2], ""]
    return GoMap(zip(keys, values, strict=False))


def get(mapping: GoMap, key: str) -> object:
    """Return the member, or an empty text when there is none."""
    return mapping.get(key, "")


def set_member(mapping: GoMap, key: str, value: object) -> GoMap:
    """Set a member of the map itself and return the map. Raises: FunctionError for a nil map."""
    if mapping.is_nil:
        raise FunctionError("assignment to entry in nil map")
    mapping[key] = value
    return mapping


def unset(mapping: GoMap, key: str) -> GoMap:
    """Remove a member from the map itself and return the map."""
    mapping.pop(key, None)
    return mapping


def has_key(mapping: GoMap, key: str) -> bool:
    """Whether the map has the member, even a nil one."""
    return key in mapping


def pluck(key: str, *mappings: GoMap) -> GoList:
    """Return the member of every map that has it."""
    return GoList(mapping[key] for mapping in mappings if key in mapping)


def keys(env: Environment, *mappings: GoMap) -> GoList:
    """Return the keys of all maps, sorted within each map; upstream's order is random."""
    env.budget.items(sum(map(len, mappings)))
    return strings(key for mapping in mappings for key in sorted_keys(mapping))


def values(mapping: GoMap) -> GoList:
    """Return the values in the order of their keys; upstream's order is random."""
    return GoList(mapping[key] for key in sorted_keys(mapping))


def pick(mapping: GoMap, *wanted: str) -> GoMap:
    """Return a map of the named members only."""
    return GoMap((key, mapping[key]) for key in wanted if key in mapping)


def omit(mapping: GoMap, *unwanted: str) -> GoMap:
    """Return a map without the named members."""
    return GoMap((key, value) for key, value in mapping.items() if key not in unwanted)


def _must_merge(env: Environment, target: GoMap, sources: tuple[GoMap, ...], *, overwrite: bool) -> GoMap:
    if target.is_nil and not all(source.is_nil for source in sources):
        target = GoMap()
    for source in sources:
        merge_into(env.budget, target, source, overwrite=overwrite)
    return target


def must_merge(env: Environment, target: GoMap, *sources: GoMap) -> GoMap:
    """Merge into the first map what it lacks; its empty values count as lacking. Raises: FunctionError."""
    return _must_merge(env, target, sources, overwrite=False)


def must_merge_overwrite(env: Environment, target: GoMap, *sources: GoMap) -> GoMap:
    """Merge into the first map, later maps win. Raises: FunctionError."""
    return _must_merge(env, target, sources, overwrite=True)


def _forgiving(merge: Callable[..., GoMap]) -> Callable[..., object]:
    """Return the merge that gives an empty text where the library reports an error; a panic stays an error."""

    def forgiving(env: Environment, target: GoMap, *sources: GoMap) -> object:
        try:
            return merge(env, target, *sources)
        except FunctionError as error:
            if error.text.startswith("reflect"):
                raise
            return ""

    return forgiving


def _interface_is(value: object, wanted: str) -> FunctionError:
    found = "nil" if value is None else type_of(value)
    return FunctionError(f"interface conversion: interface {{}} is {found}, not {wanted}")


def _as_map(value: object) -> GoMap:
    if isinstance(value, GoMap) and value.elem == ANY:
        return value
    raise _interface_is(value, MAP)


def dig(*arguments: object) -> object:
    """Return the value below the last argument that the keys lead to, or the last but one when a step is absent.

    Raises: FunctionError when a step is present and no map, or a key no text.
    """
    if len(arguments) < 3:
        raise FunctionError("dig needs at least three arguments")
    *path, default, root = arguments
    current: object = _as_map(root)
    for key in path:
        if not isinstance(key, str):
            raise _interface_is(key, "string")
    for key in path:
        mapping = _as_map(current)
        if key not in mapping:
            return default
        current = mapping[str(key)]
    return current


def copy_value(env: Environment, value: object) -> object:
    """Return a copy that shares no list or map with the value. Raises: FunctionError for nil, as in Go."""
    if value is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    return deep_copy(env.budget, value)


_MERGE: Final = (MAP, MAP)

FUNCTIONS: tuple[Function, ...] = (
    Function("deepCopy", GROUP, copy_value, (ANY,), ANY, needs_env=True, summary="Copy that shares no list or map."),
    Function("dict", GROUP, make_dict, (ANY,), MAP, variadic=True, needs_env=True, summary="Map of alternating keys and values."),
    Function("dig", GROUP, dig, (ANY,), ANY, variadic=True, summary="Value below nested maps, or a default."),
    Function("get", GROUP, get, (MAP, "string"), ANY, summary="Member of a map, an empty text when absent."),
    Function("hasKey", GROUP, has_key, (MAP, "string"), "bool", summary="Whether a map has a member."),
    Function(
        "keys",
        GROUP,
        keys,
        (MAP,),
        "[]string",
        variadic=True,
        needs_env=True,
        purity=Purity.ORDER,
        status="differs",
        summary="Keys of maps; sorted here, in random order upstream.",
    ),
    Function(
        "merge", GROUP, _forgiving(must_merge), _MERGE, ANY, variadic=True, needs_env=True, summary="Deep merge, first map wins."
    ),
    Function(
        "mergeOverwrite",
        GROUP,
        _forgiving(must_merge_overwrite),
        _MERGE,
        ANY,
        variadic=True,
        needs_env=True,
        summary="Deep merge, last map wins.",
    ),
    Function("mustDeepCopy", GROUP, copy_value, (ANY,), ANY, needs_env=True, summary="Like deepCopy."),
    Function("mustMerge", GROUP, must_merge, _MERGE, ANY, variadic=True, needs_env=True, summary="Like merge, with an error."),
    Function(
        "mustMergeOverwrite",
        GROUP,
        must_merge_overwrite,
        _MERGE,
        ANY,
        variadic=True,
        needs_env=True,
        summary="Like mergeOverwrite, with an error.",
    ),
    Function("omit", GROUP, omit, (MAP, "string"), MAP, variadic=True, summary="Map without some members."),
    Function("pick", GROUP, pick, (MAP, "string"), MAP, variadic=True, summary="Map of some members only."),
    Function("pluck", GROUP, pluck, ("string", MAP), LIST, variadic=True, summary="One member of several maps."),
    Function("set", GROUP, set_member, (MAP, "string", ANY), MAP, summary="Set a member of the map itself."),
    Function("unset", GROUP, unset, (MAP, "string"), MAP, summary="Remove a member of the map itself."),
    Function(
        "values",
        GROUP,
        values,
        (MAP,),
        LIST,
        purity=Purity.ORDER,
        status="differs",
        summary="Values of a map, in key order here, in random order upstream.",
    ),
)
