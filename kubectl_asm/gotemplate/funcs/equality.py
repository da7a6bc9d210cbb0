"""Deep equality of two Go values, types included. Called by ``deepEqual`` and by the list functions that compare items.

Source: Go reflect.DeepEqual; spec/templates.md section 6.4 (row ``uniq``).
"""

from __future__ import annotations

from kubectl_asm.gotemplate.values import GoList, GoMap, GoObject, type_of


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
    """Whether two values have the same type and equal contents; NaN differs from itself, a nil list from an empty one."""
    pending = [(left, right)]
    while pending:
        left, right = pending.pop()
        if type_of(left) != type_of(right):
            return False
        if left is right and isinstance(left, (GoList, GoMap, GoObject)):
            continue
        pairs = _same_shape(left, right)
        if pairs is None:
            return False
        pending += pairs
    return True
