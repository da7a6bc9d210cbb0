"""Deep equality of two Go values, types included. Called by ``deepEqual`` and by the list functions that compare items.

Source: Go reflect.DeepEqual; spec/templates.md section 6.4 (row ``uniq``).
"""

from __future__ import annotations

from typing import Final

from kubectl_asm.gotemplate.values import GoList, GoMap, GoObject, type_of

_COMPOSITE: Final = (GoList, GoMap, GoObject)


def _same_shape(left: object, right: object) -> list[tuple[object, object]] | None:
    """Return the pairs that must be equal for two containers to be, or None when they already differ."""
    if isinstance(left, GoList) and isinstance(right, GoList):
        if left.is_nil != right.is_nil or len(left) != len(right):
            return None
        return list(zip(left, right, strict=True))
    if isinstance(left, GoMap) and isinstance(right, GoMap):
        if left.is_nil != right.is_nil or left.keys() != right.keys():
            return None
        return [(item, right[key]) for key, item in left.items()]
    if isinstance(left, GoObject) and isinstance(right, GoObject) and left.go_struct():
        return [(a[1], b[1]) for a, b in zip(left.go_struct(), right.go_struct(), strict=True)]
    return [] if left == right else None


def deep_equal(left: object, right: object) -> bool:
    """Whether two values have the same type and equal contents; NaN differs from itself, a nil list from an empty one.

    A pair of containers met again inside itself counts as equal.
    """
    if type(left) is not type(right):
        return False
    if not isinstance(left, _COMPOSITE):
        return left == right
    pending: list[tuple[object, object]] = [(left, right)]
    seen: set[tuple[int, int]] = set()
    while pending:
        left, right = pending.pop()
        if type_of(left) != type_of(right):
            return False
        if isinstance(left, _COMPOSITE):
            if left is right or (id(left), id(right)) in seen:
                continue
            seen.add((id(left), id(right)))
        pairs = _same_shape(left, right)
        if pairs is None:
            return False
        pending += pairs
    return True
