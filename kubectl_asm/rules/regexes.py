"""What can be said about a regex from its text: anchors, groups. Source: spec/access-control.md 3; spec/data.md 5.3."""

from __future__ import annotations

import re

_FLAGS = re.compile(r"\(\?[imsU-]+\)")


def is_anchored(pattern: str) -> bool:
    """Return whether every alternative of a pattern begins with ^ and ends with $."""
    return all(_is_anchored(part) for part in _alternatives(_FLAGS.sub("", pattern, count=1)))


def _is_anchored(part: str) -> bool:
    if part.startswith("(") and part.endswith(")") and _is_one_group(part):
        inner = part[1:-1]
        return is_anchored(inner.removeprefix("?:"))
    ends = part.endswith("\\z") or (part.endswith("$") and not _is_escaped(part, len(part) - 1))
    return part.startswith(("^", "\\A")) and ends


def _is_one_group(part: str) -> bool:
    depth = 0
    for at, char in enumerate(part):
        depth += (char == "(") - (char == ")")
        if depth == 0 and at < len(part) - 1:
            return False
    return True


def _is_escaped(text: str, at: int) -> bool:
    return (len(text[:at]) - len(text[:at].rstrip("\\"))) % 2 == 1


def _alternatives(pattern: str) -> list[str]:
    """Cut a pattern at the bars outside of groups and classes."""
    parts, depth, in_class, start = [], 0, False, 0
    for at, char in enumerate(pattern):
        if _is_escaped(pattern, at):
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
    return [*parts, pattern[start:]]
