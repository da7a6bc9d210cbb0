"""Proof that edited text differs from the original in the intended nodes and nowhere else.

ruamel.yaml, a second reader with its own grammar, reads both texts; the changes are made on its tree of the original, and
the two trees must be equal: keys and their order, values and their types, anchors, tags, merge keys, number of comments.
Why: docs/decisions/0006-fixes-edit-text.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from kubectl_asm.diagnostics import Change, ChangeKind

MAX_PROVEN: Final = 1 << 20
"""Characters of a document that are proven; ruamel.yaml needs about a second for 100,000."""

_COMMENT_START = re.compile(r"(?:^|[ \t])#", re.MULTILINE)


def is_proven(before: str, after: str, changes: Sequence[Change]) -> bool:
    """Return whether one document's text after is before with these changes, as the second reader sees it."""
    if max(len(before), len(after)) > MAX_PROVEN:
        return False
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  # loaded only when something is fixed

    try:
        old, new = _load(before), _load(after)
        ordered = sorted(changes, key=lambda one: (len(one.path), one.kind is ChangeKind.RENAME, one.occurrence), reverse=True)
        for change in ordered:  # inner nodes first: their paths lead through keys that are renamed later
            old = _changed(old, change)
    except (YAMLError, KeyError, IndexError, TypeError, AttributeError):
        return False
    return _is_equal(old, new) and _lost_comments(before, after) <= sum(one.kind is ChangeKind.REMOVE for one in changes)


def _load(text: str) -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.allow_duplicate_keys = True
    return yaml.load(text)


def _changed(root: Any, change: Change) -> Any:
    parent = root
    for step in change.path[:-1]:
        parent = parent[step]
    name = change.path[-1]
    match change.kind:
        case ChangeKind.RENAME:
            position, value = list(parent).index(name), parent[name]
            del parent[name]
            parent.insert(position, change.text, value)
        case ChangeKind.REMOVE:
            if change.occurrence == 0:  # of equal keys this reader keeps the first one anyway
                del parent[name]
        case ChangeKind.INSIDE:
            value = parent[name]
            parent[name] = value[: change.offset] + change.text + value[change.offset + change.length :]
        case _:
            parent[name] = change.text
    return root


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and _marks(one) == _marks(other)
            and all(_is_equal(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        is_list = isinstance(other, list) and len(one) == len(other) and _marks(one) == _marks(other)
        return is_list and all(map(_is_equal, one, other))
    if isinstance(one, str):
        return isinstance(other, str) and one == other
    return type(one) is type(other) and bool(one == other or one is other or (one != one and other != other))


def _marks(node: Any) -> tuple[Any, ...]:
    """Return anchor, tag and number of merged mappings of a collection."""
    anchor = getattr(node, "anchor", None)
    tag = getattr(node, "tag", None)
    return (getattr(anchor, "value", None), str(getattr(tag, "value", tag)), len(getattr(node, "merge", None) or ()))


def _lost_comments(before: str, after: str) -> int:
    return len(_COMMENT_START.findall(before)) - len(_COMMENT_START.findall(after))
